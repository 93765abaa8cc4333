"""Reading JSON values of known kinds; every function raises BadSettings, which says where."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

Value = TypeVar("Value")
Table = Mapping[str, object]

_MOST = 604_800
"""A week in seconds: more is a mistake."""

_MOMENT = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\+00:00")


class BadSettings(Exception):
    """The settings are not for this program; the message says where and why, and shows no secret."""


def table(value: object, keys: set[str], place: str) -> Table:
    """A table with exactly these keys."""
    found = any_table(value, place)
    if missing := sorted(keys - found.keys()):
        raise BadSettings(f"{place} lacks {', '.join(missing)}")
    if unknown := sorted(found.keys() - keys):
        raise BadSettings(f"{place} has unknown keys {', '.join(unknown)}")
    return found


def any_table(value: object, place: str) -> Table:
    """A table, whatever its keys."""
    if not isinstance(value, dict):
        raise BadSettings(f"{place} must be a table")
    return value


def items(
    value: object, read: Callable[[object, str], Value], place: str, minimum: int = 0
) -> tuple[Value, ...]:
    """A list of what `read` takes, with the place of each."""
    if not isinstance(value, list) or len(value) < minimum:
        raise BadSettings(f"{place} must be a list of at least {minimum}")
    return tuple(read(item, f"{place}[{index}]") for index, item in enumerate(value))


def matching(value: object, pattern: re.Pattern[str], place: str) -> str:
    """A string that `pattern` matches wholly."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadSettings(f"{place} is {value!r}, which does not match {pattern.pattern}")
    return value


def secret(value: object, pattern: re.Pattern[str], place: str) -> str:
    """The same, but no message shows the value."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadSettings(f"{place} does not match {pattern.pattern}")
    return value


def boolean(value: object, place: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise BadSettings(f"{place} must be true or false")
    return value


def positive(value: object, place: str) -> int:
    """A whole number from 1 to `_MOST`."""
    # to JSON 5 and 5.0 are one number
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1 <= value <= _MOST or value % 1:
        raise BadSettings(f"{place} must be a whole number from 1 to {_MOST}")
    return int(value)


def seconds(value: object, place: str) -> timedelta:
    """A duration, written as whole seconds."""
    return timedelta(seconds=positive(value, place))


def moment(value: object, place: str) -> datetime:
    """A time in UTC, as ISO 8601 writes it."""
    try:
        return datetime.fromisoformat(matching(value, _MOMENT, place))
    except ValueError as error:
        raise BadSettings(f"{place} is {value!r}: {error}") from error
