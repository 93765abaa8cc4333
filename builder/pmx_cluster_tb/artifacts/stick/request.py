"""What is to be written to a stick: what was asked for, seen against what is there already."""

from dataclasses import dataclass, replace

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.compression import gzip
from pmx_cluster_tb.artifacts.iso.initrd import BadInitrd, initrd_members
from pmx_cluster_tb.artifacts.iso.read import Iso, iso_members
from pmx_cluster_tb.artifacts.node_files import node_files, ring_deb, shared_hook
from pmx_cluster_tb.artifacts.stick.manifest import BundleManifest, BundleNode
from pmx_cluster_tb.artifacts.stick.write import Bundle, node_digest
from pmx_cluster_tb.artifacts.tar import Entry, Kind, tar_bytes
from pmx_cluster_tb.plan.bundle import (
    BundlePlan,
    IsoVersion,
    Layout,
    is_shareable,
    refuse_unshareable,
    separate_bundle,
    shared_bundle,
)
from pmx_cluster_tb.plan.types import ClusterPlan, SourceTree
from pmx_cluster_tb.plan.ventoy_init import refuse_other_init
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.sources import read_stick_sources

_INJECTION = "injection/"
"""The folder of answer-files/stick that is laid out as it lands in the initial RAM disk."""
_INITRD = "/boot/initrd.img"
_INIT = "/init"
_SEPARATE = "use `--layout separate`, which does not depend on it"
_WHOLE = "leave `--node` out: all nodes are then made anew, and what is unchanged stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for besides the cluster and the ISO; None for what was not said.

    `node` confines a change to one node. Without `layout` it is the one of the stick then, and else separate.
    """

    layout: Layout | None = None
    node: str | None = None


def requested_bundle(
    plan: ClusterPlan, iso: Iso, iso_sha256: str | None, earlier: BundleManifest | None, wish: Wish
) -> Bundle:
    """The bundle of all nodes of `plan`; for one node, of that and of those that the stick serves already.

    `earlier` is what the stick has; `iso_sha256` may be None where that is nothing. A node that is on it, but
    not in `plan` any more, is left out. Raises BadInput if the shared layout cannot be, or if one node cannot
    be renewed without mixing what does not belong together.
    """
    layout, node = wish.layout, wish.node
    nodes = tuple(
        BundleNode(name=one.node.name, number=one.node.number, plan_sha256=node_digest(one))
        for one in plan.nodes
    )
    if node is not None:
        if earlier is not None:
            _refuse_mixing(nodes, iso_sha256, earlier, layout, node)
            layout = earlier.layout
        served = {node, *(one.name for one in earlier.nodes)} if earlier else {node}
        nodes = tuple(one for one in nodes if one.name in served)
        plan = replace(plan, nodes=tuple(one for one in plan.nodes if one.node.name in served))
    bundle = bundle_of(plan, IsoVersion(iso.release, iso.iso_release), layout or Layout.SEPARATE)
    if bundle.layout is Layout.SHARED:
        _refuse_unknown_init(iso)
    return Bundle(
        plan=bundle,
        proxmox_ve=str(plan.cluster.proxmox_ve),
        iso=iso,
        iso_sha256=iso_sha256,
        nodes=nodes,
        renewed=node,
        could_be_shared=layout is None and node is None and len(plan.nodes) > 1 and is_shareable(plan),
    )


def bundle_of(plan: ClusterPlan, iso: IsoVersion, layout: Layout) -> BundlePlan:
    """What goes on a stick for the nodes of `plan`.

    Raises BadInput if the shared layout cannot serve them, and UserError if a first-boot file is too large.
    """
    sources = read_stick_sources()
    ring = ring_deb(plan)
    if layout is Layout.SEPARATE:
        hooks = {node.node.name: node_files(plan, node, ring).hook for node in plan.nodes}
        return separate_bundle(plan, iso, hooks, sources)
    refuse_unshareable(plan)
    return shared_bundle(plan, iso, shared_hook(plan, ring), injection_archive(sources), sources)


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


def _refuse_mixing(
    nodes: tuple[BundleNode, ...],
    iso_sha256: str | None,
    earlier: BundleManifest,
    layout: Layout | None,
    node: str,
) -> None:
    if layout not in (None, earlier.layout):
        raise BadInput(f"the bundle on the stick has the layout `{earlier.layout}`, not `{layout}`", _WHOLE)
    # a run that was cut off before the first ISO was there knew no digest
    if earlier.source.sha256 not in ("", iso_sha256):
        raise BadInput(
            f"the bundle on the stick was made from another ISO, {earlier.source.release} with SHA-256 "
            f"`{earlier.source.sha256}`",
            _WHOLE,
        )
    now = {one.name: one.plan_sha256 for one in nodes}
    there = [one for one in earlier.nodes if one.name in now and one.name != node]
    changed = [one.name for one in there if now[one.name] != one.plan_sha256]
    if changed:
        names = ", ".join(f"`{name}`" for name in changed)
        raise BadInput(
            f"not only `{node}` has changed since the bundle on the stick was made, but also {names}", _WHOLE
        )


def _refuse_unknown_init(iso: Iso) -> None:
    """Raises BadInput unless the ISO boots as the scripts of the shared layout rely on."""
    initrd = iso_members(iso.path, [_INITRD]).get(_INITRD)
    try:
        init = initrd_members(initrd or b"", [_INIT]).get(_INIT)
    except BadInitrd as error:
        raise BadInput(f"`{_INITRD}` of `{iso.path}` {error}", _SEPARATE) from error
    if init is None:
        raise BadInput(f"`{iso.path}` has no `{_INITRD}` with a `{_INIT}`", _SEPARATE)
    refuse_other_init(init)
