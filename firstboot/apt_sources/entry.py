"""An entry of apt's sources.list(5), whichever of the two formats it is written in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Protocol

_LONG_NAMES = {"arch": "architectures", "lang": "languages", "target": "targets"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry says. `options` maps the lower-case deb822 name of each other field to its value."""

    enabled: bool
    types: tuple[str, ...]
    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    def targets(self) -> Iterator[tuple[str, str, str, str]]:
        """Each combination of type, URI (with one slash at its end, as apt compares it), suite, component."""
        return product(self.types, map(with_slash, self.uris), self.suites, self.components)


class SourceFormat(Protocol):
    """What the modules `one_line` and `deb822` offer."""

    def pieces(self, text: str, /) -> list[str]:
        """`text` cut so that every piece holds one entry at most; joined they are `text` again."""

    def entry_of(self, piece: str, /) -> Entry | None:
        """The entry in a piece, disabled ones too; None if it holds none that apt would accept."""

    def switched(self, piece: str, /, *, enabled: bool) -> str:
        """The piece with its entry enabled or disabled, the way Proxmox VE does it; all else stays."""

    def with_uris(self, piece: str, uris: Mapping[str, str], /) -> str:
        """The piece with each URI of its entry replaced by what `uris` maps it to."""

    def appended(self, text: str, entry: Entry, /) -> str:
        """`text` with a further entry at its end."""


def with_slash(uri: str) -> str:
    """`uri` with one slash at its end."""
    return uri.rstrip("/") + "/"


def lines_of(text: str) -> list[str]:
    """The lines with their ends; only a line feed ends one."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def option_name(name: str) -> str:
    """The lower-case deb822 field name of an option in either format (sources.list(5))."""
    name = name.lower()
    for sign, suffix in (("+", "-add"), ("-", "-remove")):
        if name.endswith(sign):
            return option_name(name[:-1]) + suffix
    return _LONG_NAMES.get(name, name)


def line_end(text: str) -> str:
    """The line end that `text` uses: that of its first line."""
    first, newline, _ = text.partition("\n")
    return "\r\n" if newline and first.endswith("\r") else "\n"


def complete_lines(text: str) -> str:
    """`text` with an end to its last line, if that has none."""
    return text if not text or text.endswith("\n") else text + line_end(text)


def before_new_entry(text: str) -> str:
    """`text` with an empty line at its end, unless it is empty itself."""
    text = complete_lines(text)
    if not text or text.endswith(("\n\n", "\n\r\n")) or text in {"\n", "\r\n"}:
        return text
    return text + line_end(text)
