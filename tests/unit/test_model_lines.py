"""The line of everything in a TOML text."""

import tomllib
from collections.abc import Iterator

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from pmx_cluster_tb.model.lines import KeyPath, lines_of, written

DOCUMENT = '''# comment with [brackets] and "quotes
top = 1
dotted.key.value = 2
"quoted key" = 3
'literal.key' = 4
"esc\\u0061pe" = 5

[table]   # = comment
text = "a # no comment, no ] bracket, no \\" quote"
multi = """
first ""
second \\"""
"""
literal = \'\'\'
it's
\'\'\'
after = 1979-05-27 07:32:00
list = [
  1, 2,
  # comment
  [ "x",
    "y" ],
  { a = 1, b = [2,
    3] },
]
inline = { one = 1, two.three = 3 }
[table.child]
x = 1

[[node]]
name = "a"
[node.nic]
mac = "m"
[[node.port]]
name = "p"
[[node.port]]
name = "q"

[[node]]
name = "b"
nic.mac = "n"
'''

LINES = [
    (("top",), 2),
    (("dotted",), 3),
    (("dotted", "key", "value"), 3),
    (("quoted key",), 4),
    (("literal.key",), 5),
    (("escape",), 6),
    (("table",), 8),
    (("table", "text"), 9),
    (("table", "multi"), 10),
    (("table", "literal"), 14),
    (("table", "after"), 17),
    (("table", "list"), 18),
    (("table", "list", 0), 19),
    (("table", "list", 1), 19),
    (("table", "list", 2), 21),
    (("table", "list", 2, 1), 22),
    (("table", "list", 3), 23),
    (("table", "list", 3, "b", 1), 24),
    (("table", "inline", "two", "three"), 26),
    (("table", "child"), 27),
    (("table", "child", "x"), 28),
    (("node",), 30),
    (("node", 0), 30),
    (("node", 0, "nic"), 32),
    (("node", 0, "nic", "mac"), 33),
    (("node", 0, "port", 0), 34),
    (("node", 0, "port", 1, "name"), 37),
    (("node", 1), 39),
    (("node", 1, "nic", "mac"), 41),
]


@pytest.mark.parametrize(("path", "line"), LINES)
def test_line(path: KeyPath, line: int) -> None:
    assert lines_of(DOCUMENT)[path] == line


def test_a_header_after_its_child_is_the_tables_line() -> None:
    assert lines_of("[a.b]\nx = 1\n[a]\ny = 1\n")[("a",)] == 3


def paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every path in what tomllib parsed."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


def test_nothing_else_and_nothing_less() -> None:
    assert set(lines_of(DOCUMENT)) == set(paths(tomllib.loads(DOCUMENT)))


texts = st.text(st.characters(codec="utf-8"), max_size=8)
scalars = st.one_of(texts, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(), st.dates())
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(texts, values, max_size=5))
def test_random_documents(tables: dict[str, object]) -> None:
    text = tomli_w.dumps(tables).replace("\r\n", "\n")
    found = lines_of(text)
    assert set(found) == set(paths(tomllib.loads(text)))
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_values_on_known_lines(blank_lines: list[int]) -> None:
    text, expected = "", {}
    for number, blanks in enumerate(blank_lines):
        text += "\n" * blanks + f"key{number} = [\n  {number},\n]\n"
        expected[(f"key{number}", 0)] = text.count("\n") - 1
    assert {path: line for path, line in lines_of(text).items() if len(path) == 2} == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("node", 2, "nic", "mac"), "node[2].nic.mac"),
        (("a b", "c"), '"a b".c'),
        (("k" * 99,), f'"{"k" * 60}..."'),
        (("", 'q"\\\n'), '""."q\\u0022\\u005c\\u000a"'),
    ],
)
def test_written(path: KeyPath, text: str) -> None:
    assert written(path) == text
