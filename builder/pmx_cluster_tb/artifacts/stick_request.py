"""What is to be written to a stick: what was asked for, seen against what is there already."""

from dataclasses import dataclass, replace

from pmx_cluster_tb.artifacts.bundle import bundle_of
from pmx_cluster_tb.artifacts.initrd import BadInitrd, initrd_members
from pmx_cluster_tb.artifacts.iso import Iso, iso_members
from pmx_cluster_tb.artifacts.stick import Bundle, node_digest
from pmx_cluster_tb.artifacts.stick_manifest import BundleManifest, BundleNode
from pmx_cluster_tb.plan.bundle import IsoVersion, Layout, is_shareable
from pmx_cluster_tb.plan.types import ClusterPlan
from pmx_cluster_tb.plan.ventoy_init import refuse_other_init
from pmx_cluster_tb.problems import BadInput

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
