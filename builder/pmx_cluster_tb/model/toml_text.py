"""Reads a TOML text, with the line of everything in it, or says in our words why it cannot be read."""

import re
import shlex
import tomllib
from pathlib import Path

from pmx_cluster_tb.model.lines import KeyPath, lines_of

MAXIMUM_BYTES = 1 << 20
"""250 nodes need a tenth of this."""

_PLACE = re.compile(r" \((?:at line (\d+), column (\d+)|at end of document)\)$")


_QUOTED = re.compile(r"""\"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?""")
_DEEP_KEY = re.compile(r"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){100}")
"""A key of so many parts that tomllib, whose time grows with their square, would not end."""


class Unreadable(Exception):
    """The file as a whole cannot be read."""

    def __init__(self, message: str, hint: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line


def _writing(path: Path) -> str:
    named = "" if str(path) == "cluster.toml" else f" {shlex.quote(str(path))}"
    return f"`pmx-cluster-tb init{named}` writes one"


def read_text(path: Path) -> str:
    """The text of the file at `path`, line ends as they are. Raises Unreadable."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        raise Unreadable("there is no such file", _writing(path)) from None
    except IsADirectoryError:
        raise Unreadable("is a folder, not a file") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}".lower()) from None
    except ValueError:
        raise Unreadable("cannot be the name of a file") from None
    if len(content) > MAXIMUM_BYTES:
        raise Unreadable("is larger than 1 MiB, which no cluster file is")
    return _decoded(content)


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("must be UTF-8, not UTF-16")
    if content.startswith(b"\xef\xbb\xbf"):
        raise Unreadable("must not begin with a byte order mark", "save it as UTF-8 without BOM", 1)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"must be UTF-8; byte {content[error.start]:#04x} is not", "", line) from None


def parse(text: str) -> tuple[dict[str, object], dict[KeyPath, int]]:
    """The tables of `text`, and the line of everything in them. Raises Unreadable."""
    # after tomllib, which needs more of the stack
    return tables_of(text), lines_of(text.replace("\r\n", "\n"))


def tables_of(text: str) -> dict[str, object]:
    """The tables of `text`. Raises Unreadable, and in bounded time, whatever `text` is."""
    if _DEEP_KEY.search(_QUOTED.sub("quoted", text)):
        raise Unreadable("is nested too deeply")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text) from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except ValueError:
        raise Unreadable("holds a number that is too long") from None


def _syntax_error(english: str, text: str) -> Unreadable:
    place = _PLACE.search(english)
    what = _PLACE.sub("", english)
    last_line = text.rstrip("\n").count("\n") + 1
    line = int(place[1]) if place and place[1] else last_line
    message, hint = _explained(what)
    if what.startswith(_TWICE) and (given := _GIVEN.match(text.split("\n")[line - 1])):
        message = f"`{given[1]}` is given twice"
        hint = "a table for each node begins with `[[node]]`" if given[1] == "[node]" else ""
    column = f" (column {place[2]})" if place and place[2] else ""
    return Unreadable(f"is not TOML: {message}{column}", hint, line)


_TWICE = ("Cannot overwrite", "Cannot declare")
_GIVEN = re.compile(r"""[ \t]*(\[{1,2}[\w. -]+\]{1,2}|[\w.-]+(?=[ \t]*=(?![^\n]*(?:\"""|'''))))""", re.ASCII)
"""A header, or a key, at the beginning of a line. That of text of several lines is further up."""

_EXPLANATIONS = {
    "Expected '=' after a key": ("a key must be followed by `=`", 'as `name = "pve1"`'),
    "Invalid value": ("a value must stand here", "text stands in double quotes"),
    "Unclosed array": ("a list is not closed by `]`, or a comma is missing in it", ""),
    "Unclosed inline table": ("an inline table is not closed by `}`, or a comma is missing in it", ""),
    "Unterminated string": ("text is not closed by its quotes", ""),
    "Illegal character": ("text in quotes is not closed, or holds a control character", ""),
    "Unescaped '\\'": ("a `\\` in double quotes must be part of an escape", "single quotes take it as it is"),
    "Expected newline or end of document": ("one line must hold one key", ""),
    "Cannot overwrite": ("a key or table is given twice", ""),
    "Cannot declare": ("a table is given twice", ""),
    "Cannot mutate": ("a table that is closed already cannot be added to", ""),
    "Duplicate inline table key": ("a key is given twice", ""),
    "Expected ']' at the end of a table declaration": ("a table's header must end with `]`", ""),
    "Expected ']]' at the end of an array declaration": (
        "a header that begins with `[[` must end with `]]`",
        "",
    ),
    "Invalid statement": ("a line must be a key with a value, a header in brackets, or a comment", ""),
    "Invalid initial character for a key part": ("a key must be letters, digits, `_` and `-`", ""),
    "Found invalid character": ("a control character must not stand here", ""),
    "Invalid hex value": ("a `\\u` must be followed by hexadecimal digits", ""),
    "Escaped character is not a Unicode scalar": ("a `\\u` must name a Unicode character", ""),
    "Invalid date": ("a date must exist", ""),
}
"""tomllib's messages begin with these in every version of Python; what follows differs."""


def _explained(english: str) -> tuple[str, str]:
    for beginning, explanation in _EXPLANATIONS.items():
        if english.startswith(beginning):
            return explanation
    return "this cannot be parsed", ""
