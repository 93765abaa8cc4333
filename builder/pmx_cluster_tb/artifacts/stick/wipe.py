"""Taking a bundle off a stick: what it left, and nothing else.

Overwriting files before they are removed is not tried: flash memory writes somewhere else. Who must be sure
that the hashes are gone has to erase the whole stick.
"""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pmx_cluster_tb.artifacts.manifest import MANIFEST_NAME
from pmx_cluster_tb.artifacts.stick.files import (
    files_below,
    locked,
    remove_empty_folders,
    remove_file,
    replace_or_remove,
    sync_folder,
    temporaries,
    temporary,
    told_errors,
)
from pmx_cluster_tb.artifacts.stick.manifest import FOLDER_PREFIX, bundle_folders, read_bundle_manifest
from pmx_cluster_tb.artifacts.stick.place import refuse_links, roots
from pmx_cluster_tb.artifacts.stick.ventoy_json import PATH as VENTOY_JSON
from pmx_cluster_tb.artifacts.stick.ventoy_json import without
from pmx_cluster_tb.problems import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiped:
    """What was removed of the bundle in `folder`, and what stays there because no bundle made it.

    Paths are relative to the top of the stick, as `folder` is.
    """

    folder: str
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    ventoy_json: bool
    """Whether entries were taken out of ventoy.json, or the file away."""
    damaged: str = ""
    """Why it is not known what the bundle made; then no file of it was removed."""

    def as_json(self) -> dict[str, object]:
        """The fields as JSON values."""
        return asdict(self)


def wipe_bundles(stick: Path, folder: str | None = None) -> tuple[Wiped, ...]:
    """Removes the bundle in `folder` of `stick`, or every bundle.

    Raises BadInput, before anything is removed, if there is none or ventoy.json cannot be read, and UserError
    if something cannot be removed.
    """
    with told_errors(stick), locked(stick):
        there = [one for base in roots(stick) for one in bundle_folders(base)]
        folders = [one for one in there if folder in (None, one.name)]
        if not folders:
            raise _nothing_to_wipe(stick, folder, there)
        for one in folders:
            refuse_links(stick, one.relative_to(stick))
        entries = {one: _remove_entries(stick, one.relative_to(stick).as_posix()) for one in folders}
        return tuple(_wipe(stick, one, ventoy_json=entries[one]) for one in folders)


def _nothing_to_wipe(stick: Path, folder: str | None, there: Sequence[Path]) -> BadInput:
    if not there and (unseen := _where_ventoy_does_not_look(stick)):
        folders = ", ".join(f"`{one.relative_to(stick).as_posix()}`" for one in unseen)
        return BadInput(
            f"`{stick}` has bundles with secrets where Ventoy is told to look no more: {folders}",
            f"`pmx-cluster-tb bundle --wipe --out {shlex.quote(str(unseen[0].parent))}` removes it",
        )
    if not there:
        return BadInput(f"there is no bundle on `{stick}`", "name the folder where the stick is mounted")
    others = ", ".join(f"`{one.relative_to(stick).as_posix()}`" for one in there)
    return BadInput(
        f"there is no bundle `{folder}` on `{stick}`, but {others}",
        f"`pmx-cluster-tb bundle --wipe --out {shlex.quote(str(stick))}` removes every bundle",
    )


def _where_ventoy_does_not_look(stick: Path) -> list[Path]:
    """Bundles one or two folders down, as a search root had them, which ventoy.json no longer names."""
    patterns = (f"*/{FOLDER_PREFIX}*", f"*/*/{FOLDER_PREFIX}*")
    bases = sorted({path.parent for pattern in patterns for path in stick.glob(pattern)})
    return [folder for base in bases for folder in bundle_folders(base)]


def _remove_entries(stick: Path, folder: str) -> bool:
    path = stick / VENTOY_JSON
    remove_file(temporary(path))
    if not path.exists():
        return False
    before = path.read_bytes()
    after = without(before, folder)
    replace_or_remove(path, after)
    if after is None:
        # only an empty one goes
        with suppress(OSError):
            path.parent.rmdir()
    return after != before


def _wipe(stick: Path, folder: Path, *, ventoy_json: bool) -> Wiped:
    name = folder.relative_to(stick).as_posix()
    try:
        manifest = read_bundle_manifest(folder)
    except BadInput as error:
        kept = files_below(stick, folder)
        return Wiped(folder=name, removed=(), kept=kept, ventoy_json=ventoy_json, damaged=error.message)
    mine = {path.relative_to(stick).as_posix() for path in temporaries(folder)}
    above = name[: -len(folder.name)]
    mine |= {above + path for path in manifest.paths} if manifest else set()
    # the manifest last: a second run finds what a first one did not come to
    paths = [*sorted(mine), f"{name}/{MANIFEST_NAME}"]
    removed = tuple(path for path in paths if remove_file(stick / path))
    # what macOS puts beside files
    for path in paths:
        remove_file((stick / path).with_name(f"._{Path(path).name}"))
    remove_file(folder / ".DS_Store")
    kept = files_below(stick, folder)
    remove_empty_folders(folder)
    sync_folder(stick)
    return Wiped(folder=name, removed=removed, kept=kept, ventoy_json=ventoy_json)
