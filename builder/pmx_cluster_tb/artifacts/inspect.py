"""What a file or folder is, found by its content, and what it holds."""

import hashlib
import shlex
from pathlib import Path

from pmx_cluster_tb.artifacts.deb_reader import is_deb, read_deb
from pmx_cluster_tb.artifacts.formats import HEAD_BYTES, format_of
from pmx_cluster_tb.artifacts.hook_reader import Hook, is_hook, read_any_hook
from pmx_cluster_tb.artifacts.inspected import (
    Inspected,
    InspectedAnswer,
    InspectedBundle,
    InspectedHook,
    InspectedIso,
    InspectedNothing,
    InspectedOutput,
    InspectedPackage,
    InspectedSharedHook,
    InspectedStick,
)
from pmx_cluster_tb.artifacts.iso.iso9660 import MAGIC, MAGIC_OFFSET
from pmx_cluster_tb.artifacts.iso.read import iso_members, read_iso
from pmx_cluster_tb.artifacts.manifest import (
    MANIFEST_NAME,
    built_files,
    changed_files,
    is_output_manifest,
    read_manifest,
)
from pmx_cluster_tb.artifacts.stick.files import files_below
from pmx_cluster_tb.artifacts.stick.manifest import (
    BundleManifest,
    bundle_folders,
    is_bundle_manifest,
    read_bundle_manifest,
    title_of,
)
from pmx_cluster_tb.artifacts.stick.place import roots
from pmx_cluster_tb.artifacts.stick.readback import sha256_of
from pmx_cluster_tb.artifacts.stick.ventoy_json import PATH as VENTOY_JSON
from pmx_cluster_tb.model.toml_text import Unreadable, tables_of
from pmx_cluster_tb.plan.bundle import ANSWER_NAME, HOOK_NAME, MODE_NAME
from pmx_cluster_tb.plan.types import Table
from pmx_cluster_tb.plan.ventoy import NOTHING_IMAGE
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.progress import Observer, unobserved

_LARGEST_BYTES = 64 * 1024 * 1024
_ANSWER_TABLE = "global"
_KNOWN = (
    "a package (.deb), a first-boot file, an answer.toml, an ISO of Proxmox VE, an output folder of "
    "`build`, or a stick of `bundle`"
)


def inspect_artifact(path: Path, observer: Observer = unobserved) -> Inspected:
    """What `path` holds; `observer` is told how far the reading of a stick is.

    Raises BadInput, with what was found, if it is damaged or not one of ours.
    """
    try:
        folder = path.parent if path.name == MANIFEST_NAME and path.is_file() else path
        if not folder.is_dir():
            return _inspected_file(path, observer)
        return inspected_stick(folder, observer) or _inspected_output(folder)
    except BrokenPipeError:
        # nobody reads the progress any more
        raise
    except OSError as error:
        raise BadInput(f"cannot read `{error.filename or path}`: {error.strerror or error}") from error


def _inspected_file(path: Path, observer: Observer) -> Inspected:
    name = str(path)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if head[MAGIC_OFFSET:] == MAGIC:
            return _inspected_iso(path, observer)
        if file.seek(0, 2) > _LARGEST_BYTES:
            raise _unknown(name, head)
        file.seek(0)
        content = file.read()
    if content == NOTHING_IMAGE:
        return InspectedNothing(len(content))
    if is_deb(content):
        return _inspected_package(content, name)
    if is_hook(content):
        return _inspected_hook(content, name)
    return _inspected_answer(content, name)


def _inspected_iso(path: Path, observer: Observer) -> InspectedIso:
    iso = read_iso(path)
    members = iso_members(path, [f"/{name}" for name in (MODE_NAME, ANSWER_NAME, HOOK_NAME)])
    inside = {name[1:]: (content, f"{path}: {name}") for name, content in members.items()}
    return InspectedIso(
        iso=iso,
        sha256=sha256_of(path, observer, f"reading {path.name}"),
        mode=_toml(*inside[MODE_NAME]) if MODE_NAME in inside else None,
        answer=_inspected_answer(*inside[ANSWER_NAME]) if ANSWER_NAME in inside else None,
        hook=_inspected_hook(*inside[HOOK_NAME]) if HOOK_NAME in inside else None,
    )


def _toml(content: bytes, name: str) -> Table:
    try:
        return tables_of(content.decode())
    except (UnicodeDecodeError, Unreadable) as error:
        raise _unknown(name, content) from error


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
            f"`pmx-cluster-tb check {shlex.quote(name)}` reads a cluster file" if "cluster" in table else "",
        )
    return InspectedAnswer(table=table, text=text)


def _hint_of_folder(folder: Path) -> str:
    if is_output_manifest(folder.parent / MANIFEST_NAME):
        whole = shlex.quote(str(folder.parent))
        return f"`pmx-cluster-tb inspect {whole}` reads all that was built; each file in it can be named, too"
    return "a stick is named by the folder where it is mounted"


def _inspected_output(folder: Path) -> InspectedOutput:
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise BadInput(
            f"`{folder}` is no output folder of `build` or stick of `bundle`: no {MANIFEST_NAME}",
            _hint_of_folder(folder),
        )
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
    title = format_of(content[:HEAD_BYTES])
    what = "text, but no TOML" if title == "text" else title
    return BadInput(f"`{name}` is {what}", f"`inspect` reads {_KNOWN}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


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
