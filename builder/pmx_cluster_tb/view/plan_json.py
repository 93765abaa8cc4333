"""A plan as a JSON value. Secrets are left out."""

import base64

from pmx_cluster_tb.model.cluster import (
    Cluster,
    NicMac,
    Node,
    network_entity_title,
    ring_ipv4,
    ring_ipv6,
)
from pmx_cluster_tb.plan.types import ClusterPlan, File, NodePlan, Package
from pmx_cluster_tb.view.redaction import redacted


def plan_json(plan: ClusterPlan, nodes: tuple[NodePlan, ...]) -> dict[str, object]:
    """The cluster, pmx-ring, and all that is made for `nodes`."""
    cluster = plan.cluster
    return {
        "cluster": cluster.name,
        "example": cluster.example,
        "proxmox_ve": str(cluster.proxmox_ve),
        "ring": {"mtu": cluster.ring.mtu, "ipv4": _text(cluster.ring.ipv4), "ipv6": _text(cluster.ring.ipv6)},
        "pmx_ring": _package(plan.ring_package),
        "nodes": [_node(cluster, node) for node in nodes],
    }


def _node(cluster: Cluster, plan: NodePlan) -> dict[str, object]:
    return {
        **_addresses(cluster, plan.node),
        "answer": redacted(plan.answer.table),
        "first_boot": redacted(plan.first_boot.table),
        "package": _package(plan.package),
    }


def _addresses(cluster: Cluster, node: Node) -> dict[str, object]:
    return {
        "name": node.name,
        "number": node.number,
        "fqdn": cluster.fqdn(node),
        "address": str(node.address),
        "nic": {"mac": node.nic.mac} if isinstance(node.nic, NicMac) else {"name": node.nic.name},
        "ring_ipv4": _text(ring_ipv4(cluster.ring, node)),
        "ring_ipv6": _text(ring_ipv6(cluster.ring, node)),
        "openfabric_net": network_entity_title(node),
        "neighbours": [other.name for other in cluster.neighbours(node)],
    }


def _package(package: Package) -> dict[str, object]:
    return {
        "name": package.name,
        "version": package.version,
        "file": package.file_name,
        "control": dict(package.fields),
        "scripts": {member.name: member.content.decode() for member in package.members},
        "files": [_file(file) for file in package.files],
        "links": [{"path": str(link.path), "target": str(link.target)} for link in package.links],
    }


def _file(file: File) -> dict[str, object]:
    described = {"path": str(file.path), "mode": f"{file.mode:04o}", "size": len(file.content)}
    try:
        return {**described, "content": file.content.decode()}
    except UnicodeDecodeError:
        return {**described, "content_base64": base64.b64encode(file.content).decode()}


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)
