"""JSON objects and arrays whose parts keep their text: what is not changed stays as somebody wrote it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

_WHITE = " \t\r\n"
_INDENT = "    "


class BadJson(Exception):
    """No JSON, or not the kind that Ventoy reads; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Member:
    """A key of an object with the text of its value, which began at `line` of the file.

    The key is as it was between its quotes: Ventoy expands no escape.
    """

    key: str
    text: str
    line: int = 0

    @property
    def value(self) -> object:
        """The value; of keys that come twice in it, the last holds."""
        return json.loads(self.text, strict=False)


def check_json(text: str) -> None:
    """Raises BadJson unless `text` is one JSON value, with whole numbers only."""

    def no_fraction(number: str) -> NoReturn:
        line = text.count("\n", 0, text.find(number)) + 1
        raise BadJson(f"`{number}` is no whole number, the only ones that Ventoy reads", line)

    try:
        json.loads(text, strict=False, parse_float=no_fraction, parse_constant=no_fraction)
    except json.JSONDecodeError as error:
        raise BadJson(error.msg[0].lower() + error.msg[1:], error.lineno) from error
    except RecursionError as error:
        raise BadJson("it is nested too deep", 1) from error
    except ValueError as error:
        # Python's limit, far beyond Ventoy's
        raise BadJson("it has a number of thousands of digits", 1) from error


def members(text: str, first_line: int = 1) -> list[Member]:
    """The members of the JSON object `text`, which begins at `first_line` of its file."""
    found = []
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        _, end = _decoded(text, at)
        start = _skip(text, _skip(text, end) + 1)
        key = text[at + 1 : end - 1]
        _, at = _decoded(text, start)
        found.append(Member(key, text[start:at], first_line + text.count("\n", 0, start)))
        at = _next(text, at)
    return found


def elements(text: str) -> Iterator[tuple[str, object]]:
    """Text and value of each element of the JSON array `text`."""
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "]":
        value, end = _decoded(text, at)
        yield text[at:end], value
        at = _next(text, end)


def object_text(parts: Sequence[Member], newline: str, depth: int = 0) -> str:
    """An object with a line for each member."""
    lines = [f'"{part.key}": {part.text}' for part in parts]
    return _block("{", lines, "}", newline, depth)


def array_text(parts: Sequence[str], newline: str, depth: int) -> str:
    """An array with a line for each element, whose texts are `parts`."""
    return _block("[", parts, "]", newline, depth)


def _block(opening: str, lines: Sequence[str], closing: str, newline: str, depth: int) -> str:
    if not lines:
        return opening + closing
    inner = newline + _INDENT * (depth + 1)
    return f"{opening}{inner}{f',{inner}'.join(lines)}{newline}{_INDENT * depth}{closing}"


_DECODER = json.JSONDecoder(strict=False)


def _decoded(text: str, at: int) -> tuple[object, int]:
    value: object
    value, end = _DECODER.raw_decode(text, at)
    return value, end


def _skip(text: str, at: int) -> int:
    while text[at] in _WHITE:
        at += 1
    return at


def _next(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at
