"""Writing a bundle to a stick, so that a cut at any moment leaves nothing that would install something wrong.

First manifest.json says at which paths something may be left from now on. Then come the image that does
nothing, the prepared ISOs, the small files, ventoy.json, which names what is now there, and last what an
earlier bundle had and this one has not is removed, and manifest.json says that the bundle is complete. Every
file is read back from the medium before it gets its name. The next run goes on where an interrupted one
stopped.
"""

import hashlib
import json
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.iso.image import PreparedImage, image_chunks, prepared_images, unchanged
from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.iso.write import write_image
from pmx_cluster_tb.artifacts.manifest import MANIFEST_NAME
from pmx_cluster_tb.artifacts.stick.digests import Digests, digests
from pmx_cluster_tb.artifacts.stick.files import (
    NotAsWritten,
    files_below,
    locked,
    remove_empty_folders,
    remove_file,
    replace_or_remove,
    replaced_file,
    temporaries,
    told_errors,
    write_file,
)
from pmx_cluster_tb.artifacts.stick.manifest import (
    CHECKSUMS_NAME,
    BundleFile,
    BundleIso,
    BundleManifest,
    BundleNode,
    SourceIso,
    bundle_folders,
    bundle_manifest_bytes,
    is_other_manifest,
    made_of,
    read_bundle_manifest,
    title_of,
)
from pmx_cluster_tb.artifacts.stick.place import Stick, refuse_unseen, roots
from pmx_cluster_tb.artifacts.stick.readback import blocks_on_medium, sha256_on_medium
from pmx_cluster_tb.artifacts.stick.space import Write, require_room
from pmx_cluster_tb.artifacts.stick.ventoy_json import PATH as VENTOY_JSON
from pmx_cluster_tb.artifacts.stick.ventoy_json import merged, without
from pmx_cluster_tb.plan.bundle import BundlePlan, Layout, PreparedIso
from pmx_cluster_tb.plan.difference import more_than_local
from pmx_cluster_tb.plan.stick_names import DOES_NOTHING, holds_answers
from pmx_cluster_tb.plan.types import NodePlan
from pmx_cluster_tb.plan.ventoy import entries_below
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.progress import Observer, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What to write: the plan, the ISO that it is made from and its SHA-256, and the nodes of the plan.

    Without `iso_sha256` it is found while the first ISO is written. `renewed` is the node to which a change
    is confined; the ISOs of other nodes are then not read back.
    """

    plan: BundlePlan
    proxmox_ve: str
    iso: Iso
    iso_sha256: str | None
    nodes: tuple[BundleNode, ...]
    renewed: str | None = None
    could_be_shared: bool = False
    """Whether the layout may still be the other one, and would hold fewer ISOs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The bundle that is on the stick now.

    `paths` are the prepared ISOs that were written, `unread` those that were there and were not read, of
    which `older` would be made otherwise now; the others were there and read. `removed` is what an earlier
    bundle had and this one has not, `others` are files in the bundle's folder that no bundle made; these are
    relative to where Ventoy looks. `bundles` are the folders of other bundles, relative to the top of the
    stick.
    """

    manifest: BundleManifest
    paths: frozenset[str]
    unread: frozenset[str]
    older: frozenset[str]
    removed: tuple[str, ...]
    others: tuple[str, ...]
    bundles: tuple[str, ...]


def write_bundle(bundle: Bundle, stick: Stick, observer: Observer) -> Written:
    """Makes `stick` hold `bundle`, next to whatever else it holds.

    Raises BadInput before anything is written if it cannot be, does not fit, or would write over what no
    bundle made; and UserError if it cannot be written, or does not read back.
    """
    with told_errors(stick.path), locked(stick.path):
        writer = _Writer(bundle, stick, observer)
        writer.prepare()
        return writer.write()


class _Writer:
    """One run. `_isos` are the prepared ISOs that are there and in order, `_images` what is to be written."""

    def __init__(self, bundle: Bundle, stick: Stick, observer: Observer) -> None:
        self._bundle, self._plan, self._observer = bundle, bundle.plan, observer
        self._top, self._ventoy_json = stick.base, stick.path / VENTOY_JSON
        self._folder = "/".join(part for part in (stick.root, bundle.plan.folder) if part)
        self._stick = stick
        self._iso_sha256 = bundle.iso_sha256 or ""
        self._earlier = earlier_bundle(stick, self._plan.folder)
        self._ventoy_before = _content(self._ventoy_json)
        # BadInput of a file that cannot be merged comes before anything is written
        entries = entries_below(self._plan.ventoy, stick.root)
        self._ventoy_after = merged(self._ventoy_before, entries, self._folder)
        self._isos: dict[str, BundleIso] = {}
        self._images: dict[str, PreparedImage] = {}

    def prepare(self) -> None:
        """Finds out what is to be written, and whether it fits."""
        self._refuse_others()
        for path in temporaries(self._top / self._plan.folder):
            path.unlink()
        before = {one.path: one for one in self._earlier.isos} if self._earlier else {}
        for iso in self._plan.isos:
            if (known := before.get(iso.path)) and self._is_unchanged(iso, known):
                self._isos[iso.path] = known
        new = [iso for iso in self._plan.isos if iso.path not in self._isos]
        images = prepared_images(self._bundle.iso, [iso.members for iso in new])
        self._images = {iso.path: image for iso, image in zip(new, images, strict=True)}
        # the largest of them is about as large as one for all
        shared = max((image.size for image in images), default=0) if self._bundle.could_be_shared else None
        require_room(self._stick, [*map(self._planned, self._images), *self._planned_files()], shared)

    def _refuse_others(self) -> None:
        refuse_unseen(self._stick, self._plan.folder)
        self._refuse_elsewhere()
        manifest = self._top / self._plan.folder / MANIFEST_NAME
        is_damaged = self._earlier is None and manifest.exists()
        if is_damaged and is_other_manifest(manifest):
            raise BadInput(f"no bundle made `{manifest}`", f"move the folder `{manifest.parent}` elsewhere")
        known = self._earlier.paths if self._earlier else set()
        others = sorted(path for path in self._planned_paths - known if (self._top / path).exists())
        if others and not is_damaged:
            raise BadInput(
                f"`{self._top}` has files at names that a bundle uses, and no bundle made them: "
                f"{', '.join(f'`{path}`' for path in others)}",
                "move them elsewhere",
            )
        there = files_below(self._top, manifest.parent)
        left = [path for path in there if holds_answers(path) and path not in self._planned_paths]
        if is_damaged and left:
            # nothing would know them any more, nor wipe them
            raise BadInput(
                f"`{manifest}` is damaged, and there is more of an earlier bundle, with hashes of passwords: "
                f"{', '.join(f'`{path}`' for path in left)}",
                "leave `--node` out"
                if self._bundle.renewed
                else f"`rm {' '.join(shlex.quote(str(self._top / path)) for path in left)}`",
            )

    def _refuse_elsewhere(self) -> None:
        """Raises BadInput if there is one where Ventoy looked before: it would stay, with its entries."""
        for base in roots(self._stick.path):
            folder = base / self._plan.folder
            if base != self._top and folder in bundle_folders(base):
                raise BadInput(
                    f"`{folder}` has a bundle of this cluster, and Ventoy looks in `{self._top}`",
                    f"`pmx-cluster-tb bundle --wipe --out {shlex.quote(str(self._stick.path))}` removes it",
                )

    def _is_unchanged(self, iso: PreparedIso, known: BundleIso) -> bool:
        path = self._top / iso.path
        if _size(path) != known.size:
            return False
        if self._is_left_alone(iso):
            return True
        if known.made_of != self._made_of(iso):
            return False
        with suppress(OSError):
            return (
                sha256_on_medium(path, self._observer, f"reading {title_of(iso.nodes)} back") == known.sha256
            )
        return False

    def _made_of(self, iso: PreparedIso) -> str:
        return made_of(self._iso_sha256, iso.members)

    def _is_made_as_now(self, iso: PreparedIso) -> bool:
        return self._isos[iso.path].made_of == self._made_of(iso)

    def _is_left_alone(self, iso: PreparedIso) -> bool:
        return self._bundle.renewed is not None and self._bundle.renewed not in iso.nodes

    def _planned(self, path: str) -> Write:
        return Write(path, self._images[path].size, _size(self._top / path))

    def _planned_files(self) -> list[Write]:
        files = [Write(one.path, len(one.content), _size(self._top / one.path)) for one in self._plan.files]
        return [*files, Write(VENTOY_JSON, len(self._ventoy_after), len(self._ventoy_before or b""))]

    @property
    def _checksums(self) -> str:
        return f"{self._plan.folder}/{CHECKSUMS_NAME}"

    def write(self) -> Written:
        self._claim()
        self._hide()
        # before there is anything that wipes: else a cut leaves a menu whose first line does
        for one in self._plan.files:
            if DOES_NOTHING in one.path:
                write_file(self._top / one.path, one.content)
        with digests() as digests_begun:
            self._write_isos(digests_begun)
        for path, content in self._files().items():
            write_file(self._top / path, content)
        replace_or_remove(self._ventoy_json, self._ventoy_after)
        manifest = self._manifest(complete=True)
        removed = self._remove_others(manifest)
        self._write_manifest(manifest)
        known = manifest.paths | {f"{self._plan.folder}/{MANIFEST_NAME}"}
        there = files_below(self._top, self._top / self._plan.folder)
        unread = [iso for iso in self._plan.isos if self._is_left_alone(iso) and iso.path not in self._images]
        return Written(
            manifest=manifest,
            paths=frozenset(self._images),
            unread=frozenset(iso.path for iso in unread),
            older=frozenset(iso.path for iso in unread if not self._is_made_as_now(iso)),
            removed=removed,
            others=tuple(path for path in there if path not in known),
            bundles=tuple(
                one.relative_to(self._stick.path).as_posix()
                for base in roots(self._stick.path)
                for one in bundle_folders(base)
                if one != self._top / self._plan.folder
            ),
        )

    def _claim(self) -> None:
        self._write_manifest(self._manifest(complete=False))

    def _write_manifest(self, manifest: BundleManifest) -> None:
        write_file(self._top / self._plan.folder / MANIFEST_NAME, bundle_manifest_bytes(manifest))

    def _hide(self) -> None:
        """Takes an ISO out of ventoy.json before it changes, or its answers.

        After a cut, it would meet old answers in the shared layout, or new ones under a name with old disks,
        which it would have in the other, too.
        """
        is_shared = self._plan.layout is Layout.SHARED
        changed = any(is_shared or (self._top / path).exists() for path in self._images)
        if is_shared and not changed:
            changed = any(_content(self._top / one.path) != one.content for one in self._plan.files)
        if changed and self._ventoy_before:
            replace_or_remove(self._ventoy_json, without(self._ventoy_before, self._folder))

    def _write_isos(self, digests_begun: Digests) -> None:
        source = None if self._iso_sha256 else digests_begun.begin(unchanged(self._bundle.iso))
        for iso in self._plan.isos:
            if image := self._images.get(iso.path):
                digest = digests_begun.begin(image)
                with replaced_file(self._top / iso.path) as new:
                    write_image(image, new, self._observer, f"writing {title_of(iso.nodes)}")
                    self._read_back(new, image, iso)
                    sha256 = digest.result()
                self._iso_sha256 = source.result() if source else self._iso_sha256
                self._isos[iso.path] = BundleIso(
                    path=iso.path,
                    size=image.size,
                    sha256=sha256,
                    made_of=self._made_of(iso),
                    nodes=iso.nodes,
                )
                self._claim()

    def _read_back(self, new: Path, image: PreparedImage, iso: PreparedIso) -> None:
        """Raises NotAsWritten unless the medium has `image`."""
        path, done = self._top / iso.path, 0
        if _size(new) != image.size:
            raise NotAsWritten(path)
        for block, wanted in zip(blocks_on_medium(new), image_chunks(image), strict=True):
            # in this order: a memoryview compares byte by byte, 20 times as slow
            if wanted != block:
                raise NotAsWritten(path)
            done += len(block)
            self._observer(Progress(done, image.size, f"reading {title_of(iso.nodes)} back"))

    def _files(self) -> dict[str, bytes]:
        """The small files of a bundle whose ISOs are all there, by path."""
        files = {one.path: one.content for one in self._plan.files}
        isos = {path: one.sha256 for path, one in self._isos.items()}
        sums = isos | {path: _sha256(content) for path, content in files.items()}
        start = len(self._plan.folder) + 1
        lines = "".join(f"{sums[path]}  {path[start:]}\n" for path in sorted(sums))
        return files | {self._checksums: lines.encode()}

    def _remove_others(self, manifest: BundleManifest) -> tuple[str, ...]:
        """Removes what an earlier bundle had and this one has not; what of that was there."""
        known = self._earlier.paths if self._earlier else set()
        removed = tuple(path for path in sorted(known - manifest.paths) if remove_file(self._top / path))
        remove_empty_folders(self._top / self._plan.folder)
        return removed

    @property
    def _planned_paths(self) -> set[str]:
        plan = self._plan
        return {one.path for one in plan.isos} | {one.path for one in plan.files} | {self._checksums}

    def _manifest(self, *, complete: bool) -> BundleManifest:
        plan, iso = self._plan, self._bundle.iso
        files = self._files() if complete else {}
        claims = self._planned_paths | (self._earlier.paths if self._earlier else set())
        return BundleManifest(
            program_version=release.__version__,
            complete=complete,
            cluster=plan.cluster,
            proxmox_ve=self._bundle.proxmox_ve,
            layout=plan.layout,
            source=SourceIso(
                # a name that is no UTF-8 would make the manifest unreadable
                name=iso.path.name.encode("utf-8", "replace").decode(),
                release=f"{iso.release}-{iso.iso_release}",
                size=iso.size,
                sha256=self._iso_sha256,
            ),
            nodes=self._bundle.nodes,
            isos=tuple(self._isos[path] for path in sorted(self._isos)),
            files=tuple(
                BundleFile(path=path, size=len(content), sha256=_sha256(content))
                for path, content in sorted(files.items())
            ),
            claimed=() if complete else tuple(sorted(claims)),
        )


def earlier_bundle(stick: Stick, folder: str) -> BundleManifest | None:
    """The bundle in `folder` of `stick`; None where there is none, or its manifest is damaged.

    Raises UserError if it cannot be read.
    """
    with told_errors(stick.path):
        try:
            return read_bundle_manifest(stick.base / folder)
        except BadInput:
            # a cut may have damaged it; the new one takes its place
            return None


def node_digest(plan: NodePlan) -> str:
    """SHA-256 of what was planned for a node, but for what a local change would bring to it."""
    return _sha256(json.dumps(more_than_local(plan)).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0
