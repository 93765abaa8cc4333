"""Differences between an earlier build and a plan, to read and as JSON. Secrets are left out."""

from collections.abc import Iterator
from difflib import unified_diff
from pathlib import PurePosixPath

from rich.text import Text

from pmx_cluster_tb.plan.difference import Change, Difference, NodeDifference, Reach
from pmx_cluster_tb.view.file_roles import file_role
from pmx_cluster_tb.view.redaction import redacted_successor, redacted_text

_NOWHERE = "/dev/null"
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}

_HARMLESS = {Reach.LOCAL, Reach.NEW_INSTALLATIONS}
"""What breaks nothing on nodes that run."""

_REACH_TEXTS = {
    Reach.LOCAL: "local: a node changes alone, when its new package is installed",
    Reach.CLUSTER_WIDE: "cluster-wide: neighbours must agree, so all nodes have to switch together",
    Reach.NAMED: "named elsewhere: not to be rolled out while corosync, Ceph or migration has the old one",
    Reach.NEW_INSTALLATIONS: "new installations only: cannot be rolled out to a running node",
}


def difference_lines(difference: Difference) -> Iterator[Text]:
    """The whole difference as lines; one line says so if there is none."""
    if not difference:
        yield Text("no change: a build would make what is there already")
        return
    if difference.ring:
        yield from _node_lines(difference.ring, {})
    shown: dict[tuple[str, ...], str] = {}
    for node in difference.nodes:
        yield from _node_lines(node, shown)


def _node_lines(node: NodeDifference, shown: dict[tuple[str, ...], str]) -> Iterator[Text]:
    """`shown` maps the lines of each change to the node that had it first; it is not shown again."""
    yield Text.assemble((node.name, "bold cyan"), f"  {_fate(node)}")
    for reach in Reach:
        changes = [change for change in node.changes if change.reach is reach]
        if not changes:
            continue
        yield Text(f"  {_REACH_TEXTS[reach]}", style="" if reach in _HARMLESS else "bold")
        if touched := ", ".join(touches(changes)):
            yield Text(f"  touches: {touched}")
        for change in changes:
            lines = tuple(change_diff(change))
            first = shown.setdefault(lines, node.name)
            same = [f"{change.path}: the same change as on {first}"]
            yield from map(_styled, lines if first == node.name else same)
    yield Text()


def _fate(node: NodeDifference) -> str:
    match node.before, node.after:
        case None, after:
            return f"is new, package {after}"
        case before, None:
            return f"is removed; its package was {before}. A machine that runs is not changed by this"
        case before, after if before == after:
            return f"package {before} stays"
        case before, after:
            return f"package {before} -> {after}"
    raise AssertionError(node)


def _styled(line: str) -> Text:
    return Text(
        f"    {line}", style=_DIFF_STYLES.get(line[:1], "") if line[:3] not in {"+++", "---"} else "bold"
    )


def touches(changes: list[Change]) -> list[str]:
    """What the changed files of packages affect on a running node, each once."""
    roles = (file_role(PurePosixPath(change.path)) for change in changes)
    return list(dict.fromkeys(role.touches for role in roles if role.touches))


def change_diff(change: Change) -> list[str]:
    """The change as the lines of a unified diff."""
    before, after = _text(change.before), _text(change.after)
    return list(
        unified_diff(
            redacted_text(before).splitlines(),
            redacted_successor(before, after).splitlines(),
            _NOWHERE if change.before is None else f"a/{change.path.lstrip('/')}",
            _NOWHERE if change.after is None else f"b/{change.path.lstrip('/')}",
            lineterm="",
            n=2,
        )
    )


def _text(content: bytes | None) -> str:
    return "" if content is None else content.decode(errors="backslashreplace")


def difference_json(difference: Difference) -> dict[str, object]:
    """The difference as a JSON value."""
    return {
        "changed": bool(difference),
        "pmx_ring": _node_json(difference.ring) if difference.ring else None,
        "nodes": [_node_json(node) for node in difference.nodes],
    }


def _node_json(node: NodeDifference) -> dict[str, object]:
    return {
        "name": node.name,
        "package_before": node.before,
        "package_after": node.after,
        "touches": touches(list(node.changes)),
        "changes": [
            {"path": change.path, "reach": str(change.reach), "diff": change_diff(change)}
            for change in node.changes
        ],
    }
