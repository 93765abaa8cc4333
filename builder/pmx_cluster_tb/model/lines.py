"""On which line of a TOML text each table, key, value and array element stands.

tomllib parses but keeps no positions. This scanner only has to find its way through a text that tomllib has
accepted, so it needs no checks of its own and cannot disagree about what is valid.
"""

import re
import tomllib

KeyPath = tuple[str | int, ...]
"""Keys and, for elements of arrays, indices from 0."""

_LONGEST_KEY = 60

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(r"""\"{3}(?:[^\\]|\\.)*?"{3,5}|'''.*?'{3,5}|"(?:[^"\\]|\\.)*"|'[^']*'""", re.DOTALL)
_OTHER_SCALAR = re.compile(r"[^,\]}#\n]+")


def written(path: KeyPath) -> str:
    """The path as a person would write it: `node[2].nic.mac`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            short = step if len(step) <= _LONGEST_KEY else f"{step[:_LONGEST_KEY]}..."
            name = step if _BARE_KEY.fullmatch(short) else _quoted_key(short)
            text += f".{name}" if text else name
    return text


def _quoted_key(name: str) -> str:
    """`name` as a quoted key, control characters escaped."""
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\u{ord(c):04x}" for c in name) + '"'


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, of everything in `text`, which must be valid TOML with `\\n` line ends.

    A table that has a header stands on the line of its header; a key, its value and an inline table on the
    line of the key; an array's element where it begins.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[KeyPath, int] = {}
        self._at = 0
        self._line = 1
        self._elements: dict[KeyPath, int] = {}
        """How many elements each array of tables has so far."""

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip_blank():
            if self._take("[["):
                table = self._array_header()
            elif self._take("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        path = self._note((), self._dotted_key())
        self.lines[path] = self._line
        self._take("]")
        return path

    def _array_header(self) -> KeyPath:
        *parents, name = self._dotted_key()
        array = (*self._note((), parents), name)
        self.lines.setdefault(array, self._line)
        index = self._elements.get(array, 0)
        self._elements[array] = index + 1
        self.lines[*array, index] = self._line
        self._take("]]")
        return (*array, index)

    def _note(self, path: KeyPath, names: list[str]) -> KeyPath:
        """Goes down from `path` by `names`, into the last element of arrays of tables."""
        for name in names:
            path = (*path, name)
            self.lines.setdefault(path, self._line)
            if path in self._elements:
                path = (*path, self._elements[path] - 1)
        return path

    def _pair(self, table: KeyPath) -> None:
        path = self._note(table, self._dotted_key())
        self._take("=")
        self._skip_blank()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._take("["):
            index = 0
            while self._more("]"):
                self.lines[*path, index] = self._line
                self._value((*path, index))
                index += 1
        elif self._take("{"):
            while self._more("}"):
                self._pair(path)
        elif self._match(_STRING) is None:
            self._match(_OTHER_SCALAR)

    def _more(self, end: str) -> bool:
        """Moves to the next element or pair, or behind `end`."""
        self._skip_blank()
        self._take(",")
        self._skip_blank()
        return not self._take(end)

    def _dotted_key(self) -> list[str]:
        names = []
        while True:
            self._skip_blank()
            bare = self._match(_BARE_KEY)
            names.append(_unquoted(self._match(_STRING) or "") if bare is None else bare)
            self._skip_blank()
            if not self._take("."):
                return names

    def _skip_blank(self) -> bool:
        """Moves over white space and comments; whether anything follows."""
        self._match(_BLANK)
        return self._at < len(self.text)

    def _take(self, literal: str) -> bool:
        if not self.text.startswith(literal, self._at):
            return False
        self._at += len(literal)
        return True

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self._at)
        if found is None:
            return None
        self._at = found.end()
        self._line += found[0].count("\n")
        return found[0]


def _unquoted(token: str) -> str:
    return str(tomllib.loads(f"key = {token}")["key"])
