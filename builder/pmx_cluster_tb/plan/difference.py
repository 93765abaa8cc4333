"""What differs between an earlier build and a plan, and how far each difference reaches. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from pmx_cluster_tb.plan.package import without_version
from pmx_cluster_tb.plan.packages import NODE_FACTS
from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan, Package, Table


class Reach(StrEnum):
    """Where a change arrives, and how."""

    LOCAL = "local"
    """Each node can take it by itself."""
    CLUSTER_WIDE = "cluster-wide"
    """Neighbours must agree on it: all nodes switch together."""
    NAMED = "named elsewhere"
    """An address, a network or a name is another than it was, and corosync, Ceph or migration may hold it."""
    NEW_INSTALLATIONS = "new installations only"
    """It is decided when a node is installed; no package carries it to a running one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltNode:
    """What an earlier build made for a node."""

    package: Package
    answer: str = field(repr=False)
    first_boot: Table = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What an earlier build made, nodes by name."""

    ring_package: Package
    nodes: Mapping[str, BuiltNode]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file that differs; a side is None where it is not there. The contents may hold secrets."""

    path: str
    reach: Reach
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDifference:
    """How one node differs. `before` and `after` are the versions of its package, None without the node."""

    name: str
    before: str | None
    after: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a plan differs from an earlier build; nodes that stay the same are left out."""

    ring: NodeDifference | None
    """The package pmx-ring, which is the same on every node."""
    nodes: tuple[NodeDifference, ...]

    def __bool__(self) -> bool:
        return self.ring is not None or bool(self.nodes)


def difference(built: Built, plan: ClusterPlan) -> Difference:
    """What installing `plan` in place of `built` would change; removed nodes come last."""
    planned = {node.node.name: _built(node) for node in plan.nodes}
    names = dict.fromkeys([*planned, *built.nodes])
    nodes = (_node_difference(name, built.nodes.get(name), planned.get(name)) for name in names)
    ring = tuple(_package_changes(built.ring_package, plan.ring_package, Reach.LOCAL))
    return Difference(
        ring=_of_packages("pmx-ring", built.ring_package, plan.ring_package, ring) if ring else None,
        nodes=tuple(node for node in nodes if node.changes or node.before is None or node.after is None),
    )


def _of_packages(
    name: str, before: Package | None, after: Package | None, changes: tuple[Change, ...]
) -> NodeDifference:
    return NodeDifference(
        name=name,
        before=before.version if before else None,
        after=after.version if after else None,
        changes=changes,
    )


def _node_difference(name: str, before: BuiltNode | None, after: BuiltNode | None) -> NodeDifference:
    changes: tuple[Change, ...] = ()
    if before and after:
        changes = (
            *_package_changes(before.package, after.package, _reach(before.package, after.package)),
            *_changes(_installed_by(before), _installed_by(after), Reach.NEW_INSTALLATIONS),
        )
    return _of_packages(name, before.package if before else None, after.package if after else None, changes)


def more_than_local(plan: NodePlan) -> tuple[object, ...]:
    """What of a node differs when more than a local change is due, as JSON values; it may hold secrets.

    A node that is the same in this can stay as it is, installed or on a stick, when another one changes. What
    it is told of the others may be out of date then: its package brings that to a node that runs.
    """
    texts = _installed_by(_built(plan))
    return (
        _named(plan.package),
        _agreed(plan.package),
        {name: texts[name].decode() for name in sorted(texts)},
    )


def _built(plan: NodePlan) -> BuiltNode:
    return BuiltNode(package=plan.package, answer=plan.answer.text, first_boot=plan.first_boot.table)


def _reach(before: Package, after: Package) -> Reach:
    """How far a change of the package reaches; what is named elsewhere must be agreed on, too."""
    others = _named(after)
    if any(value is not None and others[key] != value for key, value in _named(before).items()):
        return Reach.NAMED
    return Reach.CLUSTER_WIDE if _agreed(before) != _agreed(after) else Reach.LOCAL


def _named(package: Package) -> dict[str, object]:
    """By what others may know the node and the ring; None for what there is not."""
    facts = _facts(package)
    ring = {f"ring_{key}": _agreed(package).get(key) for key in ("ipv4", "ipv6")}
    return {key: facts.get(key) for key in ("cluster", "number", "ipv4", "ipv6")} | ring


def _agreed(package: Package) -> Table:
    """What every node must agree on."""
    return cast("Table", _facts(package).get("cluster_wide", {}))


def _facts(package: Package) -> Table:
    """What the package tells its node."""
    (facts,) = (file.content for file in package.files if file.path == NODE_FACTS)
    return cast("Table", json.loads(facts))


_IN_PACKAGE = {"ports", "members", "node_count", "ring_networks"}
"""What first boot is told of the ring, for checks and its report: the package brings it to a running node."""

_OF_THE_PROGRAM = {"schema", "retry", "deadlines_s"}
"""How the first-boot program works: like its code, that comes from the project's version."""


def _installed_by(node: BuiltNode) -> dict[str, bytes]:
    """The texts that only an installation reads, without the versions of packages and what they carry."""
    packages = cast("list[dict[str, str]]", node.first_boot["packages"])
    online = cast("Table", node.first_boot["online"])
    left_out = _IN_PACKAGE | _OF_THE_PROGRAM
    settings = {key: value for key, value in node.first_boot.items() if key not in left_out}
    settings["packages"] = [package["name"] for package in packages]
    # the date of the project's version
    settings["online"] = {key: value for key, value in online.items() if key != "not_before"}
    return {
        "answer.toml": node.answer.encode(),
        "first-boot settings": json.dumps(settings, indent=2).encode() + b"\n",
    }


def _package_changes(before: Package, after: Package, reach: Reach) -> Iterator[Change]:
    return _changes(_package_texts(before), _package_texts(after), reach)


def _package_texts(package: Package) -> dict[str, bytes]:
    """All that the package installs and does, but its version, as texts by name."""
    package = without_version(package)
    fields = "".join(f"{name}: {value}\n" for name, value in package.fields)
    texts = {"debian/control": fields.encode()}
    texts |= {f"debian/{member.name}": member.content for member in package.members}
    texts |= {str(link.path): f"symbolic link to {link.target}\n".encode() for link in package.links}
    return texts | {str(file.path): file.content for file in package.files}


def _changes(before: Mapping[str, bytes], after: Mapping[str, bytes], reach: Reach) -> Iterator[Change]:
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            yield Change(path=path, reach=reach, before=before.get(path), after=after.get(path))
