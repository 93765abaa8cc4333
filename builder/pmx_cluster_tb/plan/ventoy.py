"""What Ventoy shows and does for a bundle: its entries of ventoy.json, and the image that does nothing.

Read in Ventoy's source, 1.1.17 (`GRUB2/.../ventoy/ventoy_plugin.c`, `ventoy_cmd.c`, `INSTALL/grub/grub.cfg`).

The image that does nothing is a file that Ventoy lists, 32 KiB or larger and a multiple of 2 KiB, with a
GRUB script of the same name and `.vcfg` beside it. Ventoy finds such a script by itself since 1.0.43 and runs
it instead of booting the image, before any of its menus; when the script ends, the menu is back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pmx_cluster_tb.model.cluster import Cluster, Disk, DiskModel, DiskPath, DiskSerials, NicMac, Node
from pmx_cluster_tb.plan import stick_names
from pmx_cluster_tb.plan.package import render
from pmx_cluster_tb.plan.types import ClusterPlan, SourceTree, Table

NOTHING_IMAGE = bytes(64 * 1024)
"""Zeros: were it booted after all, there is nothing to boot."""

_NOTHING_TEMPLATE = PurePosixPath("nothing.vcfg.j2")

_ALIAS_BYTES = 255
_TIP_BYTES = 120
"""What fits on a line of Ventoy's default theme; Ventoy itself keeps 1023."""

_FOR_GRUB = str.maketrans(dict.fromkeys('"$\\', "?"))


@dataclass(frozen=True, slots=True, kw_only=True)
class VentoyEntries:
    """Entries of ventoy.json by key; `tips` go into the list `tips` of the object `menu_tip`."""

    menu_alias: tuple[Table, ...]
    tips: tuple[Table, ...]
    auto_install: tuple[Table, ...] = ()
    injection: tuple[Table, ...] = ()


def entries_below(entries: VentoyEntries, root: str) -> VentoyEntries:
    """`entries` for a bundle in the folder `root` of the stick; at its top, for an empty one."""
    if not root:
        return entries

    def moved(tables: tuple[Table, ...]) -> tuple[Table, ...]:
        return tuple({key: _moved(key, value, root) for key, value in table.items()} for table in tables)

    return VentoyEntries(
        menu_alias=moved(entries.menu_alias),
        tips=moved(entries.tips),
        auto_install=moved(entries.auto_install),
        injection=moved(entries.injection),
    )


def _moved(key: str, value: object, root: str) -> object:
    if key in ("image", "archive"):
        return f"/{root}{value}"
    return [f"/{root}{path}" for path in value] if key == "template" and isinstance(value, list) else value


def separate_entries(plan: ClusterPlan, version: str, isos: Mapping[str, str]) -> VentoyEntries:
    """Names the ISOs of the separate layout, given by node."""
    cluster = plan.cluster
    named = [(one.node, _image(isos[one.node.name])) for one in plan.nodes]
    return VentoyEntries(
        menu_alias=(
            _nothing_alias(cluster, "choose a node"),
            *(
                {
                    **image,
                    "alias": _alias(
                        f"{node.name} of cluster {cluster.name}: WIPES DISKS, {disk_text(node.disk)}, "
                        f"for Proxmox VE {version}"
                    ),
                }
                for node, image in named
            ),
        ),
        tips=tuple(
            {
                **image,
                "tip1": _tip(f"WIPES DISKS of {node.name} without asking: {disk_text(node.disk)}"),
                "tip2": _tip(f"NIC {nic_text(node)}, address {node.address}"),
            }
            for node, image in named
        ),
    )


def shared_entries(plan: ClusterPlan, version: str, iso: str, answers: Mapping[str, str]) -> VentoyEntries:
    """Has Ventoy ask for a node before it boots the ISO of the shared layout; `answers` are paths by node.

    `autosel` 0 without a timeout preselects `Boot without auto installation template` and waits for ever.
    """
    cluster, image = plan.cluster, _image(iso)
    nodes = [one.node for one in plan.nodes]
    disks = ", ".join(f"{node.name} ({disk_text(node.disk)})" for node in nodes)
    text = f"cluster {cluster.name}: WIPES DISKS, for Proxmox VE {version} on {disks}"
    asks = f"WIPES DISKS without asking. The next screen is for the node: {', '.join(answers)}"
    return VentoyEntries(
        menu_alias=(_nothing_alias(cluster, "choose the cluster"), {**image, "alias": _alias(text)}),
        tips=(
            {**image, "tip1": _tip(asks), "tip2": _tip("The first line of that screen installs nothing.")},
        ),
        auto_install=(
            {**image, "template": [f"/{path}" for path in answers.values()], "autosel": 0, "timeout": 0},
        ),
        injection=({**image, "archive": f"/{stick_names.injection(cluster)}"},),
    )


def nothing_script(cluster: Cluster, sources: SourceTree) -> bytes:
    """The GRUB script that Ventoy runs for the image that does nothing."""
    return render(sources[_NOTHING_TEMPLATE], {"folder": stick_names.folder(cluster.name)})


def disk_text(disk: Disk) -> str:
    """Which disks are wiped, as a person would look for them."""
    match disk.find:
        case DiskSerials(serials):
            return f"serial {', '.join(serials)}"
        case DiskModel(model):
            return f"model {model}"
        case DiskPath(path):
            return f"at {path}"


def nic_text(node: Node) -> str:
    """The MAC address or name of the NIC that the installer looks for."""
    return node.nic.mac if isinstance(node.nic, NicMac) else node.nic.name


def _image(path: str) -> dict[str, object]:
    return {"image": f"/{path}"}


def _nothing_alias(cluster: Cluster, choose: str) -> Table:
    text = f"[ this line does nothing: {choose} below ]"
    return {**_image(stick_names.nothing(cluster)), "alias": _alias(text)}


def _alias(text: str) -> str:
    return _line(text, _ALIAS_BYTES)


def _tip(text: str) -> str:
    return _line(text, _TIP_BYTES)


def _line(text: str, most_bytes: int) -> str:
    """`text` in printable ASCII, without what GRUB's script language would expand, cut to `most_bytes`."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text.translate(_FOR_GRUB))
    return plain if len(plain) <= most_bytes else f"{plain[: most_bytes - 3]}..."
