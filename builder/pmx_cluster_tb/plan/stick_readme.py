"""README.txt on the stick: what the person at the machine presses at every screen."""

from pathlib import PurePosixPath

from pmx_cluster_tb.model.cluster import AfterInstall, DiskSerials, NicMac, Node
from pmx_cluster_tb.plan import stick_names
from pmx_cluster_tb.plan.package import render
from pmx_cluster_tb.plan.types import ClusterPlan, SourceTree
from pmx_cluster_tb.plan.ventoy import disk_text, nic_text

_TEMPLATE = PurePosixPath("README.txt.j2")


def readme(plan: ClusterPlan, version: str, sources: SourceTree, *, shared: bool) -> bytes:
    """The text for the separate or the shared layout.

    It is ASCII with the line ends of DOS: a stick is read on Windows, too.
    """
    cluster = plan.cluster
    view = {
        "cluster": cluster.name,
        "folder": stick_names.folder(cluster.name),
        "version": version,
        "shared": shared,
        "powers_off": cluster.after_install is AfterInstall.POWER_OFF,
        "unmistakable": all(_is_unmistakable(one.node) for one in plan.nodes),
        "nodes": _table([one.node for one in plan.nodes]),
    }
    text = render(sources[_TEMPLATE], view).decode()
    return text.encode("ascii", "replace").replace(b"\n", b"\r\n")


def _is_unmistakable(node: Node) -> bool:
    return isinstance(node.nic, NicMac) or isinstance(node.disk.find, DiskSerials)


def _table(nodes: list[Node]) -> str:
    rows = [("node", "address", "NIC", "disks that are wiped")]
    rows += [
        (
            node.name,
            str(node.address),
            nic_text(node),
            disk_text(node.disk),
        )
        for node in nodes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )
