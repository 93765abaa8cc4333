"""apt's deb822 format: `*.sources` files.

Read as apt does (tried with 2.6): field names in any case, the last one of a name counts, a `#` at the start
of a line makes a comment even inside a field, and only an empty line ends a stanza.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from firstboot.apt_sources.entry import (
    Entry,
    before_new_entry,
    complete_lines,
    line_end,
    lines_of,
    option_name,
    with_slash,
)

_OFF = {"0", "no", "false", "without", "off", "disable"}
_FIELD = re.compile(r"(?P<name>[^\s:#-][^\s:]*)[ \t]*:")
_NAMES = ("types", "uris", "suites", "components")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its end, and the lower-case name of the field that it is part of, if it is part of one."""

    text: str
    field: str = ""
    starts: bool = False


def pieces(text: str) -> list[str]:
    """The stanzas, each with its comments and the empty lines after it."""
    found: list[str] = []
    after_empty = True
    for line in lines_of(text):
        empty = not line.strip("\r\n")
        if not found or (after_empty and not empty):
            found.append("")
        found[-1] += line
        after_empty = empty
    return found


def entry_of(piece: str) -> Entry | None:
    """The entry in a stanza."""
    values: dict[str, list[str]] = {}
    for line in _lines(piece):
        if line.starts:
            values[line.field] = [line.text.partition(":")[2].strip()]
        elif line.field:
            values[line.field].append(line.text.rstrip())
    types, uris, suites, components = (tuple(" ".join(values.pop(name, [])).split()) for name in _NAMES)
    enabled = " ".join(values.pop("enabled", [])).strip().lower() not in _OFF
    if not types or not suites or not uris or not all(":" in uri for uri in uris):
        return None
    return Entry(enabled, types, uris, suites, components, {name: _value(values[name]) for name in values})


def switched(piece: str, *, enabled: bool) -> str:
    """The stanza with this value in its field `Enabled`, which is added at the end if it is not there."""
    word = "true" if enabled else "false"
    lines = list(_lines(piece))
    if not any(line.field == "enabled" for line in lines):
        return _with_field(lines, f"Enabled: {word}")
    kept = (line for line in lines if line.field != "enabled" or line.starts)
    return "".join(_with_words(line, [word]) if line.field == "enabled" else line.text for line in kept)


def with_uris(piece: str, uris: Mapping[str, str]) -> str:
    """The stanza with other URIs, each once; spaces and comments stay."""
    first: dict[str, str] = {}
    doubles = [uri for uri, new in uris.items() if first.setdefault(with_slash(new), uri) != uri]

    def replaced(line: _Line) -> str:
        if line.field != "uris":
            return line.text
        name, colon, words = line.text.partition(":") if line.starts else ("", "", line.text)
        return name + colon + re.sub(r"\S+", lambda word: uris.get(word.group(), word.group()), words)

    return "".join(map(replaced, _lines(without_words(piece, "uris", doubles))))


def appended(text: str, entry: Entry) -> str:
    """`text` and a stanza."""
    names = ("Types", "URIs", "Suites", "Components")
    values = (entry.types, entry.uris, entry.suites, entry.components)
    lines = [f"{name}: {' '.join(words)}" for name, words in zip(names, values, strict=True)]
    lines += [f"{name.title()}:{_folded(value)}" for name, value in entry.options.items()]
    end = line_end(text)
    return before_new_entry(text) + "".join(line + end for line in "\n".join(lines).split("\n"))


def without_words(piece: str, field: str, words: Collection[str]) -> str:
    """The stanza without these words in the field of that lower-case name; one word must remain."""
    return "".join(_remaining(line, words) if line.field == field else line.text for line in _lines(piece))


def without_comments(piece: str) -> str:
    """The stanza alone."""
    return "".join(line.text for line in _lines(piece) if not line.text.startswith("#"))


def _lines(piece: str) -> Iterator[_Line]:
    field = ""
    for text in lines_of(piece):
        if text.startswith("#") or not text.strip("\r\n"):
            yield _Line(text)
        elif text.startswith((" ", "\t")):
            yield _Line(text, field)
        else:
            match = _FIELD.match(text)
            field = option_name(match["name"]) if match else ""
            yield _Line(text, field, starts=bool(match))


def _value(lines: list[str]) -> str:
    # an embedded key keeps its lines
    return lines[0] if len(lines) == 1 else "\n".join(lines)


def _folded(value: str) -> str:
    return value if value.startswith("\n") else f" {value}"


def _remaining(line: _Line, words: Collection[str]) -> str:
    before = line.text.partition(":")[2] if line.starts else line.text
    kept = [word for word in before.split() if word not in words]
    if kept == before.split():
        return line.text
    return _with_words(line, kept) if kept or line.starts else ""


def _with_words(line: _Line, words: list[str]) -> str:
    start = line.text.partition(":")[0] + ":" if line.starts else ""
    end = re.search(r"\r?\n$|$", line.text)
    return start + "".join(f" {word}" for word in words) + (end.group() if end else "")


def _with_field(lines: list[_Line], text: str) -> str:
    last = max(index for index, line in enumerate(lines) if line.field)
    head = complete_lines("".join(line.text for line in lines[: last + 1]))
    return head + text + line_end(head) + "".join(line.text for line in lines[last + 1 :])
