"""What Proxmox VE's installer leaves in /etc/network/interfaces for the ports of the ring.

With a Thunderbolt cable plugged in during the installation, a port is a NIC like any other: the installer
writes `iface thunderbolt0 inet manual` for it, or with the name that it pins the NIC to. Proxmox VE's GUI
writes the same for each NIC that has no stanza.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

SOURCE_LINE = "source /etc/network/interfaces.d/*"
"""What makes ifupdown2 read the stanzas of the ring; installers write it since November 2023."""

_FILE_OF_THE_RING = "/etc/network/interfaces.d/zz-pmx-ring"
_KEYWORD = re.compile(
    r"(?:iface|auto|mapping|source|source-directory|vlan|template|rename|no-\S+|allow-\S+)$"
)
_KERNEL_NAME = re.compile(r"thunderbolt\d+")
_MANUAL: list[list[str]] = [[], ["inet", "manual"], ["inet6", "manual"]]
_PATTERN = {"all", "regex", "glob"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its end and those that it continues on, and its words."""

    text: str

    @property
    def words(self) -> list[str]:
        text = self.text.replace("\\\n", " ").strip()
        return [] if text.startswith("#") else text.split()

    @property
    def keyword(self) -> str:
        return self.words[0] if self.words and _KEYWORD.match(self.words[0]) else ""

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


@dataclass(frozen=True, slots=True)
class _Stanza:
    """An `iface` line, by its place in the file, and the options of the interface."""

    place: int
    words: list[str]
    options: list[list[str]]

    @property
    def name(self) -> str:
        return self.words[1] if len(self.words) > 1 else ""

    @property
    def is_bare(self) -> bool:
        return not self.options and _before_comment(self.words[2:]) in _MANUAL


def used_names(text: str) -> set[str]:
    """All words in options of interfaces other than the one named: among them what bridges, bonds, VLANs use.

    Of a name with a dot also the part before it.
    """
    words = {
        word
        for stanza in _stanzas(_lines(text))
        for option in stanza.options
        for word in option[1:]
        if word != stanza.name
    }
    return words | {word.partition(".")[0] for word in words}


def configured_names(text: str) -> set[str]:
    """The interfaces with a stanza that says more than a bare one."""
    return {stanza.name for stanza in _stanzas(_lines(text)) if not stanza.is_bare}


def without_leftovers(text: str, ports: Collection[str], used: Collection[str] = ()) -> str:
    """`text` without bare stanzas of `ports` and of the kernel's names for Thunderbolt NICs.

    With a stanza go a blank line next to it and its name in `auto` and `allow-...` lines. A name that another
    stanza uses stays, or one of `used`; all stay if a bridge takes its ports by a pattern. What remains of
    an installer's file is what it would have written with no cable plugged in.
    """
    lines = _lines(text)
    stanzas = list(_stanzas(lines))
    used = {*used, *used_names(text)}
    if used & _PATTERN:
        return text
    bare = [
        stanza
        for stanza in stanzas
        if stanza.is_bare
        and stanza.name not in used
        and (stanza.name in ports or is_kernel_name(stanza.name))
    ]
    places = {stanza.place for stanza in bare}
    gone = {stanza.name for stanza in bare} - {other.name for other in stanzas if other.place not in places}
    texts = ["" if place in places else _without_names(line, gone) for place, line in enumerate(lines)]
    return "".join(_without_gaps(lines, texts))


def is_kernel_name(name: str) -> bool:
    """Whether the kernel gives this name to Thunderbolt NICs."""
    return bool(_KERNEL_NAME.fullmatch(name))


def with_source_line(text: str) -> str:
    """`text` with the line that reads the stanzas of the ring, at its end if it is not there."""
    if any(map(_reads_the_ring, _lines(text))):
        return text
    if text and not text.endswith("\n"):
        text += "\n"
    gap = "\n" if text and not text.endswith("\n\n") else ""
    return f"{text}{gap}{SOURCE_LINE}\n"


def _lines(text: str) -> list[_Line]:
    return [_Line(match) for match in re.findall(r"(?:[^\n]*\\\n)*[^\n]*\n|[^\n]+", text)]


def _stanzas(lines: list[_Line]) -> Iterator[_Stanza]:
    stanza = None
    for place, line in enumerate(lines):
        if line.keyword:
            if stanza:
                yield stanza
            stanza = _Stanza(place, line.words, []) if line.keyword == "iface" else None
        elif stanza and line.words:
            stanza.options.append(line.words)
    if stanza:
        yield stanza


def _without_names(line: _Line, names: set[str]) -> str:
    if not (line.keyword == "auto" or line.keyword.startswith("allow-")):
        return line.text
    listed = _before_comment(line.words[1:])
    if not names & set(listed):
        return line.text
    kept = [name for name in listed if name not in names]
    if not kept:
        return ""
    if "\\\n" in line.text:
        return f"{' '.join([line.keyword, *kept])}\n"
    return re.sub("|".join(rf"\s+{re.escape(name)}(?!\S)" for name in names), "", line.text)


def _before_comment(words: list[str]) -> list[str]:
    return words[: next((index for index, word in enumerate(words) if word.startswith("#")), None)]


def _without_gaps(lines: list[_Line], texts: list[str]) -> list[str]:
    # of the blank lines around what is gone, one goes with it
    kept = list(texts)
    for place, text in enumerate(texts):
        if text or (place and not texts[place - 1]):
            continue
        end = next((index for index in range(place, len(texts)) if texts[index]), len(texts))
        before_is_blank = place == 0 or lines[place - 1].is_blank
        after_is_blank = end == len(texts) or lines[end].is_blank
        if before_is_blank and after_is_blank:
            gap = place - 1 if place else end
            kept[gap : gap + 1] = [""]
    return kept


def _reads_the_ring(line: _Line) -> bool:
    match line.words:
        case ["source", pattern, *_]:
            return fnmatchcase(_FILE_OF_THE_RING, pattern)
        case ["source-directory", folder, *_]:
            return folder.rstrip("/") == "/etc/network/interfaces.d"
    return False
