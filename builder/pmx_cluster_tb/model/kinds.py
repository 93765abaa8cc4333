"""The kinds of values that a cluster file holds: how each is read, and what a JSON schema says of it.

A kind returns the value, or None after it has reported why there is none. Declaring the tables with kinds of
our own instead of a validation library's gives messages that are ours throughout, and rules across keys that
still run when unrelated keys are broken.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Generic, TypeVar

from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Refusal, Report, plain_text, shown

T = TypeVar("T")
N = TypeVar("N", int, float)
JsonObject = Mapping[str, object]
Define = Callable[[type], JsonObject]
"""Gives the reference to the schema of a table, whose keys a class declares."""


class Kind(ABC, Generic[T]):
    """A kind of values. `Kind[X]` reads an X, or None after a report."""

    @abstractmethod
    def read(self, raw: object, path: KeyPath, report: Report) -> T | None:
        """The value that TOML's `raw` stands for; None after a report."""

    @abstractmethod
    def schema(self, define: Define) -> JsonObject:
        """What JSON schema can say of it; `define` gives the reference to a table's own schema."""


_TOML_TYPES = {
    bool: "a boolean",
    str: "text",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "a table",
    date: "a date",
    time: "a time",
    datetime: "a date and time",
}


def toml_type(raw: object) -> str:
    """What TOML calls the type of `raw`, with its article."""
    return _TOML_TYPES[type(raw)]


def _wrong_type(raw: object, wanted: str, *, secret: bool = False) -> Refusal:
    what = f"is {toml_type(raw)}"
    plain = isinstance(raw, int | float) and wanted == "text in quotes" and not secret
    return Refusal(f"{what}, where {wanted} must stand", f'write `"{plain_text(raw)}"`' if plain else "")


def _report(refusal: Refusal, raw: object, path: KeyPath, report: Report, *, secret: bool = False) -> None:
    hidden = secret or isinstance(raw, list | dict)
    report.error(path, refusal.rule if hidden else f"{shown(raw)} {refusal.rule}", refusal.hint)


def _one_line(text: str) -> str:
    if "PRIVATE KEY" in text:
        raise Refusal(
            "is a private key, which must never leave its owner", "the public one is what belongs here"
        )
    if not text.isprintable():
        raise Refusal("must be one line without control characters")
    return text


@dataclass(frozen=True, slots=True)
class Text(Kind[T]):
    """One line of text, which `parse` turns into a value or refuses; `wanted` names it in messages."""

    parse: Callable[[str], T]
    wanted: str
    json: JsonObject = field(default_factory=dict)
    secret: bool = False
    may_be_empty: bool = False

    def read(self, raw: object, path: KeyPath, report: Report) -> T | None:
        """The parsed text."""
        try:
            if not isinstance(raw, str):
                raise self._no_text(raw)
            if not raw and not self.may_be_empty:
                report.error(path, f"is empty, where {self.wanted} must stand")
                return None
            return self.parse(_one_line(raw))
        except Refusal as refusal:
            _report(refusal, raw, path, report, secret=self.secret)
            return None

    def _no_text(self, raw: object) -> Refusal:
        refusal = _wrong_type(raw, "text in quotes", secret=self.secret)
        if refusal.hint:
            # quotes alone may not be enough
            try:
                self.parse(plain_text(raw))
            except Refusal as in_quotes:
                return Refusal(f"{refusal.rule}; in quotes it {in_quotes.rule}", in_quotes.hint)
        return refusal

    def schema(self, define: Define) -> JsonObject:  # noqa: ARG002
        """A string."""
        return {"type": "string", **({} if self.may_be_empty else {"minLength": 1}), **self.json}


@dataclass(frozen=True, slots=True)
class Integer(Kind[int]):
    """A whole number within bounds, both included."""

    lowest: int
    highest: int

    def read(self, raw: object, path: KeyPath, report: Report) -> int | None:
        """The number."""
        if type(raw) is int:
            return _within(self.lowest, self.highest, raw, path, report)
        _report(_wrong_type(raw, "an integer without quotes"), raw, path, report)
        return None

    def schema(self, define: Define) -> JsonObject:  # noqa: ARG002
        """A bounded integer."""
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}


@dataclass(frozen=True, slots=True)
class Number(Kind[float]):
    """A number within bounds, both included."""

    lowest: int
    highest: int

    def read(self, raw: object, path: KeyPath, report: Report) -> float | None:
        """The number, an int where it is written as one."""
        if type(raw) is int or type(raw) is float:
            return _within(self.lowest, self.highest, raw, path, report)
        _report(_wrong_type(raw, "a number without quotes"), raw, path, report)
        return None

    def schema(self, define: Define) -> JsonObject:  # noqa: ARG002
        """A bounded number."""
        return {"type": "number", "minimum": self.lowest, "maximum": self.highest}


def _within(lowest: int, highest: int, number: N, path: KeyPath, report: Report) -> N | None:
    # not a number at all is not within either
    if lowest <= number <= highest:
        return number
    report.error(path, f"{shown(number)} must be from {lowest} to {highest}")
    return None


@dataclass(frozen=True, slots=True)
class Boolean(Kind[bool]):
    """true or false."""

    def read(self, raw: object, path: KeyPath, report: Report) -> bool | None:
        """The value."""
        if isinstance(raw, bool):
            return raw
        _report(_wrong_type(raw, "`true` or `false`"), raw, path, report)
        return None

    def schema(self, define: Define) -> JsonObject:  # noqa: ARG002
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class ListOf(Kind[tuple[T, ...]], Generic[T]):
    """A list without duplicates; elements that are wrong are left out after a report."""

    element: Kind[T]
    most: int = 1000

    def read(self, raw: object, path: KeyPath, report: Report) -> tuple[T, ...] | None:
        """The elements."""
        if not isinstance(raw, list):
            hint = "one element is a list too: `[...]`" if isinstance(raw, str) else ""
            report.error(path, f"is {toml_type(raw)}, where a list must stand", hint)
            return None
        if len(raw) > self.most:
            report.error(path, f"must have at most {self.most} elements, not {len(raw)}")
            return None
        values: dict[T, None] = {}
        for index, item in enumerate(raw):
            value = self.element.read(item, (*path, index), report)
            if value in values:
                report.error((*path, index), "is in the list already")
            elif value is not None:
                values[value] = None
        return tuple(values)

    def schema(self, define: Define) -> JsonObject:
        """An array."""
        return {
            "type": "array",
            "uniqueItems": True,
            "maxItems": self.most,
            "items": self.element.schema(define),
        }
