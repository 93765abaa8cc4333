"""The plan of a bundle, with the artifacts that it carries."""

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.compression import gzip
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import MAX_BYTES, SharedNode, hook_bytes, shared_hook_bytes
from pmx_cluster_tb.artifacts.tar import Entry, Kind, tar_bytes
from pmx_cluster_tb.model.cluster import NicMac
from pmx_cluster_tb.plan.bundle import (
    BundlePlan,
    IsoVersion,
    Layout,
    refuse_unshareable,
    separate_bundle,
    shared_bundle,
)
from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan, SourceTree
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.sources import read_first_boot_program, read_stick_sources

_INJECTION = "injection/"
"""The folder of answer-files/stick that is laid out as it lands in the initial RAM disk."""


def bundle_of(plan: ClusterPlan, iso: IsoVersion, layout: Layout) -> BundlePlan:
    """What goes on a stick for the nodes of `plan`.

    Raises BadInput if the shared layout cannot serve them, and UserError if a first-boot file is too large.
    """
    sources = read_stick_sources()
    ring = deb_bytes(plan.ring_package, release.RELEASE_DATE)
    if layout is Layout.SEPARATE:
        hooks = {node.node.name: _hook(plan, node, ring) for node in plan.nodes}
        return separate_bundle(plan, iso, hooks, sources)
    refuse_unshareable(plan)
    return shared_bundle(plan, iso, _shared_hook(plan, ring), injection_archive(sources), sources)


def injection_archive(sources: SourceTree) -> bytes:
    """The archive that Ventoy unpacks into `/` of the initial RAM disk: scripts, and no folders.

    `sources` is the folder answer-files/stick. The same sources give the same bytes.
    """
    entries = [
        Entry(str(path).removeprefix(_INJECTION).encode(), Kind.FILE, 0o755, content)
        for path, content in sorted(sources.items())
        if str(path).startswith(_INJECTION)
    ]
    return gzip(tar_bytes(entries, int(release.RELEASE_DATE.timestamp())))


def _hook(plan: ClusterPlan, node: NodePlan, ring: bytes) -> bytes:
    debs = {
        plan.ring_package.file_name: ring,
        node.package.file_name: deb_bytes(node.package, release.RELEASE_DATE),
    }
    return hook_bytes(read_first_boot_program(), node.first_boot, debs, release.RELEASE_DATE)


def _shared_hook(plan: ClusterPlan, ring: bytes) -> bytes:
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
