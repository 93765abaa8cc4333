"""JSON of ours that is read back: a dataclass of which every field has its type, or nothing at all."""

import json
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, Literal, TypeVar, get_args, get_origin

T = TypeVar("T")


def from_json(kind: type[T], content: bytes) -> T:
    """The dataclass `kind` that `content` holds; keys that it does not have are passed over.

    Raises ValueError if a field is missing or is of another type.
    """
    try:
        raw = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    value: T = _value(kind, raw)
    return value


def _value(kind: Any, raw: object) -> Any:
    if is_dataclass(kind):
        return _table(kind, raw)
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], element) for element in _of_type(list, raw))
    if get_origin(kind) is Literal:
        (wanted,) = get_args(kind)
        if _of_type(type(wanted), raw) != wanted:
            raise ValueError(f"{raw!r} is not {wanted!r}")
        return raw
    if issubclass(kind, StrEnum):
        return kind(_of_type(str, raw))
    return _of_type(kind, raw)


def _table(kind: Any, raw: object) -> object:
    table = _of_type(dict, raw)
    missing = [one.name for one in fields(kind) if one.default is MISSING and one.name not in table]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
    return kind(**{one.name: _value(one.type, table[one.name]) for one in fields(kind) if one.name in table})


def _of_type(kind: type[T], raw: object) -> T:
    # a boolean is an integer only to Python
    if type(raw) is not kind:
        raise ValueError(f"{raw!r} is no {kind.__name__}")
    if isinstance(raw, str):
        # half a surrogate pair, which JSON can hold, is in no file's name
        raw.encode()
    return raw
