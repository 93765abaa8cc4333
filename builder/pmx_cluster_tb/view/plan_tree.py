"""A plan as a tree to read."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from posixpath import commonpath
from typing import cast

from rich.text import Text
from rich.tree import Tree

from pmx_cluster_tb.model.cluster import Cluster, Disk, NicMac, NicName, Node
from pmx_cluster_tb.plan.answer import wiped_disks
from pmx_cluster_tb.plan.types import (
    Answer,
    ClusterPlan,
    File,
    FirstBootSettings,
    Link,
    NodePlan,
    Package,
    Table,
)
from pmx_cluster_tb.view.file_roles import file_role

_NAME_COLUMNS = 42
_INDENT_COLUMNS = 4
_SIZE_COLUMNS = 6
_SHOWN_ALIKE = 8
_DOCUMENTATION = PurePosixPath("/usr/share")

_ROOT = PurePosixPath("/")

_Entry = File | Link


def heading(cluster: Cluster) -> Text:
    """The cluster in one line."""
    example = ", an example that is not for installing" if cluster.example else ""
    return Text.assemble(
        (cluster.name, "bold"),
        f": {len(cluster.nodes)} nodes on a Thunderbolt ring, Proxmox VE {cluster.proxmox_ve}, "
        f"MTU {cluster.ring.mtu}{example}",
    )


def node_trees(plan: ClusterPlan, nodes: tuple[NodePlan, ...]) -> Iterator[Tree]:
    """A tree for each of `nodes`: the first in full, the others as far as they differ from it."""
    for index, node in enumerate(nodes):
        yield _node_tree(plan, node, like=nodes[0] if index else None)


def _node_tree(plan: ClusterPlan, node_plan: NodePlan, like: NodePlan | None) -> Tree:
    tree = Tree(_node_label(plan.cluster, node_plan.node), guide_style="dim")
    _add_answer(tree, plan.cluster, node_plan)
    first_boot = tree.add(_leaf(0, "first-boot", "", "runs once on the node"))
    for number, step in enumerate(first_boot_steps(node_plan.first_boot), start=1):
        first_boot.add(Text(f"{number}. {step}"))
    package = tree.add(_package_label(node_plan.package, "this node's data"))
    if like is None:
        _add_package(package, node_plan.package)
        _add_package(
            tree.add(_package_label(plan.ring_package, "the program of every node")), plan.ring_package
        )
    else:
        _add_differing(package, node_plan.package, like)
    return tree


def _node_label(cluster: Cluster, node: Node) -> Text:
    return Text.assemble((node.name, "bold cyan"), f"  {cluster.fqdn(node)}, {node.address} on the LAN")


def _add_answer(tree: Tree, cluster: Cluster, node_plan: NodePlan) -> None:
    size = len(node_plan.answer.text.encode())
    answer = tree.add(_leaf(0, "answer.toml", _size(size), f"for the {cluster.proxmox_ve} installer"))
    disk = node_plan.node.disk
    answer.add(Text(f"only where a NIC {_guard(node_plan.node)}; elsewhere nothing is written"))
    answer.add(Text.assemble(("wipes ", "bold red"), f"{wiped_disks(disk)}, for {_layout_of(disk)}"))
    answer.add(Text(f"then {'powers off' if _powers_off(node_plan.answer) else 'reboots'}"))


def _guard(node: Node) -> str:
    match node.nic:
        case NicMac(mac):
            return f"has the MAC address {mac}"
        case NicName(name):
            return f"is named {name}"


def _layout_of(disk: Disk) -> str:
    return f"{disk.filesystem} ({disk.raid})" if disk.raid else str(disk.filesystem)


def _powers_off(answer: Answer) -> bool:
    return cast("Table", answer.table["global"])["reboot-mode"] == "power-off"


def first_boot_steps(settings: FirstBootSettings) -> list[str]:
    """What the first-boot program does, in words."""
    packages = cast("Iterable[dict[str, str]]", settings.table["packages"])
    names = " and ".join(package["name"] for package in packages)
    steps = [
        "waits for the network and a sane clock",
        "takes the repositories that need no subscription",
        "upgrades all packages",
        f"installs {names} in one run of apt-get",
    ]
    if extras := cast("list[str]", settings.table["extras"]):
        steps.append(f"installs {', '.join(extras)}")
    if user := cast("dict[str, str] | None", settings.table["user"]):
        steps.append(f"makes the user {user['name']}, who may use sudo")
    if settings.table["desktop"]:
        steps.append("installs MATE, Chromium and LightDM, and masks sleep")
    return [
        *steps,
        "removes what the installer wrote for the ring's ports",
        "reboots if it must, and reports",
    ]


def package_tree(package: Package) -> Tree:
    """What the package installs, and its scripts."""
    tree = Tree(_package_label(package, package.file_name), guide_style="dim")
    _add_package(tree, package)
    return tree


def _package_label(package: Package, purpose: str) -> Text:
    return Text.assemble((package.name, "bold"), f" {package.version}  ", (purpose, "dim"))


def _add_package(tree: Tree, package: Package) -> None:
    entries = _entries(package)
    functional = [entry for entry in entries if not entry.path.is_relative_to(_DOCUMENTATION)]
    _add_entries(tree, functional)
    tree.add(_leaf(1, str(_DOCUMENTATION), "", f"{len(entries) - len(functional)} files of documentation"))
    if package.members:
        tree.add(_leaf(1, ", ".join(member.name for member in package.members), "", "for dpkg"))


def _add_differing(tree: Tree, package: Package, like: NodePlan) -> None:
    known = {entry.path: entry for entry in _entries(like.package)}
    own = [entry for entry in _entries(package) if known.get(entry.path) != entry]
    shown = [entry for entry in own if not entry.path.is_relative_to(_DOCUMENTATION)]
    _add_entries(tree, shown)
    tree.add(Text(f"the other files as on {like.node.name}", style="dim"))


def _entries(package: Package) -> list[_Entry]:
    return sorted([*package.files, *package.links], key=lambda entry: entry.path)


def _add_entries(tree: Tree, entries: list[_Entry], above: PurePosixPath = _ROOT, depth: int = 1) -> None:
    """Adds the entries by folder; a folder that holds nothing but one thing shares its line."""
    groups: dict[str, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.path.relative_to(above).parts[0], []).append(entry)
    slash = "/" if above == _ROOT else ""
    for group in groups.values():
        folder = PurePosixPath(commonpath(str(entry.path.parent) for entry in group))
        # a package that is not ours may hold one path twice
        if len(group) == 1 or folder == above:
            for entry in group:
                tree.add(_entry_leaf(depth, slash + str(entry.path.relative_to(above)), entry))
            continue
        name = f"{slash}{folder.relative_to(above)}/"
        purposes = {file_role(entry.path).purpose for entry in group}
        if len(group) > _SHOWN_ALIKE and len(purposes) == 1:
            tree.add(_leaf(depth, name, _total_size(group), f"{purposes.pop()}, {len(group)} files"))
        else:
            _add_entries(tree.add(Text(name)), group, folder, depth + 1)


def _entry_leaf(depth: int, name: str, entry: _Entry) -> Text:
    size = _size(len(entry.content)) if isinstance(entry, File) else "link"
    return _leaf(depth, name, size, file_role(entry.path).purpose)


def _total_size(entries: list[_Entry]) -> str:
    return _size(sum(len(entry.content) for entry in entries if isinstance(entry, File)))


def _leaf(depth: int, name: str, size: str, purpose: str) -> Text:
    columns = _NAME_COLUMNS - _INDENT_COLUMNS * depth
    parts = (f"{name:<{columns}}", (f"{size:>{_SIZE_COLUMNS}}  ", "dim"), (purpose, "dim"))
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _size(size_bytes: int) -> str:
    return f"{size_bytes} B" if size_bytes < 10_000 else f"{size_bytes / 1000:.0f} kB"
