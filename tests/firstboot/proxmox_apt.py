"""A model of how Proxmox VE's GUI and API read apt's sources (proxmox-apt 1.0, `repositories/`).

It knows entries that are switched off, and refuses a whole file for one entry that it cannot read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ON = "1 yes true with on enable"
_OFF = "0 no false without off disable"
_IGNORED = re.compile(r"^\.|~$|\.(dpkg-.*|ucf-.*|disabled|bak|save|orig|distUpgrade)$")
_NAME = re.compile(r"[A-Za-z0-9_.-]+\.(list|sources)")


class Unreadable(Exception):
    """The GUI shows this instead of the file."""


@dataclass
class Repository:
    """An entry as the GUI shows it."""

    enabled: bool
    types: list[str]
    uris: list[str]
    suites: list[str]
    components: list[str]


def repositories(apt: Path) -> tuple[list[Repository], dict[str, str]]:
    """What can be read below a folder like /etc/apt, and the errors by file name."""
    found: list[Repository] = []
    errors: dict[str, str] = {}
    for path in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*"))]:
        if not path.is_file() or (path.name != "sources.list" and _IGNORED.search(path.name)):
            continue
        try:
            found += _read(path)
        except Unreadable as error:
            errors[path.name] = str(error)
    return found, errors


def status(found: list[Repository], uris: set[str], component: str, suite: str) -> bool | None:
    """Whether a standard repository is switched on, off, or not there."""
    known = [
        repository.enabled
        for repository in found
        if "deb" in repository.types and suite in repository.suites and component in repository.components
        if uris & {uri.rstrip("/") for uri in repository.uris}
    ]
    return any(known) if known else None


def _read(path: Path) -> list[Repository]:
    if not _NAME.fullmatch(path.name):
        raise Unreadable("invalid file name")
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise Unreadable("no UTF-8") from error
    found = list(_lines(text) if path.suffix == ".list" else _stanzas(text))
    for repository in found:
        _check(repository)
    return found


def _lines(text: str) -> Iterator[Repository]:
    for line in text.split("\n"):
        repository = _line(line.strip())
        if repository:
            yield repository


def _line(line: str) -> Repository | None:
    if line.startswith("#"):
        try:
            repository = _line(line[1:].strip())
        except Unreadable:
            repository = None
        if repository:
            repository.enabled = False
            return repository
    words = line.partition("#")[0].split(None, 1)
    if len(words) < 2:
        return None
    if words[0] not in {"deb", "deb-src"}:
        raise Unreadable(f"unknown type {words[0]}")
    rest = words[1]
    if rest.startswith("["):
        options, bracket, rest = rest[1:].partition("]")
        if not bracket or any("=" not in option.strip("=") for option in options.split()):
            raise Unreadable("invalid options")
    values = [word.replace('"', "") for word in re.findall(r'(?:"[^"]*"|\[[^\]]*\]|\S)+', rest)]
    if len(values) < 2:
        raise Unreadable("missing URI or suite")
    return Repository(True, [words[0]], [values[0]], [values[1]], values[2:])


def _stanzas(text: str) -> Iterator[Repository]:
    for lines in re.split(r"(?m)^[ \t\r]*\n", text):
        fields: dict[str, list[str]] = {}
        for line in re.sub(r"\n[ \t]", " ", lines).split("\n"):
            if not line.strip() or line.strip().startswith("#"):
                continue
            key, colon, value = line.strip().partition(":")
            if not colon or not key.strip():
                raise Unreadable(f"invalid line {line}")
            fields[key.strip().lower()] = value.split()
        if fields:
            switch = " ".join(fields.get("enabled", [])).lower()
            assert switch in f"{_ON} {_OFF} ", switch
            values = [fields.get(name, []) for name in ("types", "uris", "suites", "components")]
            yield Repository(not switch or switch not in _OFF.split(), *values)


def _check(repository: Repository) -> None:
    if not (repository.types and repository.uris and repository.suites):
        raise Unreadable("missing field")
    if not all(":" in uri and len(uri) > 2 for uri in repository.uris):
        raise Unreadable("invalid URI")
    for suite in repository.suites:
        if suite.endswith("/") == bool(repository.components):
            raise Unreadable("components do not fit the suite")
