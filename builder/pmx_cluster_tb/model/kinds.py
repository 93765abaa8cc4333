"""The kinds of values that a cluster file holds: how each is read, and what a JSON schema says of it.

A kind returns the value, or None after it has reported why there is none. Declaring the tables with kinds of
our own instead of a validation library's gives messages that are ours throughout, and rules across keys that
still run when unrelated keys are broken.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time
from typing import Any, ClassVar, Generic, TypeVar, cast

from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Refusal, Report, listed, nearest, plain_text, shown

T = TypeVar("T")
JsonObject = Mapping[str, object]


class Kind(ABC, Generic[T]):
    """A kind of values."""

    @abstractmethod
    def read(self, raw: object, path: KeyPath, report: Report) -> T | None:
        """The value that TOML's `raw` stands for; None after a report."""

    @abstractmethod
    def schema(self, define: Callable[[type["Shape"]], JsonObject]) -> JsonObject:
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


def _toml_type(raw: object) -> str:
    return _TOML_TYPES[type(raw)]


def _wrong_type(raw: object, wanted: str, *, secret: bool = False) -> Refusal:
    what = f"is {_toml_type(raw)}"
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
                raise _wrong_type(raw, "text in quotes", secret=self.secret)
            if not raw and not self.may_be_empty:
                report.error(path, f"is empty, where {self.wanted} must stand")
                return None
            return self.parse(_one_line(raw))
        except Refusal as refusal:
            _report(refusal, raw, path, report, secret=self.secret)
            return None

    def schema(self, define: Callable[[type["Shape"]], JsonObject]) -> JsonObject:  # noqa: ARG002
        """A string."""
        return {"type": "string", **({} if self.may_be_empty else {"minLength": 1}), **self.json}


@dataclass(frozen=True, slots=True)
class Integer(Kind[int]):
    """A whole number within bounds, both included."""

    lowest: int
    highest: int

    def read(self, raw: object, path: KeyPath, report: Report) -> int | None:
        """The number."""
        if type(raw) is not int:
            _report(_wrong_type(raw, "an integer without quotes"), raw, path, report)
        elif self.lowest <= raw <= self.highest:
            return raw
        else:
            report.error(path, f"{shown(raw)} must be from {self.lowest} to {self.highest}")
        return None

    def schema(self, define: Callable[[type["Shape"]], JsonObject]) -> JsonObject:  # noqa: ARG002
        """A bounded integer."""
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}


@dataclass(frozen=True, slots=True)
class Number(Kind[float]):
    """A number within bounds, both included."""

    lowest: int
    highest: int

    def read(self, raw: object, path: KeyPath, report: Report) -> float | None:
        """The number, whole where it is written so."""
        if type(raw) is not int and type(raw) is not float:
            _report(_wrong_type(raw, "a number without quotes"), raw, path, report)
        elif self.lowest <= raw <= self.highest:
            return raw
        else:
            report.error(path, f"{shown(raw)} must be from {self.lowest} to {self.highest}")
        return None

    def schema(self, define: Callable[[type["Shape"]], JsonObject]) -> JsonObject:  # noqa: ARG002
        """A bounded number."""
        return {"type": "number", "minimum": self.lowest, "maximum": self.highest}


@dataclass(frozen=True, slots=True)
class Boolean(Kind[bool]):
    """true or false."""

    def read(self, raw: object, path: KeyPath, report: Report) -> bool | None:
        """The value."""
        if isinstance(raw, bool):
            return raw
        _report(_wrong_type(raw, "`true` or `false`"), raw, path, report)
        return None

    def schema(self, define: Callable[[type["Shape"]], JsonObject]) -> JsonObject:  # noqa: ARG002
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
            report.error(path, f"is {_toml_type(raw)}, where a list must stand", hint)
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

    def schema(self, define: Callable[[type["Shape"]], JsonObject]) -> JsonObject:
        """An array."""
        return {
            "type": "array",
            "uniqueItems": True,
            "maxItems": self.most,
            "items": self.element.schema(define),
        }


class Shape:
    """The keys of a table, as a dataclass whose fields are made by `key`.

    `MISTAKEN` gives message and hint for keys that people write in its place.
    """

    MISTAKEN: ClassVar[Mapping[str, tuple[str, str]]] = {}
    JSON: ClassVar[JsonObject] = {}
    """More of the JSON schema than follows from the keys."""


S = TypeVar("S", bound=Shape)


def key(
    kind: Kind[T], description: str, *, name: str = "", required: bool = False, default: T | None = None
) -> T | None:
    """A field of a Shape. A key that is absent has its default; one whose value is wrong has None."""
    metadata = {"key": _Key(kind, description, name, required, default)}
    made: T | None = field(default=default, metadata=metadata)
    return made


@dataclass(frozen=True, slots=True)
class _Key:
    kind: Kind[Any]
    description: str
    name: str
    required: bool
    default: object


def keys_of(shape: type[Shape]) -> Mapping[str, tuple[str, _Key]]:
    """Per key of the table its field's name and its declaration."""
    declared: list[tuple[str, _Key]] = [
        (entry.name, entry.metadata["key"]) for entry in fields(cast("Any", shape))
    ]
    return {entry.name or name.replace("_", "-"): (name, entry) for name, entry in declared}


def read_table(shape: type[S], raw: dict[str, object], path: KeyPath, report: Report) -> S:
    """The table's values; what is unknown, missing or wrong in it is reported."""
    keys = keys_of(shape)
    values: dict[str, object] = {}
    for name, value in raw.items():
        if name in keys:
            attribute, entry = keys[name]
            values[attribute] = entry.kind.read(value, (*path, name), report)
        else:
            _report_unknown(shape, name, path, report)
    for name, (_, entry) in keys.items():
        if entry.required and name not in raw:
            _report_missing(entry.kind, name, path, report)
    return shape(**values)


def _report_unknown(shape: type[Shape], name: str, path: KeyPath, report: Report) -> None:
    if name in shape.MISTAKEN:
        report.error((*path, name), *shape.MISTAKEN[name])
        return
    known = keys_of(shape)
    near = nearest(name, known)
    hint = f"did you mean `{near}`?" if near else f"known here: {listed(known)}"
    report.error((*path, name), "unknown key", hint)


def _report_missing(kind: Kind[Any], name: str, path: KeyPath, report: Report) -> None:
    match kind:
        case Text(wanted=wanted):
            report.error((*path, name), f"is required: {wanted}")
        case TableOf(shape=shape):
            report.error((*path, name), "is required", f"a table with {_what_it_holds(shape)}")
        case TablesOf(shape=shape):
            report.error((*path, name), "is required", f"a list of tables with {_what_it_holds(shape)}")
        case _:
            report.error((*path, name), "is required")


def _what_it_holds(shape: type[Shape]) -> str:
    required = [name for name, (_, entry) in keys_of(shape).items() if entry.required]
    return listed(required) if required else listed(keys_of(shape), "or")


@dataclass(frozen=True, slots=True)
class TableOf(Kind[S]):
    """A table with the keys of `shape`."""

    shape: type[S]

    def read(self, raw: object, path: KeyPath, report: Report) -> S | None:
        """The table's values."""
        if isinstance(raw, dict):
            return read_table(self.shape, raw, path, report)
        hint = ""
        if isinstance(raw, list) and len(path) == 1:
            hint = f"write `[{path[0]}]`, not `[[{path[0]}]]`"
        report.error(path, f"is {_toml_type(raw)}, where a table must stand", hint)
        return None

    def schema(self, define: Callable[[type[Shape]], JsonObject]) -> JsonObject:
        """A reference."""
        return define(self.shape)


@dataclass(frozen=True, slots=True)
class TablesOf(Kind[tuple[S | None, ...]], Generic[S]):
    """A list of tables; None stands for one that is no table, so that indices hold."""

    shape: type[S]

    def read(self, raw: object, path: KeyPath, report: Report) -> tuple[S | None, ...] | None:
        """The tables' values."""
        if not isinstance(raw, list):
            hint = f"write `[[{path[0]}]]`, not `[{path[0]}]`" if len(path) == 1 else "write `[{ ... }]`"
            report.error(path, f"is {_toml_type(raw)}, where a list of tables must stand", hint)
            return None
        table = TableOf(self.shape)
        return tuple(table.read(item, (*path, index), report) for index, item in enumerate(raw))

    def schema(self, define: Callable[[type[Shape]], JsonObject]) -> JsonObject:
        """An array of references."""
        return {"type": "array", "minItems": 1, "items": define(self.shape)}
