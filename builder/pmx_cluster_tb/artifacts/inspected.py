"""What artifacts hold, as values; they may hold secrets (an answer and a first-boot file do).

What is shown of them goes through `pmx_cluster_tb.view.redaction`.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, time
from math import isfinite

from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.manifest import Manifest
from pmx_cluster_tb.artifacts.stick.manifest import BundleManifest
from pmx_cluster_tb.plan.types import Package, Table

_JSON_INTEGER_BITS = 64


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


@dataclass(frozen=True, slots=True)
class InspectedNothing:
    """The image of a bundle that does nothing: the first line of Ventoy's menu."""

    size: int

    def as_json(self) -> dict[str, object]:
        """Its size in bytes."""
        return {"kind": "does-nothing", "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedIso:
    """An installation ISO of Proxmox VE, and what was put into it; None for what was not."""

    iso: Iso
    sha256: str
    mode: Table | None
    """auto-installer-mode.toml, which says where the installer gets its answer."""
    answer: InspectedAnswer | None
    hook: InspectedHook | InspectedSharedHook | None

    def as_json(self) -> dict[str, object]:
        """What it is; answer and first-boot file as they are for themselves."""
        return {
            "kind": "iso",
            "product": self.iso.product,
            "release": f"{self.iso.release}-{self.iso.iso_release}",
            "uuid": self.iso.uuid,
            "size": self.iso.size,
            "sha256": self.sha256,
            "can_be_prepared": not self.iso.unfit,
            "prepared": self.iso.prepared,
            "mode": _json_value(self.mode),
            "answer": self.answer.as_json() if self.answer else None,
            "first_boot": self.hook.as_json() if self.hook else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedBundle:
    """A bundle in `folder`, a path from the top of a stick, and what is not as it was written.

    Other paths are relative to the folder that has `folder` in it.
    """

    folder: str
    manifest: BundleManifest
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]
    """Files that no bundle made."""
    unnamed: tuple[str, ...]
    """ISOs for which ventoy.json has no entry."""

    @property
    def is_as_written(self) -> bool:
        """Whether all is there; files that somebody added do no harm."""
        return self.manifest.complete and not (self.missing or self.changed or self.unnamed)

    def as_json(self) -> dict[str, object]:
        """The manifest, and the paths of what differs from it."""
        return {
            "folder": self.folder,
            "manifest": self.manifest.as_json(),
            "missing": list(self.missing),
            "changed": list(self.changed),
            "added": list(self.added),
            "unnamed": list(self.unnamed),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedStick:
    """A stick with at least one bundle."""

    bundles: tuple[InspectedBundle, ...]

    def as_json(self) -> dict[str, object]:
        """The bundles by folder."""
        return {"kind": "stick", "bundles": [one.as_json() for one in self.bundles]}


Inspected = (
    InspectedPackage
    | InspectedHook
    | InspectedSharedHook
    | InspectedAnswer
    | InspectedOutput
    | InspectedIso
    | InspectedNothing
    | InspectedStick
)


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


def _described(path: str, mode: int, content: bytes) -> dict[str, object]:
    return {
        "path": path,
        "mode": f"{mode:04o}",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
