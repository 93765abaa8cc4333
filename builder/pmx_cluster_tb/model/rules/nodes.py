"""Nodes among each other."""

from collections.abc import Callable
from dataclasses import dataclass

from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Report, shown
from pmx_cluster_tb.model.tables import FileTable, NodeTable

_FEWEST, _MOST = 2, 250


def _how_many(file: FileTable, report: Report) -> None:
    if file.nodes is not None and not _FEWEST <= len(file.nodes) <= _MOST:
        report.error(("node",), f"a ring must have from {_FEWEST} to {_MOST} nodes, not {len(file.nodes)}")


@dataclass(frozen=True, slots=True)
class _Unique:
    """Something that no two nodes may share."""

    of: Callable[[NodeTable], object]
    steps: KeyPath
    what: str
    hint: str = ""

    def __call__(self, file: FileTable, report: Report) -> None:
        first: dict[object, str] = {}
        for index, node in file.numbered_nodes():
            value = self.of(node)
            if value is None:
                continue
            if value in first:
                message = f"{shown(value)} is already the {self.what} of {first[value]}"
                report.error(("node", index, *self.steps), message, self.hint)
            first.setdefault(value, f"`node[{index}]`" if self.what == "name" else node.called(index))


_UNIQUE = (
    _Unique(lambda node: node.name, ("name",), "name"),
    _Unique(lambda node: node.number, ("number",), "number"),
    _Unique(lambda node: node.address and node.address.ip, ("address",), "address"),
    _Unique(
        lambda node: node.nic and node.nic.mac,
        ("nic", "mac"),
        "NIC",
        "`ip -br link` on the node shows its own",
    ),
)


def _one_nic(file: FileTable, report: Report) -> None:
    ports = {port.name for port in (file.ring.ports if file.ring and file.ring.ports else ()) if port}
    for index, node in file.numbered_nodes():
        if not node.nic:
            continue
        path: KeyPath = ("node", index, "nic")
        given = [name for name in ("mac", "name") if report.has((*path, name))]
        if not given:
            report.error(path, "must have `mac` (the safe way) or `name`")
        elif len(given) == 2:
            report.error((*path, "name"), "only one way to find the NIC may be given; `mac` is another")
        elif node.nic.name in ports and node.nic.name:
            report.error((*path, "name"), f"{shown(node.nic.name)} is a port of the ring, not of the LAN")


RULES = (_how_many, *_UNIQUE, _one_nic)
