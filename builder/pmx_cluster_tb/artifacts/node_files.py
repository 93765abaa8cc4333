"""What is made for a node: its package, and its first-boot file with that and the common package in it."""

from dataclasses import dataclass, field

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import MAX_BYTES, SharedNode, hook_bytes, shared_hook_bytes
from pmx_cluster_tb.model.cluster import NicMac
from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.sources import read_first_boot_program


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The files of a node."""

    deb: bytes = field(repr=False)
    hook: bytes = field(repr=False)


def ring_deb(plan: ClusterPlan) -> bytes:
    """The package that is the same on all nodes."""
    return deb_bytes(plan.ring_package, release.RELEASE_DATE)


def node_files(plan: ClusterPlan, node: NodePlan, ring: bytes) -> NodeFiles:
    """The files of `node`; `ring` is the package of all nodes.

    Raises UserError if the first-boot file is too large.
    """
    deb = deb_bytes(node.package, release.RELEASE_DATE)
    debs = {plan.ring_package.file_name: ring, node.package.file_name: deb}
    return NodeFiles(deb, hook_bytes(read_first_boot_program(), node.first_boot, debs, release.RELEASE_DATE))


def shared_hook(plan: ClusterPlan, ring: bytes) -> bytes:
    """The first-boot file of all nodes of `plan`; `ring` is the package of all nodes.

    Raises BadInput if it is too large.
    """
    debs = {node.package.file_name: deb_bytes(node.package, release.RELEASE_DATE) for node in plan.nodes}
    nodes = [
        SharedNode(node.node.name, node.node.nic.mac, node.first_boot)
        for node in plan.nodes
        if isinstance(node.node.nic, NicMac)
    ]
    hook = shared_hook_bytes(
        read_first_boot_program(), nodes, {plan.ring_package.file_name: ring, **debs}, release.RELEASE_DATE
    )
    if len(hook) > MAX_BYTES:
        raise BadInput(
            f"the first-boot file of all {len(nodes)} nodes has {len(hook)} bytes, and the installer takes "
            f"{MAX_BYTES} at most",
            "use `--layout separate`",
        )
    return hook
