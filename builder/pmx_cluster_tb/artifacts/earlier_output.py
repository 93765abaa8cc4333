"""Reading an output folder back, to compare a plan with it."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pmx_cluster_tb.artifacts.deb_reader import read_deb
from pmx_cluster_tb.artifacts.hook import SETTINGS_NAME
from pmx_cluster_tb.artifacts.manifest import (
    MANIFEST_NAME,
    Manifest,
    ManifestFile,
    ManifestNode,
    read_manifest,
)
from pmx_cluster_tb.artifacts.output import ANSWER_NAME, HOOK_NAME
from pmx_cluster_tb.plan.difference import Built, BuiltNode
from pmx_cluster_tb.plan.types import Package
from pmx_cluster_tb.problems import BadInput

_REBUILD = "`pmx-cluster-tb build` makes it anew"


def read_output(folder: Path) -> Built:
    """What `build` made in `folder`. Raises BadInput if that is no such folder, or not as it was made."""
    manifest = _manifest(folder)
    files = {file.path: _content(folder, file) for file in manifest.files}
    nodes = {node.name: _node(folder, node, files) for node in manifest.nodes}
    return Built(
        ring_package=_package(folder, f"pmx-ring_{manifest.ring_version}_all.deb", files), nodes=nodes
    )


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"`{folder}` is no output folder of `build`: `{path}`: {error.strerror}"
        raise BadInput(message, "name the folder that `--out` named") from error
    return read_manifest(content, str(path))


def _content(folder: Path, file: ManifestFile) -> bytes:
    path = folder / file.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read `{path}`: {error.strerror}", _REBUILD) from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise BadInput(
            f"`{path}` is not as `build` made it: its SHA-256 differs from the manifest's", _REBUILD
        )
    return content


def _node(folder: Path, node: ManifestNode, files: Mapping[str, bytes]) -> BuiltNode:
    with zipfile.ZipFile(io.BytesIO(files[f"{node.name}/{HOOK_NAME}"])) as hook:
        settings = json.loads(hook.read(SETTINGS_NAME))
    return BuiltNode(
        package=_package(folder, f"{node.name}/{node.package}_{node.version}_all.deb", files),
        answer=files[f"{node.name}/{ANSWER_NAME}"].decode(),
        first_boot=settings,
    )


def _package(folder: Path, path: str, files: Mapping[str, bytes]) -> Package:
    return read_deb(files[path], str(folder / path))
