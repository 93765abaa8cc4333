"""Reading an output folder back, to compare it with a plan."""

from pathlib import Path
from typing import cast

from pmx_cluster_tb.artifacts.compression import uncompressed
from pmx_cluster_tb.artifacts.deb_reader import read_deb
from pmx_cluster_tb.artifacts.hook_reader import read_hook
from pmx_cluster_tb.artifacts.manifest import MANIFEST_NAME, ManifestNode, read_manifest
from pmx_cluster_tb.artifacts.output import ANSWER_NAME, HOOK_NAME
from pmx_cluster_tb.plan.difference import Built, BuiltNode
from pmx_cluster_tb.plan.packages import NODE_FACTS
from pmx_cluster_tb.plan.types import Package, Table
from pmx_cluster_tb.problems import BadInput


def read_output(folder: Path) -> Built:
    """What `build` made in `folder`. Raises BadInput if a part is missing, damaged or not ours."""
    try:
        return _built(folder)
    except (OSError, ValueError) as error:
        match error:
            case OSError():
                reason, place = error.strerror, error.filename
            case UnicodeDecodeError():
                reason, place = "no UTF-8", folder
            case _:
                # of a path, from a manifest that somebody changed
                reason, place = str(error), folder
        raise BadInput(
            f"cannot read `{place}`: {reason}", "`--diff` takes an output folder of `build`"
        ) from error


def _built(folder: Path) -> Built:
    path = folder / MANIFEST_NAME
    manifest = read_manifest(path.read_bytes(), str(path))
    return Built(
        ring_package=_package(folder, "pmx-ring", manifest.ring_version),
        nodes={node.name: _node(folder / node.name, node) for node in manifest.nodes},
    )


def _node(folder: Path, node: ManifestNode) -> BuiltNode:
    hook = folder / HOOK_NAME
    package = _package(folder, node.package, node.version)
    if all(file.path != NODE_FACTS for file in package.files):
        raise BadInput(f"`{node.package}` in `{folder}` is no package of a node", "build it again")
    return BuiltNode(
        package=package,
        answer=(folder / ANSWER_NAME).read_text("utf-8"),
        first_boot=_planned(read_hook(hook.read_bytes(), str(hook)).settings),
    )


def _planned(settings: Table) -> Table:
    """The settings without the digests of the packages, which no plan knows."""
    packages = cast("list[dict[str, str]]", settings["packages"])
    return {
        **settings,
        "packages": [
            {key: value for key, value in package.items() if key != "sha256"} for package in packages
        ],
    }


def _package(folder: Path, name: str, version: str) -> Package:
    path = folder / f"{name}_{version}_all.deb"
    return uncompressed(read_deb(path.read_bytes(), str(path)))
