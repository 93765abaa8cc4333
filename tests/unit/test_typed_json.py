"""Manifests are read back whole, or refused."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import pytest

from pmx_cluster_tb.artifacts.typed_json import from_json


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Part:
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    version: Literal[1] = 1
    name: str
    good: bool
    colour: Colour
    parts: tuple[Part, ...]
    names: tuple[str, ...] = ()


RIGHT: dict[str, object] = {"name": "x", "good": True, "colour": "red", "parts": [{"size": 2}]}


def test_what_is_right_is_read() -> None:
    raw = {**RIGHT, "of a later version": None}
    expected = Whole(name="x", good=True, colour=Colour.RED, parts=(Part(2),))
    assert from_json(Whole, json.dumps(raw).encode()) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": True},
        {"version": 1.0},
        {"name": None},
        {"name": 1},
        {"name": "\ud800"},
        {"good": 1},
        {"colour": "blue"},
        {"colour": ["red"]},
        {"parts": {}},
        {"parts": "ab"},
        {"parts": [2]},
        {"parts": [{"size": True}]},
        {"parts": [{"size": "2"}]},
        {"parts": [{}]},
        {"names": [1]},
    ],
    ids=json.dumps,
)
def test_what_is_wrong_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r" is (no|not|missing)\b|surrogates not allowed"):
        from_json(Whole, json.dumps({**RIGHT, **change}).encode())


@pytest.mark.parametrize("missing", RIGHT)
def test_what_is_missing_is_refused(missing: str) -> None:
    raw = {name: value for name, value in RIGHT.items() if name != missing}
    with pytest.raises(ValueError, match=f"{missing} is missing"):
        from_json(Whole, json.dumps(raw).encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"\xff", "can't decode"),
        (b"[]", "is no dict"),
        (b"1", "is no dict"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"name": NaN}', "is missing"),
    ],
    ids=["empty", "no text", "list", "number", "deep", "not a number"],
)
def test_what_is_no_table_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(Whole, content)
