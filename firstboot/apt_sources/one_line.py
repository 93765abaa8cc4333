"""apt's one-line format: `sources.list` and `*.list` files.

Read as apt does (apt-pkg/sourcelist.cc), and commented-out entries as Proxmox VE does: to its GUI and API
they are disabled entries (proxmox-apt, list_parser.rs).
"""

import re
from collections.abc import Mapping

from firstboot.apt_sources.entry import Entry, before_new_entry, line_end, lines_of, option_name

_WORD = re.compile(r'(?:"[^"]*"|\[[^\]]*\]|[^\s"\[])+')
_ENTRY = re.compile(r"(?P<type>deb(?:-src)?)\s+(?:\[(?P<options>[^\]]*)\])?(?P<rest>.*)", re.DOTALL)
_COMMENT_MARKS = re.compile(r"[#\s]*")


def pieces(text: str) -> list[str]:
    """The lines with their ends."""
    return lines_of(text)


def entry_of(piece: str) -> Entry | None:
    """The entry in a line, be it commented out or not."""
    enabled = not piece.lstrip().startswith("#")
    match = _ENTRY.match(_without_comment(_bare(piece)))
    if not match:
        return None
    words = [word.replace('"', "") for word in _WORD.findall(match["rest"])]
    if len(words) < 2 or ":" not in words[0]:
        return None
    uri, suite, *components = words
    if suite.endswith("/") == bool(components):
        return None
    return Entry(
        enabled, (match["type"],), (uri,), (suite,), tuple(components), _options(match["options"] or "")
    )


def switched(piece: str, *, enabled: bool) -> str:
    """The line without its comment mark, or with one."""
    return _bare(piece) if enabled else f"# {piece}"


def with_uris(piece: str, uris: Mapping[str, str]) -> str:
    """The line with another URI."""
    entry = entry_of(piece)
    (uri,) = entry.uris if entry else ("",)
    return piece.replace(uri, uris[uri], 1) if uri in uris else piece


def appended(text: str, entry: Entry) -> str:
    """`text` and a line for each combination of type, URI and suite of `entry`."""
    options = "".join(
        f"{_short_name(name)}={','.join(entry.options[name].split())} " for name in entry.options
    )
    lines = [
        f"{kind} {f'[ {options}] ' if options else ''}{uri} {suite} {' '.join(entry.components)}"
        for kind in entry.types
        for uri in entry.uris
        for suite in entry.suites
    ]
    end = line_end(text)
    return before_new_entry(text) + "".join(line + end for line in lines)


def _bare(line: str) -> str:
    return line[_COMMENT_MARKS.match(line).end() :]  # type: ignore[union-attr] # it matches the empty string


def _without_comment(line: str) -> str:
    # apt ends the line at a `#` that is not inside brackets
    match = re.match(r"(?:\[[^\]]*\]|[^#])*", line)
    return match.group() if match else line


def _options(text: str) -> dict[str, str]:
    pairs = (word.replace('"', "").partition("=") for word in _WORD.findall(text))
    return {option_name(name): value.replace(",", " ") for name, _, value in pairs}


def _short_name(name: str) -> str:
    return {"architectures": "arch"}.get(name, name)
