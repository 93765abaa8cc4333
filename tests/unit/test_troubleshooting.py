"""docs/troubleshooting.md has a row for each message of `pmx-ring status`, and no others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PROGRAM = TOP / "debian-src" / "pmx-ring" / "usr" / "lib" / "pmx-ring" / "pmx_ring"
DOCUMENT = (TOP / "docs" / "troubleshooting.md").read_text("utf-8")

YIELDING = {"status.py": {"_notices", "_problems"}, "first_boot.py": {"problems"}}
"""Where status takes its messages from: functions whose name is or ends in one of these."""
RAISING = ("status.py", "sdn.py", "facts.py", "state.py")
"""Whose errors take the place of a status or stand in it."""

ROWS = re.findall(r"^\| `` (.+?) `` \|", DOCUMENT, flags=re.MULTILINE)


def pattern(text: ast.expr) -> str | None:
    """What a string of the program becomes, with anything for its values; None if it is no string."""
    match text:
        case ast.Constant(value=str(said)):
            return re.escape(said)
        case ast.JoinedStr(values=parts):
            return "".join(
                (pattern(part) or "") if isinstance(part, ast.Constant) else ".+" for part in parts
            )
    return None


def strings(value: ast.expr | None) -> Iterator[str]:
    """The patterns of what is yielded, by itself or by a generator expression."""
    said = value.elt if isinstance(value, ast.GeneratorExp) else value
    if said is not None and (found := pattern(said)):
        yield found


def yielded(tree: ast.AST, endings: set[str]) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name.endswith(tuple(endings)):
            for node in ast.walk(function):
                if isinstance(node, ast.Yield | ast.YieldFrom):
                    yield from strings(node.value)
                elif isinstance(node, ast.IfExp):
                    yield from strings(node.body)


def raised(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RingError":
            yield from strings(node.args[0])


def messages() -> list[str]:
    trees = {name: ast.parse((PROGRAM / name).read_text("utf-8")) for name in (*YIELDING, *RAISING)}
    found = [one for name, endings in YIELDING.items() for one in yielded(trees[name], endings)]
    return sorted({*found, *(one for name in RAISING for one in raised(trees[name]))})


def test_there_are_messages() -> None:
    assert len(messages()) > 20
    assert len(ROWS) == len(set(ROWS))


@pytest.mark.parametrize("message", messages())
def test_each_message_has_a_row(message: str) -> None:
    assert [row for row in ROWS if re.fullmatch(message, row)] != []


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_a_message(row: str) -> None:
    assert [message for message in messages() if re.fullmatch(message, row)] != []
