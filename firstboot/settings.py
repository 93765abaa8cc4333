"""Reading settings.json: accepts exactly what `settings.schema.json` describes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

SCHEMA = 1
"""The version of the schema that this program reads."""

_SETTINGS = {"schema", "cluster", "node", "packages"}
_CLUSTER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_NODE = re.compile(r"[a-z0-9][a-z0-9-]*")
_PACKAGE = {
    "name": re.compile(r"[a-z0-9][a-z0-9+.-]+"),
    "version": re.compile(r"[0-9][A-Za-z0-9.+~-]*"),
    "file": re.compile(r"[a-z0-9][A-Za-z0-9.+~_-]*\.deb"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
}


class BadSettings(Exception):
    """The settings are not for this program; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package to install: its name, version, file name in the archive, and that file's SHA-256."""

    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What this node's first boot does."""

    cluster: str
    node: str
    packages: tuple[Package, ...]


def read_settings(text: bytes) -> Settings:
    """The settings in the JSON `text`; raises BadSettings."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadSettings(f"no JSON: {error}") from error
    table = _table(value, "settings")
    _check_schema(table.get("schema"))
    _check_keys(table, _SETTINGS, "settings")
    return Settings(
        cluster=_matching(table["cluster"], _CLUSTER, "cluster"),
        node=_matching(table["node"], _NODE, "node"),
        packages=_packages(table["packages"]),
    )


def _check_schema(version: object) -> None:
    if isinstance(version, bool) or version != SCHEMA:
        raise BadSettings(f"schema is {version!r}, and this program reads {SCHEMA} only")


def _packages(value: object) -> tuple[Package, ...]:
    if not isinstance(value, list) or not value:
        raise BadSettings("packages must be a list of at least one")
    return tuple(_package(item, f"packages[{index}]") for index, item in enumerate(value))


def _package(value: object, place: str) -> Package:
    table = _table(value, place)
    _check_keys(table, set(_PACKAGE), place)
    return Package(
        **{key: _matching(table[key], pattern, f"{place}.{key}") for key, pattern in _PACKAGE.items()}
    )


def _table(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise BadSettings(f"{place} must be a table")
    return value


def _check_keys(table: Mapping[str, object], known: set[str], place: str) -> None:
    if missing := sorted(known - table.keys()):
        raise BadSettings(f"{place} lacks {', '.join(missing)}")
    if unknown := sorted(table.keys() - known):
        raise BadSettings(f"{place} has unknown keys {', '.join(unknown)}")


def _matching(value: object, pattern: re.Pattern[str], place: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadSettings(f"{place} is {value!r}, which does not match {pattern.pattern}")
    return value
