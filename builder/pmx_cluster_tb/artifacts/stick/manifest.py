"""manifest.json of a bundle: what lies on the stick, what may be left there, and for whom."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pmx_cluster_tb.artifacts.manifest import MANIFEST_NAME
from pmx_cluster_tb.artifacts.typed_json import from_json
from pmx_cluster_tb.plan.bundle import Layout
from pmx_cluster_tb.problems import BadInput

FOLDER_PREFIX = "pmx-"
"""Of the name of the one folder that holds all of a bundle but Ventoy's own ventoy.json."""

CHECKSUMS_NAME = "VENTOY_CHECKSUM"
"""In that folder: what Ventoy's key `m` compares with, in the form that `sha256sum -c` reads."""

_FORMAT: Literal["pmx-cluster-tb bundle"] = "pmx-cluster-tb bundle"

PREPARING = 2
"""Counts up when the same ISO and members would be made into another prepared ISO."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceIso:
    """The official ISO; `release` as `9.2-1`, `size` in bytes.

    `sha256` is empty while the first prepared ISO is written.
    """

    name: str
    release: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleNode:
    """A node; `plan_sha256` covers what was planned for it, so that more than a local change can be seen."""

    name: str
    number: int
    plan_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleIso:
    """A prepared ISO that was read back whole; `made_of` covers the source and what was put into it."""

    path: str
    size: int
    sha256: str
    made_of: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """Any other file of the bundle."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleManifest:
    """A bundle; paths are relative to the top of the stick, with `/`. It holds no secrets.

    While a bundle is written `complete` is False, `isos` are those that are there and in order, and `claimed`
    has every path at which this run or an earlier one may have left something. At the end `claimed` is empty.
    """

    format: Literal["pmx-cluster-tb bundle"] = _FORMAT
    format_version: Literal[1] = 1
    program_version: str
    complete: bool
    cluster: str
    proxmox_ve: str
    layout: Layout
    source: SourceIso
    nodes: tuple[BundleNode, ...]
    isos: tuple[BundleIso, ...]
    files: tuple[BundleFile, ...]
    claimed: tuple[str, ...] = ()

    @property
    def paths(self) -> set[str]:
        """Every path at which a bundle may have left something, but for the manifest's own."""
        return {one.path for one in self.isos} | {one.path for one in self.files} | set(self.claimed)

    def as_json(self) -> dict[str, object]:
        """The value that manifest.json holds."""
        return asdict(self)


def made_of(source_sha256: str, members: Mapping[str, bytes]) -> str:
    """SHA-256 of all that decides what a prepared ISO is."""
    parts = [(name, hashlib.sha256(content).hexdigest()) for name, content in sorted(members.items())]
    return hashlib.sha256(json.dumps([PREPARING, source_sha256, parts]).encode()).hexdigest()


def title_of(nodes: Sequence[str]) -> str:
    """What an ISO is called where a line of a terminal has no room for its name."""
    return f"the ISO of {nodes[0] if len(nodes) == 1 else f'{len(nodes)} nodes'}"


def bundle_manifest_bytes(manifest: BundleManifest) -> bytes:
    """The content of manifest.json."""
    return json.dumps(manifest.as_json(), indent=2).encode() + b"\n"


def read_bundle_manifest(folder: Path) -> BundleManifest | None:
    """The manifest of the bundle in `folder`, None if there is none. Raises BadInput if it is damaged."""
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        manifest = from_json(BundleManifest, content)
    except ValueError as error:
        raise BadInput(f"`{path}` is damaged, or of another version of this program") from error
    if not all(_is_inside(folder.name, name) for name in manifest.paths):
        raise BadInput(f"`{path}` is damaged: it names files outside of `{folder.name}`")
    return manifest


def is_bundle_manifest(path: Path) -> bool:
    """Whether the file at `path` is, or was, the manifest of a bundle. Raises OSError."""
    return path.is_file() and _FORMAT.encode() in path.read_bytes()


def is_other_manifest(path: Path) -> bool:
    """Whether the file at `path` is a whole manifest.json, but no bundle's: `build` makes such, too.

    Raises OSError.
    """
    if not path.is_file() or is_bundle_manifest(path):
        return False
    try:
        return bool(json.loads(path.read_bytes()))
    except (ValueError, RecursionError):
        # a cut leaves what is no JSON
        return False


def bundle_folders(stick: Path) -> list[Path]:
    """The folders at the top of `stick` that a bundle may have made, by name. Raises OSError."""
    return sorted(
        path
        for path in stick.iterdir()
        if path.name.startswith(FOLDER_PREFIX)
        and path.is_dir()
        and (path / MANIFEST_NAME).is_file()
        and not is_other_manifest(path / MANIFEST_NAME)
    )


def _is_inside(folder: str, path: str) -> bool:
    parts = path.split("/")
    return len(parts) > 1 and parts[0] == folder and not {"", ".", ".."} & set(parts) and "\0" not in path
