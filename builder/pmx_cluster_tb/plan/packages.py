"""The two packages of a node: pmx-ring, which is code, and pmx-<cluster>-<node>, which is data."""

import json
from email.utils import format_datetime
from pathlib import PurePosixPath

from pmx_cluster_tb import release
from pmx_cluster_tb.model.cluster import (
    THUNDERBOLT_DRIVER,
    Cluster,
    Node,
    network_entity_title,
    ring_ipv4,
    ring_ipv6,
)
from pmx_cluster_tb.plan.package import View, digest_version, unversioned_package, versioned_package
from pmx_cluster_tb.plan.types import File, Package, SourceTree, Table

NODE_FACTS = PurePosixPath("/usr/lib/pmx-ring/node.json")
NODE_FACTS_SCHEMA = 1

_FABRICD_MTU = 1500
_LLC_HEADER_BYTES = 3


def package_name(cluster: Cluster, node: Node) -> str:
    """`pmx-<cluster>-<node>`; package names are lower case."""
    return f"pmx-{cluster.name.lower()}-{node.name}"


def node_facts(cluster: Cluster, node: Node) -> Table:
    """What `pmx-ring` on the node reads: /usr/lib/pmx-ring/node.json.

    `cluster_wide` holds what every node must agree on; `neighbours` those around the ring, not all nodes, so
    that a large cluster costs no more for each of them.
    """
    return {
        "schema": NODE_FACTS_SCHEMA,
        "cluster": cluster.name,
        "node": node.name,
        "number": node.number,
        "ipv4": _text(ring_ipv4(cluster.ring, node)),
        "ipv6": _text(ring_ipv6(cluster.ring, node)),
        "ports": [{"name": port.name, "path": port.path, "driver": port.driver} for port in node.ports],
        "e2e": cluster.ring.e2e,
        "cluster_wide": {
            "mtu": cluster.ring.mtu,
            "ipv4": _text(cluster.ring.ipv4),
            "ipv6": _text(cluster.ring.ipv6),
        },
        "neighbours": [
            {
                "node": other.name,
                "ipv4": _text(ring_ipv4(cluster.ring, other)),
                "ipv6": _text(ring_ipv6(cluster.ring, other)),
            }
            for other in cluster.neighbours(node)
        ],
    }


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)


def _common_view(package: str) -> dict[str, object]:
    return {
        "package": package,
        "maintainer": release.MAINTAINER,
        "homepage": release.HOMEPAGE,
        "project_version": release.__version__,
        "date": format_datetime(release.RELEASE_DATE),
        "year": release.RELEASE_DATE.year,
    }


def node_view(cluster: Cluster, node: Node) -> View:
    """The values that the templates of `debian-src/node` may name, one node's view of its cluster."""
    ring = cluster.ring
    return {
        **_common_view(package_name(cluster, node)),
        "cluster": cluster.name,
        "node": node.name,
        "fqdn": cluster.fqdn(node),
        "ports": node.ports,
        "mtu": ring.mtu,
        "lsp_mtu": ring.mtu - _LLC_HEADER_BYTES if ring.mtu < _FABRICD_MTU else None,
        "ipv4": ring_ipv4(ring, node),
        "ipv6": ring_ipv6(ring, node),
        "openfabric_families": [
            name for name, prefix in (("ip", ring.ipv4), ("ipv6", ring.ipv6)) if prefix is not None
        ],
        "net": network_entity_title(node),
        "e2e": ring.e2e,
        "thunderbolt": any(port.driver == THUNDERBOLT_DRIVER for port in node.ports),
        "controllers": _controllers(node),
    }


def _controllers(node: Node) -> list[str]:
    """The PCI addresses of the Thunderbolt controllers in use."""
    return [
        port.path.removeprefix("pci-")
        for port in node.ports
        if port.driver == THUNDERBOLT_DRIVER and port.path.startswith("pci-")
    ]


def node_package(cluster: Cluster, node: Node, source: SourceTree) -> Package:
    """The package of one node, versioned by its content."""
    view = node_view(cluster, node)
    facts = json.dumps(node_facts(cluster, node), indent=2).encode() + b"\n"
    package, changelog = unversioned_package(source, view, (File(NODE_FACTS, facts),))
    return versioned_package(package, digest_version("1.0", package), changelog, view)


def ring_package(source: SourceTree) -> Package:
    """pmx-ring: the project's version, and between releases a digest of its content."""
    view = _common_view("pmx-ring")
    package, changelog = unversioned_package(source, view)
    version = release.__version__ if release.RELEASED else digest_version(release.__version__, package)
    return versioned_package(package, version, changelog, view)
