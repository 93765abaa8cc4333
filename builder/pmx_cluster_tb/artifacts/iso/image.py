"""A prepared ISO as a value: the downloaded one, and the bytes that differ from it.

xorriso adds files by appending a session and changing the volume descriptors; it reads the structure of the
ISO, and no content of files but the boot images'. So it works on a stand-in for the ISO in which the content
of larger files is a hole: what it changes there is what it would change in a copy of the ISO. The copy itself
can then be written from its first byte to its last, its size and checksum are known before, and a stick never
meets a program that writes here and there.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import gettempdir

from pmx_cluster_tb.artifacts.iso.iso9660 import (
    SECTOR_BYTES,
    Damaged,
    Entry,
    Extent,
    ReadAt,
    boot_image_offsets,
    content,
    entries,
    read_volume,
)
from pmx_cluster_tb.artifacts.iso.private_folder import private_folder
from pmx_cluster_tb.artifacts.iso.read import Iso, read_at
from pmx_cluster_tb.plan.bundle import MEMBER_MODES
from pmx_cluster_tb.problems import UserError
from pmx_cluster_tb.process import run

CHUNK_BYTES = 4 * 1024 * 1024
"""Of what `image_chunks` gives."""

_HOLE_BYTES = 64 * 1024
"""The content of files of this size and more is left out of the stand-in."""
_COMPARED_BYTES = 1024 * 1024
_SAME_FILE_BYTES = 1024 * 1024
_AT_ONCE = 4
"""Runs of xorriso, which spends most of its time waiting."""
_TIMEOUT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes of a prepared ISO that are not those of its source. They hold answers, which are secrets."""

    offset: int
    content: bytes = field(repr=False)

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.offset + len(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedImage:
    """`source` with `patches`, which are sorted and apart from each other. `size` in bytes."""

    source: Iso
    size: int
    patches: tuple[Patch, ...]


def unchanged(iso: Iso) -> PreparedImage:
    """`iso` as it is."""
    return PreparedImage(source=iso, size=iso.size, patches=())


def prepared_images(iso: Iso, contents: Iterable[Mapping[str, bytes]]) -> tuple[PreparedImage, ...]:
    """For each of `contents`, `iso` with these files (`answer.toml`) in its root; nothing is written to it.

    The same ISO and content give the same image, and what the ISO had stays as it is, boot records,
    partitions and the UUID too; that is checked here. Raises ProgramMissing if there is no xorriso, and
    UserError if the image cannot be made.
    """
    try:
        with (
            iso.path.open("rb", buffering=0) as file,
            private_folder() as folder,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            source = _Source.of(iso, file.fileno())
            folders = (folder / str(number) for number in count())
            return tuple(pool.map(partial(_image, source), contents, folders))
    except Damaged as damaged:
        raise UserError(f"xorriso cannot prepare `{iso.path}`: {damaged}") from damaged
    except OSError as error:
        # not the target's: nothing is written there yet
        message = f"cannot prepare `{iso.path}` in `{gettempdir()}`: {error.strerror or error}"
        raise UserError(message, "`TMPDIR` names another folder for temporary files") from error


def image_chunks(image: PreparedImage, start: int = 0) -> Iterator[bytearray]:
    """The bytes of the image from offset `start` on; a chunk is gone when the next one is asked for.

    Raises UserError at the end if the source was changed since it was looked at, and OSError.
    """
    with image.source.path.open("rb", buffering=0) as file:
        chunk = bytearray(CHUNK_BYTES)
        for piece in _pieces(Extent(start, image.size - start), CHUNK_BYTES):
            # only the last one is shorter; what is behind the source is a patch
            del chunk[piece.size :]
            _read_into(file.fileno(), chunk, piece.offset)
            lay_patches(chunk, piece.offset, image.patches)
            yield chunk
        refuse_changed(image.source, file.fileno())


def _read_into(descriptor: int, chunk: bytearray, offset: int) -> None:
    """Fills `chunk` with what the file has at `offset`, as far as it has."""
    with memoryview(chunk) as left:
        done = 0
        while count := os.preadv(descriptor, [left[done:]], offset + done):
            done += count


def refuse_changed(iso: Iso, descriptor: int) -> None:
    """Raises UserError if the open file is not as it was when `iso` was read."""
    status = os.fstat(descriptor)
    if (status.st_size, status.st_mtime_ns) != (iso.size, iso.modified_ns):
        raise UserError(f"`{iso.path}` was changed while it was copied", "run the command again")


@dataclass(frozen=True, slots=True)
class _Source:
    iso: Iso
    read: ReadAt
    entries: Mapping[str, Entry]
    """Of its tree, by path."""
    kept: tuple[Extent, ...]
    """What of it is in stand-ins; between them are holes."""

    @classmethod
    def of(cls, iso: Iso, descriptor: int) -> "_Source":
        """The open file `descriptor` of `iso`."""
        read = read_at(descriptor)
        tree = {entry.path: entry for entry in entries(read, iso.volume)}
        return cls(iso, read, tree, tuple(_kept(read, iso, tree.values())))

    def write_stand_in(self, path: Path) -> None:
        """Writes the ISO with holes."""
        with path.open("xb") as file:
            for extent in self.kept:
                for piece in _pieces(extent):
                    file.seek(piece.offset)
                    file.write(self.read(piece.offset, piece.size))
            file.truncate(self.iso.size)


def _image(source: _Source, files: Mapping[str, bytes], folder: Path) -> PreparedImage:
    """The source with `files`, made in `folder`."""
    folder.mkdir()
    stand_in = folder / "iso"
    source.write_stand_in(stand_in)
    run(_xorriso(source.iso, stand_in, _disk_files(files, folder)), timeout=_TIMEOUT)
    with stand_in.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        patches = tuple(_differences(source, read_at(file.fileno()), size))
    image = PreparedImage(source=source.iso, size=size, patches=patches)
    _check_patches(source, patches)
    _check_tree(source, _patched(source.read, image), files)
    return image


def _differences(source: _Source, read: ReadAt, size: int) -> Iterator[Patch]:
    """What a stand-in of `size` bytes holds, which `read` reads, and the source does not."""
    end = source.iso.size
    begun, start = bytearray(), 0
    for offset in _changed_sectors(source, read):
        if begun and offset != start + len(begun):
            yield Patch(start, bytes(begun))
            begun.clear()
        start = start if begun else offset
        begun += read(offset, min(SECTOR_BYTES, end - offset))
    if begun:
        yield Patch(start, bytes(begun))
    yield Patch(end, read(end, size - end))


def _changed_sectors(source: _Source, read: ReadAt) -> Iterator[int]:
    for extent in source.kept:
        for piece in _pieces(extent):
            before, after = (one(piece.offset, piece.size) for one in (source.read, read))
            if before == after:
                continue
            for at in range(0, piece.size, SECTOR_BYTES):
                if before[at : at + SECTOR_BYTES] != after[at : at + SECTOR_BYTES]:
                    yield piece.offset + at


def _kept(read: ReadAt, iso: Iso, tree: Iterable[Entry]) -> Iterator[Extent]:
    """All of the ISO but the content of larger files, in whole sectors."""
    boot_images = boot_image_offsets(read)
    holes = sorted(
        (extent.offset, extent.end // SECTOR_BYTES * SECTOR_BYTES)
        for entry in tree
        if not entry.is_folder
        for extent in entry.extents
        if extent.size >= _HOLE_BYTES and extent.offset not in boot_images
    )
    start = 0
    for hole_start, hole_end in holes:
        if hole_start > start:
            yield Extent(start, hole_start - start)
        start = max(start, hole_end)
    yield Extent(start, iso.size - start)


def _pieces(extent: Extent, size: int = _COMPARED_BYTES) -> Iterator[Extent]:
    for offset in range(extent.offset, extent.end, size):
        yield Extent(offset, min(size, extent.end - offset))


def _disk_files(files: Mapping[str, bytes], folder: Path) -> dict[str, Path]:
    """Where in `folder` each of `files` is, for xorriso to read."""
    paths = {name: folder / f"file-{number}" for number, name in enumerate(sorted(files))}
    for name, path in paths.items():
        path.write_bytes(files[name])
    return paths


def _xorriso(iso: Iso, image: Path, files: Mapping[str, Path]) -> list[str | Path]:
    """One run that adds `files`, and stamps them with the date of the ISO."""
    volume, seconds = iso.volume, f"={_seconds(iso.volume.modified)}"
    names = [f"/{name}" for name in files]
    command: list[str | Path] = ["xorriso", "-no_rc", "-abort_on", "FAILURE", "-stdio_sync", "off"]
    command += ["-boot_image", "any", "keep", "-dev", image]
    command += ["-volume_date", "uuid", volume.modified, "-volume_date", "c", volume.created]
    for name, path in zip(names, files.values(), strict=True):
        command += ["-map", path, name]
    command += ["-chown", "0", *names, "--", "-chgrp", "0", *names, "--"]
    for name in files:
        # what is not known is root's alone, as the installer is
        command += ["-chmod", f"{MEMBER_MODES.get(name, 0o600):04o}", f"/{name}", "--"]
    root_seconds = f"={volume.root_modified.timestamp():.0f}"
    for times in ("b-c", "c"):
        command += [
            "-alter_date",
            times,
            seconds,
            *names,
            "--",
            "-alter_date",
            times,
            root_seconds,
            "/",
            "--",
        ]
    return [*command, "-commit"]


def _seconds(date: str) -> int:
    try:
        return int(datetime.strptime(date[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise Damaged("its volume has no date of modification") from error


def _check_patches(source: _Source, patches: Sequence[Patch]) -> None:
    """Raises Damaged if a patch lies on a file of the source."""
    for path, entry in source.entries.items():
        for extent in () if entry.is_folder else entry.extents:
            if any(patch.offset < extent.end and extent.offset < patch.end for patch in patches):
                raise Damaged(f"`{path}` would change")


def _check_tree(source: _Source, after: ReadAt, files: Mapping[str, bytes]) -> None:
    """Raises Damaged unless the prepared ISO is the source with `files`."""
    volume, before = read_volume(after), source.iso.volume
    if (volume.name, volume.modified) != (before.name, before.modified):
        raise Damaged("the name or UUID of the volume would change")
    new = {entry.path: entry for entry in entries(after, volume)}
    for name, wanted in files.items():
        entry = new.pop(f"/{name}", None)
        if entry is None or content(after, entry) != wanted:
            raise Damaged(f"`/{name}` would not be in it")
    old = {path: entry for path, entry in source.entries.items() if path[1:] not in files}
    if new.keys() != old.keys():
        raise Damaged(f"it would not hold the same files: {sorted(new.keys() ^ old.keys())[:5]}")
    for path, entry in old.items():
        # the boot catalog is written anew, with the same content
        moved = not entry.is_folder and new[path].extents != entry.extents
        if moved and (
            entry.size > _SAME_FILE_BYTES or content(source.read, entry) != content(after, new[path])
        ):
            raise Damaged(f"`{path}` would change")


def _patched(read: ReadAt, image: PreparedImage) -> ReadAt:
    """Reads the image, of whose source `read` reads."""

    def patched(offset: int, length: int) -> bytes:
        length = max(0, min(length, image.size - offset))
        data = bytearray(read(offset, length).ljust(length, b"\0"))
        lay_patches(data, offset, image.patches)
        return bytes(data)

    return patched


def lay_patches(data: bytearray | memoryview, offset: int, patches: Sequence[Patch]) -> None:
    """Makes of `data`, which is at `offset` in the source, what it is in the image."""
    end = offset + len(data)
    for patch in patches:
        start, stop = max(offset, patch.offset), min(end, patch.end)
        if start < stop:
            data[start - offset : stop - offset] = patch.content[start - patch.offset : stop - patch.offset]
