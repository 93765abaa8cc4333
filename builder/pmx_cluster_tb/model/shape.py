"""Tables as classes: each key is declared by `key`, with its kind, its description and its default."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pmx_cluster_tb.model.kinds import Define, Integer, JsonObject, Kind, Text, toml_type
from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Report, listed, nearest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Key:
    kind: Kind[Any]
    description: str
    name: str
    required: bool
    default: object


def key(
    kind: Kind[T], description: str, *, name: str = "", required: bool = False, default: T | None = None
) -> T | None:
    """A field of a Shape. A key that is absent has its default; one whose value is wrong has None."""
    declared: Any = _Key(kind, description, name, required, default)
    made: T | None = declared
    return made


class Shape:
    """The keys of a table: each is declared by `key`, and is an attribute of the table that was read.

    `MISTAKEN` gives message and hint for keys that people write in its place. No dataclass: the
    code that is made for each would take an eighth of the time of `check`.
    """

    MISTAKEN: ClassVar[Mapping[str, tuple[str, str]]] = {}
    ONE_OF: ClassVar[tuple[str, ...]] = ()
    """Keys of which one at least must be there."""
    JSON: ClassVar[JsonObject] = {}
    """More of the JSON schema than follows from the keys."""
    KEYS: ClassVar[Mapping[str, tuple[str, _Key]]] = {}
    """Per key of the table its attribute and its declaration."""

    def __init_subclass__(cls) -> None:
        """Declares the keys, and leaves their defaults in the attributes."""
        own = {name: entry for name, entry in vars(cls).items() if isinstance(entry, _Key)}
        cls.KEYS = {entry.name or name.replace("_", "-"): (name, entry) for name, entry in own.items()}
        for name, entry in own.items():
            setattr(cls, name, entry.default)

    def __init__(self, **values: object) -> None:
        vars(self).update(values)


S = TypeVar("S", bound=Shape)


def read_table(shape: type[S], raw: dict[str, object], path: KeyPath, report: Report) -> S:
    """The table's values; what is unknown, missing or wrong in it is reported."""
    keys = shape.KEYS
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
    known = shape.KEYS
    near = nearest(name, known)
    hint = f"did you mean `{near}`?" if near else f"known here: {listed(known)}"
    report.error((*path, name), "unknown key", hint)


def _report_missing(kind: Kind[Any], name: str, path: KeyPath, report: Report) -> None:
    match kind:
        case Text(wanted=wanted):
            report.error((*path, name), f"is required: {wanted}")
        case TableOf(shape=shape):
            report.error((*path, name), "is required", f"{_table(path, name)} with {_what_it_holds(shape)}")
        case TablesOf(shape=shape):
            report.error(
                (*path, name), "is required", f"{_table(path, f'[{name}]')} with {_what_it_holds(shape)}"
            )
        case Integer(lowest=lowest, highest=highest):
            report.error((*path, name), f"is required: an integer from {lowest} to {highest}")


def _table(path: KeyPath, name: str) -> str:
    """The header of a table of the file's top level; others are mostly written inline."""
    return "a table" if path else f"`[{name}]`"


def _what_it_holds(shape: type[Shape]) -> str:
    required = [name for name, (_, entry) in shape.KEYS.items() if entry.required]
    return listed(required) if required else listed(shape.ONE_OF or shape.KEYS, "or")


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
        report.error(path, f"is {toml_type(raw)}, where a table must stand", hint)
        return None

    def schema(self, define: Define) -> JsonObject:
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
            report.error(path, f"is {toml_type(raw)}, where a list of tables must stand", hint)
            return None
        table = TableOf(self.shape)
        return tuple(table.read(item, (*path, index), report) for index, item in enumerate(raw))

    def schema(self, define: Define) -> JsonObject:
        """An array of references."""
        return {"type": "array", "minItems": 1, "items": define(self.shape)}
