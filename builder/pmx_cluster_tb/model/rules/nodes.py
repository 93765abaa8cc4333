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


RULES = (_how_many, *_UNIQUE)
