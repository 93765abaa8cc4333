"""manifest.json: what `build` made, and the mark by which it knows its own folders again."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.typed_json import from_json
from pmx_cluster_tb.plan.package import content_digest
from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan
from pmx_cluster_tb.problems import BadInput

MANIFEST_NAME = "manifest.json"
_FORMAT: Literal["pmx-cluster-tb output"] = "pmx-cluster-tb output"

_LITTER = frozenset({".DS_Store"})


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file of the output folder; `path` is relative to it, `mode` octal as `0644`, `size` in bytes."""

    path: str
    size: int
    mode: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ManifestNode:
    """A node: its name, its number in the ring, and its package's name and version."""

    name: str
    number: int
    package: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An output folder: nodes by number, files by path, no secrets."""

    format: Literal["pmx-cluster-tb output"]
    format_version: Literal[1]
    program_version: str
    cluster: str
    proxmox_ve: str
    example: bool
    plan_sha256: str
    ring_version: str
    """The version of `pmx-ring`."""
    nodes: tuple[ManifestNode, ...]
    files: tuple[ManifestFile, ...]

    def as_json(self) -> dict[str, object]:
        """The value that manifest.json holds."""
        return asdict(self)


def is_output_manifest(path: Path) -> bool:
    """Whether the file at `path` is, or was, the manifest of an output folder. Raises OSError."""
    return path.is_file() and _FORMAT.encode() in path.read_bytes()


def manifest_of(plan: ClusterPlan, files: tuple[ManifestFile, ...]) -> Manifest:
    """The manifest of `plan`, whose artifacts are `files`."""
    return Manifest(
        format=_FORMAT,
        format_version=1,
        program_version=release.__version__,
        cluster=plan.cluster.name,
        proxmox_ve=str(plan.cluster.proxmox_ve),
        example=plan.cluster.example,
        plan_sha256=plan_digest(plan),
        ring_version=plan.ring_package.version,
        nodes=tuple(
            ManifestNode(one.node.name, one.node.number, one.package.name, one.package.version)
            for one in plan.nodes
        ),
        files=tuple(sorted(files, key=lambda file: file.path)),
    )


def manifest_bytes(manifest: Manifest) -> bytes:
    """The content of manifest.json."""
    return json.dumps(manifest.as_json(), indent=2).encode() + b"\n"


def read_manifest(content: bytes, name: str, hint: str = "") -> Manifest:
    """The manifest in `content`, which messages call `name`; raises BadInput with `hint`."""
    try:
        return from_json(Manifest, content)
    except ValueError as error:
        raise BadInput(f"`{name}` is no manifest of `build` that this version reads", hint) from error


def built_files(folder: Path) -> set[str]:
    """What is in `folder` besides the manifest, folders and macOS's own files, by path relative to it."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.name not in _LITTER
    } - {MANIFEST_NAME}


def changed_files(folder: Path, manifest: Manifest) -> list[str]:
    """The files of `manifest` that are in `folder` with another content, by path. Raises OSError."""
    there = built_files(folder)
    return sorted(
        file.path
        for file in manifest.files
        if file.path in there and _digest(folder / file.path) != file.sha256
    )


def _digest(path: Path) -> str | None:
    """SHA-256 of a file; None for what is none, as a pipe that would never end."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def plan_digest(plan: ClusterPlan) -> str:
    """SHA-256 of all that was planned; independent of how it is packed and compressed."""
    parts = [plan.ring_package.version, content_digest(plan.ring_package), *map(node_parts, plan.nodes)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def node_parts(plan: NodePlan) -> list[object]:
    """All that was planned for a node, as JSON values; it holds secrets."""
    return [plan.package.version, content_digest(plan.package), plan.answer.text, plan.first_boot.table]
