"""Reading a stick back, to see whether it is as `bundle` left it."""

from pathlib import Path

from pmx_cluster_tb.artifacts.inspected import InspectedBundle, InspectedStick
from pmx_cluster_tb.artifacts.manifest import MANIFEST_NAME
from pmx_cluster_tb.artifacts.stick_files import files_below
from pmx_cluster_tb.artifacts.stick_manifest import (
    BundleManifest,
    bundle_folders,
    is_bundle_manifest,
    read_bundle_manifest,
    title_of,
)
from pmx_cluster_tb.artifacts.stick_place import roots
from pmx_cluster_tb.artifacts.stick_readback import sha256_of
from pmx_cluster_tb.artifacts.ventoy_json import PATH as VENTOY_JSON
from pmx_cluster_tb.progress import Observer, unobserved


def inspected_stick(path: Path, observer: Observer) -> InspectedStick | None:
    """The bundle in the folder `path`, or the bundles at the top of the stick `path`; None if there is none.

    Raises BadInput if a manifest is damaged, and OSError.
    """
    if is_bundle_manifest(path / MANIFEST_NAME):
        top, folders = _top_of(path.resolve()), [path.resolve()]
    else:
        top, folders = path, [folder for base in roots(path) for folder in bundle_folders(base)]
    bundles = [_inspected_bundle(top, folder, observer) for folder in folders]
    return InspectedStick(bundles=tuple(bundles)) if bundles else None


def _top_of(folder: Path) -> Path:
    """The top of the stick: the nearest folder above that has a ventoy.json."""
    return next((one for one in folder.parents if (one / VENTOY_JSON).is_file()), folder.parent)


def _inspected_bundle(top: Path, folder: Path, observer: Observer) -> InspectedBundle:
    manifest, stick = read_bundle_manifest(folder), folder.parent
    assert manifest is not None, folder  # noqa: S101 - it has one
    digests = {one.path: one.sha256 for one in manifest.isos}
    digests |= {one.path: one.sha256 for one in manifest.files}
    titles = {one.path: f"reading {title_of(one.nodes)}" for one in manifest.isos}
    there = set(files_below(stick, folder))
    known = manifest.paths | {f"{folder.name}/{MANIFEST_NAME}"}
    return InspectedBundle(
        folder=folder.relative_to(top).as_posix(),
        manifest=manifest,
        missing=tuple(sorted(digests.keys() - there)),
        changed=tuple(
            path
            for path in sorted(digests.keys() & there)
            if sha256_of(stick / path, observer if path in titles else unobserved, titles.get(path, ""))
            != digests[path]
        ),
        added=tuple(sorted(there - known)),
        unnamed=_unnamed(top, stick, manifest),
    )


def _unnamed(top: Path, stick: Path, manifest: BundleManifest) -> tuple[str, ...]:
    try:
        text = (top / VENTOY_JSON).read_bytes()
    except FileNotFoundError:
        text = b""
    images = {one.path: f"/{(stick / one.path).relative_to(top).as_posix()}" for one in manifest.isos}
    return tuple(path for path, image in images.items() if f'"{image}"'.encode() not in text)
