"""What a file or folder is, found by its content, and what it holds.

The values may hold secrets (an answer and a first-boot file do): what is shown of them goes through
`pmx_cluster_tb.view.redaction`.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, time
from math import isfinite
from pathlib import Path

from pmx_cluster_tb.artifacts.deb_reader import is_deb, read_deb
from pmx_cluster_tb.artifacts.hook_reader import Hook, is_hook, read_any_hook
from pmx_cluster_tb.artifacts.manifest import (
    MANIFEST_NAME,
    Manifest,
    built_files,
    changed_files,
    read_manifest,
)
from pmx_cluster_tb.model.toml_text import Unreadable, tables_of
from pmx_cluster_tb.plan.types import Package, Table
from pmx_cluster_tb.problems import BadInput

_LARGEST_BYTES = 64 * 1024 * 1024
_ANSWER_TABLE = "global"
_JSON_INTEGER_BITS = 64
_ISO_OFFSET = 32769
_FORMATS = {
    b"PK\x03\x04": "a zip archive",
    b"\x7fELF": "a Linux program",
    b"\x1f\x8b": "a gzip file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"-----BEGIN PGP": "an OpenPGP key or signature",
    b"#!": "a script",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG image",
}
_KNOWN = "a package (.deb), a first-boot file, an answer.toml, or an output folder of `build`"


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedPackage:
    """A Debian package; `size` is that of its file in bytes."""

    package: Package
    size: int
    sha256: str

    def as_json(self) -> dict[str, object]:
        """Names, versions, modes, sizes and digests; no content of files."""
        package = self.package
        return {
            "kind": "package",
            "name": package.name,
            "version": package.version,
            "size": self.size,
            "sha256": self.sha256,
            "control": dict(package.fields),
            "scripts": [_described(one.name, one.mode, one.content) for one in package.members],
            "files": [_described(str(one.path), one.mode, one.content) for one in package.files],
            "links": [{"path": str(one.path), "target": str(one.target)} for one in package.links],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedHook:
    """A first-boot file. `program` are the names and sizes of its modules, `settings` may hold secrets."""

    settings: Table = field(repr=False)
    packages: tuple[InspectedPackage, ...]
    program: tuple[tuple[str, int], ...]
    size: int
    sha256: str

    def as_json(self) -> dict[str, object]:
        """Everything but the content of files; settings as they are."""
        return {
            "kind": "first-boot",
            "size": self.size,
            "sha256": self.sha256,
            "settings": self.settings,
            "packages": [package.as_json() for package in self.packages],
            "program": [{"path": path, "size": size} for path, size in self.program],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedSharedHook:
    """A first-boot file for several nodes: the name of each, its MAC address, and what will be its own."""

    nodes: tuple[tuple[str, str, InspectedHook], ...]
    size: int
    sha256: str

    def as_json(self) -> dict[str, object]:
        """Everything but the content of files; settings as they are."""
        return {
            "kind": "shared-first-boot",
            "size": self.size,
            "sha256": self.sha256,
            "nodes": [
                {
                    "node": node,
                    "mac": mac,
                    "settings": hook.settings,
                    "packages": [package.as_json() for package in hook.packages],
                }
                for node, mac, hook in self.nodes
            ],
            "program": [{"path": path, "size": size} for path, size in self.nodes[0][2].program],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedAnswer:
    """An answer for the automated installer; it holds the hash of root's password."""

    table: Table = field(repr=False)
    text: str = field(repr=False)

    def as_json(self) -> dict[str, object]:
        """The answer as it is; what JSON does not have is text."""
        return {"kind": "answer", "answer": _json_value(self.table)}


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedOutput:
    """An output folder: what was built, and what is not so any more."""

    manifest: Manifest
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    """Files with another content than was built."""
    added: tuple[str, ...]
    """Files that `build` did not make."""

    def as_json(self) -> dict[str, object]:
        """The manifest and the paths of what differs from it."""
        return {
            "kind": "output",
            "manifest": self.manifest.as_json(),
            "missing": list(self.missing),
            "changed": list(self.changed),
            "added": list(self.added),
        }


Inspected = InspectedPackage | InspectedHook | InspectedSharedHook | InspectedAnswer | InspectedOutput


def inspect_artifact(path: Path) -> Inspected:
    """What `path` holds. Raises BadInput, with what was found, if it is damaged or not one of ours."""
    try:
        if path.is_dir():
            return _inspected_output(path)
        return _inspected_file(path)
    except OSError as error:
        raise BadInput(f"cannot read `{error.filename or path}`: {error.strerror or error}") from error


def _inspected_file(path: Path) -> Inspected:
    name = str(path)
    with path.open("rb") as file:
        head = file.read(_ISO_OFFSET + 5)
        if file.seek(0, 2) > _LARGEST_BYTES:
            raise _unknown(name, head)
        file.seek(0)
        content = file.read()
    if is_deb(content):
        return _inspected_package(content, name)
    if is_hook(content):
        return _inspected_hook(content, name)
    if path.name == MANIFEST_NAME:
        return _inspected_output(path.parent)
    return _inspected_answer(content, name)


def _inspected_package(content: bytes, name: str) -> InspectedPackage:
    return InspectedPackage(package=read_deb(content, name), size=len(content), sha256=_sha256(content))


def _inspected_hook(content: bytes, name: str) -> InspectedHook | InspectedSharedHook:
    hook, size, sha256 = read_any_hook(content, name), len(content), _sha256(content)
    if isinstance(hook, Hook):
        return _inspected_part(hook, name, size, sha256)
    nodes = tuple(
        (node, hook.macs[node], _inspected_part(one, name, size, sha256)) for node, one in hook.hooks.items()
    )
    return InspectedSharedHook(nodes=nodes, size=size, sha256=sha256)


def _inspected_part(hook: Hook, name: str, size: int, sha256: str) -> InspectedHook:
    return InspectedHook(
        settings=hook.settings,
        packages=tuple(_inspected_package(deb, f"{name}: {file}") for file, deb in hook.debs.items()),
        program=tuple((path, len(text)) for path, text in hook.program.items()),
        size=size,
        sha256=sha256,
    )


def _inspected_answer(content: bytes, name: str) -> InspectedAnswer:
    if not content:
        raise _unknown(name, content)
    try:
        text = content.decode()
        table = tables_of(text)
    except (UnicodeDecodeError, Unreadable) as error:
        raise _unknown(name, content) from error
    if not isinstance(table.get(_ANSWER_TABLE), dict):
        raise BadInput(
            f"`{name}` is TOML, but no answer: it has no table `[{_ANSWER_TABLE}]`",
            f"`pmx-cluster-tb check {name}` reads a cluster file" if "cluster" in table else "",
        )
    return InspectedAnswer(table=table, text=text)


def _json_value(value: object) -> object:
    match value:
        case dict():
            return {key: _json_value(item) for key, item in value.items()}
        case list():
            return [_json_value(item) for item in value]
        case date() | time():
            return value.isoformat()
        case float() if not isfinite(value):
            return str(value)
        case int() if value.bit_length() > _JSON_INTEGER_BITS:
            return hex(value)
    return value


def _inspected_output(folder: Path) -> InspectedOutput:
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise BadInput(f"`{folder}` is no output folder of `build`: it has no {MANIFEST_NAME}")
    manifest = read_manifest(path.read_bytes(), str(path))
    built = {file.path for file in manifest.files}
    there = built_files(folder)
    return InspectedOutput(
        manifest=manifest,
        missing=tuple(sorted(built - there)),
        changed=tuple(changed_files(folder, manifest)),
        added=tuple(sorted(there - built)),
    )


def _unknown(name: str, content: bytes) -> BadInput:
    return BadInput(f"`{name}` is {_format(content)}", f"`inspect` reads {_KNOWN}")


def _format(content: bytes) -> str:
    for magic, title in _FORMATS.items():
        if content.startswith(magic):
            return title
    if content[_ISO_OFFSET : _ISO_OFFSET + 5] == b"CD001":
        return "an ISO image"
    if not content:
        return "empty"
    return "text, but no TOML" if _is_text(content) else "binary data of an unknown kind"


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _described(path: str, mode: int, content: bytes) -> dict[str, object]:
    return {"path": path, "mode": f"{mode:04o}", "size": len(content), "sha256": _sha256(content)}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
