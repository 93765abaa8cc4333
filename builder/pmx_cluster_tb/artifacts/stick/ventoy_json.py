"""ventoy/ventoy.json on a stick: our entries go in and out, everybody else's stay as they are.

What Ventoy does with it was read in its source, 1.1.17 (`ventoy_plugin.c`, `ventoy_cmd.c`, `ventoy_json.c`,
`INSTALL/grub/grub.cfg`): a syntax error disables all of it; of two equal keys the first holds; a key with a
suffix, such as `auto_install_uefi`, takes the place of the one without on that kind of machine; of two
entries for the same image the last holds; paths are compared with their case; `*` is any one character.
"""

import json
from collections.abc import Iterator, Sequence

from pmx_cluster_tb.artifacts.json_text import (
    BadJson,
    Member,
    array_text,
    check_json,
    elements,
    members,
    object_text,
)
from pmx_cluster_tb.artifacts.stick.ventoy_rules import OUR_IMAGE, PATH, roots_of, rule_problems
from pmx_cluster_tb.plan.types import Table
from pmx_cluster_tb.plan.ventoy import VentoyEntries
from pmx_cluster_tb.problems import BadFile, Position, Problem

__all__ = ["PATH", "bundle_roots", "merged", "search_root", "without"]

_BOM = "\ufeff"
_LISTS = ("menu_alias", "auto_install", "injection")
_TIPS = ("menu_tip", "tips")
_PATH_KEYS = ("image", "parent", "dir")
_REPAIR = "correct it with Ventoy's VentoyPlugson or an editor; as it is, Ventoy ignores the whole file"


def merged(existing: bytes | None, entries: VentoyEntries, folder: str) -> bytes:
    """The file with `entries` in place of those for what lies in `folder`, a path from the top of the stick.

    `existing` is the file so far, if there is one. Raises BadFile if Ventoy could not read it, would hide the
    entries, or would start or preselect an installation.
    """
    text = _decoded(existing or b"")
    if not text.strip(_BOM + " \t\r\n"):
        return _document([], entries, folder, "\n").encode()
    parts = _members(text)
    if problems := [*_type_problems(parts), *rule_problems(parts, entries)]:
        raise BadFile(tuple(sorted(problems, key=lambda problem: problem.position)))
    bom = _BOM if text.startswith(_BOM) else ""
    return (bom + _document(parts, entries, folder, _newline(text))).encode()


def without(existing: bytes, folder: str) -> bytes | None:
    """The file without the entries for what lies in `folder`; None if nothing else was in it.

    Raises BadFile if it cannot be read.
    """
    text = _decoded(existing)
    if not text.strip(_BOM + " \t\r\n"):
        return existing
    parts = _members(text)
    if problems := list(_type_problems(parts)):
        raise BadFile(tuple(problems))
    if not any(_is_ours(value, folder) for part in parts for value in _entries(part)):
        return existing
    left = list(_merged_parts(parts, None, folder, _newline(text)))
    bom = _BOM if text.startswith(_BOM) else ""
    return (bom + object_text(left, _newline(text)) + _newline(text)).encode() if left else None


def search_root(existing: bytes | None) -> str:
    """The folder in which Ventoy looks for images, as a path from the top of the stick; empty for its top.

    It is empty, too, for a file that Ventoy cannot read. The folder of a bundle is never one.
    """
    return next((root for part in _readable(existing) for root in roots_of(part)), "")


def bundle_roots(existing: bytes | None) -> tuple[str, ...]:
    """Every folder in which a bundle may lie: the top, where Ventoy looks, and where entries name one."""
    parts = _readable(existing)
    images = (
        str(value["image"])
        for part in parts
        for value in _entries(part)
        if isinstance(value, dict) and "image" in value
    )
    named = (match["root"].strip("/") for match in map(OUR_IMAGE.fullmatch, images) if match)
    roots = (root for part in parts for root in roots_of(part))
    return tuple(dict.fromkeys(("", *roots, *(one for one in named if ".." not in one.split("/")))))


def _readable(existing: bytes | None) -> list[Member]:
    try:
        text = _decoded(existing or b"")
        parts = _members(text) if text.strip(_BOM + " \t\r\n") else []
        return [] if list(_type_problems(parts)) else parts
    except BadFile:
        return []


def _document(parts: Sequence[Member], entries: VentoyEntries, folder: str, newline: str) -> str:
    return object_text(list(_merged_parts(parts, entries, folder, newline)), newline) + newline


def _merged_parts(
    parts: Sequence[Member], entries: VentoyEntries | None, folder: str, newline: str
) -> Iterator[Member]:
    """`parts` without what is in `folder`, and with `entries`; what is empty then is left out."""
    ours = {} if entries is None else _ours(entries)
    for part in parts:
        # of equal keys Ventoy reads the first
        yield from _merged_part(part, ours.pop(part.key, ()), folder, newline)
    for key, tables in ours.items():
        yield from _merged_part(Member(key, "{}" if key == _TIPS[0] else "[]"), tables, folder, newline)


def _ours(entries: VentoyEntries) -> dict[str, tuple[Table, ...]]:
    tables = {key: getattr(entries, key) for key in _LISTS} | {_TIPS[0]: entries.tips}
    return {key: value for key, value in tables.items() if value}


def _merged_part(part: Member, tables: Sequence[Table], folder: str, newline: str) -> Iterator[Member]:
    # Ventoy expands no escape: what is not ASCII would have to stand for itself, and none of ours is
    texts = [json.dumps(table, ensure_ascii=False) for table in tables]
    if part.key in _LISTS:
        yield from _list(part, texts, folder, newline, 1)
    elif part.key == _TIPS[0]:
        yield from _tip_object(part, texts, folder, newline)
    else:
        yield part


def _list(part: Member, texts: list[str], folder: str, newline: str, depth: int) -> Iterator[Member]:
    """The list without what is in `folder`, followed by `texts`; as it is if that changes nothing."""
    old = list(elements(part.text))
    kept = [text for text, value in old if not _is_ours(value, folder)]
    if len(kept) == len(old) and not texts:
        yield part
    elif kept or texts:
        yield Member(part.key, array_text([*kept, *texts], newline, depth))


def _tip_object(part: Member, texts: list[str], folder: str, newline: str) -> Iterator[Member]:
    inner = members(part.text)
    if texts and not any(one.key == _TIPS[1] for one in inner):
        inner.append(Member(_TIPS[1], "[]"))
    left: list[Member] = []
    for one in inner:
        if one.key == _TIPS[1]:
            left += _list(one, texts, folder, newline, 2)
            texts = []
        else:
            left.append(one)
    if left == inner:
        yield part
    elif left:
        yield Member(part.key, object_text(left, newline, 1))


def _entries(part: Member) -> Iterator[object]:
    if part.key in _LISTS:
        yield from (value for _, value in elements(part.text))
    elif part.key == _TIPS[0]:
        tips = (one for one in members(part.text) if one.key == _TIPS[1])
        yield from (value for one in tips for _, value in elements(one.text))


def _is_ours(entry: object, folder: str) -> bool:
    """Whether the entry is for `folder` or something in it; FAT and exFAT know no case."""
    if not isinstance(entry, dict):
        return False
    paths = [str(entry[key]).lower() for key in _PATH_KEYS if key in entry]
    top = f"/{folder.lower()}"
    return any(path == top or path.startswith(f"{top}/") for path in paths)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _bad("is not UTF-8, the only encoding that Ventoy reads", line) from error


def _members(text: str) -> list[Member]:
    body = text.removeprefix(_BOM)
    try:
        check_json(body)
    except BadJson as error:
        raise _bad(f"is no JSON that Ventoy reads: {error}", error.line) from error
    if body.lstrip()[0] != "{":
        raise _bad("must be an object, from `{` to `}`", 1)
    return members(body)


def _bad(message: str, line: int) -> BadFile:
    return BadFile((Problem(position=Position(PATH, line), message=message, hint=_REPAIR),))


def _type_problems(parts: Sequence[Member]) -> Iterator[Problem]:
    for part in parts:
        kind = list if part.key in _LISTS else dict if part.key == _TIPS[0] else object
        if not isinstance(part.value, kind):
            yield _wrong(part, part.key, kind)
        elif part.key == _TIPS[0]:
            yield from (
                _wrong(part, ".".join(_TIPS), list)
                for one in members(part.text)
                if one.key == _TIPS[1] and not isinstance(one.value, list)
            )


def _wrong(part: Member, path: str, kind: type) -> Problem:
    what = "a list, from `[` to `]`" if kind is list else "an object, from `{` to `}`"
    return Problem(
        position=Position(PATH, part.line),
        path=path,
        message=f"must be {what}",
        hint="Ventoy ignores it as it is",
    )
