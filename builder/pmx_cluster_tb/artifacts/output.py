"""The output folder of `build`: every artifact of a cluster, and manifest.json."""

import hashlib
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pmx_cluster_tb.artifacts.manifest import (
    MANIFEST_NAME,
    Manifest,
    ManifestFile,
    built_files,
    changed_files,
    manifest_bytes,
    manifest_of,
    read_manifest,
)
from pmx_cluster_tb.artifacts.node_files import node_files, ring_deb
from pmx_cluster_tb.artifacts.swap import replaced_folder, sync
from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan
from pmx_cluster_tb.problems import BadInput, UserError
from pmx_cluster_tb.progress import Observer, Progress

ANSWER_NAME = "answer.toml"
HOOK_NAME = "first-boot"

_ANOTHER = "name another folder with `--out`"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of the output folder; `path` is relative to it."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644


def write_output(plan: ClusterPlan, out: Path, observer: Observer) -> Manifest:
    """Makes the folder `out` with all artifacts of `plan`; see `manifest.json` in it.

    It appears whole or not at all. An older one is replaced only if `build` made it, and nobody added or
    changed anything in it. Raises BadInput if `out` cannot be that folder, and UserError if it cannot be
    written.
    """
    try:
        folder = _checked(out)
        with replaced_folder(folder) as new:
            _refuse_others(folder, out)
            manifest = _write(plan, new, observer)
            # somebody may have put something there meanwhile
            _refuse_others(folder, out)
            return manifest
    except BrokenPipeError:
        # nobody reads the progress any more
        raise
    except OSError as error:
        where = f" at `{error.filename}`" if error.filename else ""
        raise UserError(f"cannot write `{out}`: {error.strerror or error}{where}") from error


def artifacts(plan: ClusterPlan, observer: Observer) -> Iterator[Artifact]:
    """Every file that `build` makes, but for the manifest; each is made when it is asked for."""
    ring = ring_deb(plan)
    yield Artifact(plan.ring_package.file_name, ring)
    for index, node in enumerate(plan.nodes):
        observer(Progress(index, len(plan.nodes), node.node.name))
        yield from _node_artifacts(plan, node, ring)
    observer(Progress(len(plan.nodes), len(plan.nodes), ""))


def _node_artifacts(plan: ClusterPlan, node: NodePlan, ring: bytes) -> Iterator[Artifact]:
    folder, files = node.node.name, node_files(plan, node, ring)
    yield Artifact(f"{folder}/{node.package.file_name}", files.deb)
    yield Artifact(f"{folder}/{ANSWER_NAME}", node.answer.text.encode(), 0o600)
    yield Artifact(f"{folder}/{HOOK_NAME}", files.hook, 0o700)


def _checked(out: Path) -> Path:
    if str(out) == "-":
        raise BadInput("`-` names no folder, and a build is one", _ANOTHER)
    if out.is_symlink():
        raise BadInput(f"`{out}` is a symbolic link, which would be replaced", _ANOTHER)
    folder, current = Path(os.path.realpath(out)), Path.cwd()
    if folder == current or folder in current.parents:
        raise BadInput(f"`{out}` is the current folder or one above it, which cannot be replaced", _ANOTHER)
    if not folder.parent.is_dir():
        raise BadInput(f"`{out.parent}` is no folder", f"`mkdir -p {shlex.quote(str(out.parent))}`")
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"`{out}` is no folder", _ANOTHER)
    return folder


def _refuse_others(folder: Path, out: Path) -> None:
    """Raises BadInput unless `folder` may be replaced; messages call it `out`."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    manifest = folder / MANIFEST_NAME
    if not manifest.is_file():
        raise BadInput(f"`{out}` was not made by `build`: it has no {MANIFEST_NAME}", _ANOTHER)
    older = read_manifest(manifest.read_bytes(), str(manifest), _ANOTHER)
    if others := sorted(built_files(folder) - {file.path for file in older.files}):
        raise BadInput(
            f"`{out}` holds what `build` did not make: {_listed(others)}",
            f"move {_listed(others)} elsewhere, or {_ANOTHER}",
        )
    if changed := changed_files(folder, older):
        raise BadInput(
            f"`{out}` holds what was changed since it was built: {_listed(changed)}",
            f"move {_listed(changed)} elsewhere, or {_ANOTHER}",
        )


def _listed(paths: list[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths)


def _write(plan: ClusterPlan, folder: Path, observer: Observer) -> Manifest:
    files = tuple(_write_artifact(folder, artifact) for artifact in artifacts(plan, observer))
    manifest = manifest_of(plan, files)
    _write_artifact(folder, Artifact(MANIFEST_NAME, manifest_bytes(manifest)))
    for node in plan.nodes:
        sync(folder / node.node.name)
    return manifest


def _write_artifact(folder: Path, artifact: Artifact) -> ManifestFile:
    path = folder / artifact.path
    if not path.parent.is_dir():
        path.parent.mkdir()
        path.parent.chmod(0o755)
    # nobody else may read it, not even before its mode is set
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, artifact.mode)
        file.write(artifact.content)
        file.flush()
        os.fsync(descriptor)
    return ManifestFile(
        path=artifact.path,
        size=len(artifact.content),
        mode=f"{artifact.mode:04o}",
        sha256=hashlib.sha256(artifact.content).hexdigest(),
    )
