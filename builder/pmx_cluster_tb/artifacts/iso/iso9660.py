"""ISO 9660 images with Rock Ridge names: their volume and where their files lie (ECMA-119, SUSP, RRIP).

Read without a program, because a file must be looked at before it is clear that it is an ISO at all.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

SECTOR_BYTES = 2048
MAGIC_OFFSET = 32769
MAGIC = b"CD001"

ReadAt = Callable[[int, int], bytes]
"""The bytes at an offset, of a length; fewer at the end."""

_VOLUME_OFFSET = 16 * SECTOR_BYTES
_BOOT_RECORD_OFFSET = 17 * SECTOR_BYTES
_EL_TORITO = b"EL TORITO SPECIFICATION"
_FOLDER, _MORE_EXTENTS = 0x02, 0x80
_ROOT_RECORD = 156
_MOST_ENTRIES = 200_000
_LARGEST_FOLDER_BYTES = 16 * 1024 * 1024
_FIXED_RECORD_BYTES = 33


class Damaged(Exception):
    """The structure of an ISO contradicts itself."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes of the image that belong together."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What the primary volume descriptor says. `size` in bytes; dates as 16 digits: year to 1/100 s."""

    name: str
    size: int
    created: str
    modified: str
    """GRUB takes this date for the UUID of the file system."""
    root: Extent
    root_modified: datetime
    """Of the root folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or folder of the tree; `path` begins with `/`."""

    path: str
    is_folder: bool
    extents: tuple[Extent, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(extent.size for extent in self.extents)


@dataclass(frozen=True, slots=True)
class _Record:
    name: str
    flags: int
    extent: Extent


def read_volume(read: ReadAt) -> Volume:
    """The volume of the image. Raises Damaged if its first descriptor is not the primary one."""
    descriptor = read(_VOLUME_OFFSET, SECTOR_BYTES)
    if len(descriptor) < SECTOR_BYTES or descriptor[:7] != b"\x01" + MAGIC + b"\x01":
        raise Damaged("the primary volume descriptor is not where it must be")
    return Volume(
        name=_text(descriptor[40:72]),
        size=_u32(descriptor, 80) * SECTOR_BYTES,
        created=_text(descriptor[813:829]),
        modified=_text(descriptor[830:846]),
        root=_extent(descriptor, _ROOT_RECORD),
        root_modified=_date(descriptor[_ROOT_RECORD + 18 : _ROOT_RECORD + 25]),
    )


def entries(read: ReadAt, volume: Volume) -> Iterator[Entry]:
    """Every file and folder below the root, folders before what is in them. Raises Damaged."""
    folders = [("", volume.root)]
    seen = {volume.root.offset}
    count = 0
    while folders:
        path, extent = folders.pop()
        for entry in _folder_entries(read, path, extent):
            yield entry
            count += 1
            if count > _MOST_ENTRIES:
                raise Damaged("it has more files than any installation medium")
            if entry.is_folder:
                (own,) = entry.extents
                if own.offset in seen:
                    raise Damaged(f"the folder `{entry.path}` contains itself")
                seen.add(own.offset)
                folders.append((entry.path, own))


def find(read: ReadAt, volume: Volume, path: str) -> Entry | None:
    """The entry at `path`, which begins with `/`. Raises Damaged."""
    here, folder = "", volume.root
    *parents, last = path.strip("/").split("/")
    for name in parents:
        entry = _child(read, here, folder, name)
        if entry is None or not entry.is_folder:
            return None
        here, folder = entry.path, entry.extents[0]
    return _child(read, here, folder, last)


def content(read: ReadAt, entry: Entry) -> bytes:
    """What the file `entry` holds. Raises Damaged if the image ends before it."""
    parts = [read(extent.offset, extent.size) for extent in entry.extents]
    if sum(map(len, parts)) != entry.size:
        raise Damaged(f"it ends before the end of `{entry.path}`")
    return b"".join(parts)


def boot_image_offsets(read: ReadAt) -> frozenset[int]:
    """Where the boot images that the El Torito catalog names begin; perhaps others too."""
    record = read(_BOOT_RECORD_OFFSET, SECTOR_BYTES)
    if record[7 : 7 + len(_EL_TORITO)] != _EL_TORITO:
        return frozenset()
    catalog = read(_u32(record, 0x47) * SECTOR_BYTES, SECTOR_BYTES)
    return frozenset(_u32(catalog, start + 8) * SECTOR_BYTES for start in range(0, len(catalog) - 31, 32))


def _child(read: ReadAt, path: str, folder: Extent, name: str) -> Entry | None:
    return next(
        (entry for entry in _folder_entries(read, path, folder) if entry.path == f"{path}/{name}"), None
    )


def _folder_entries(read: ReadAt, path: str, folder: Extent) -> Iterator[Entry]:
    extents: list[Extent] = []
    for record in _records(read, folder):
        extents.append(record.extent)
        if record.flags & _MORE_EXTENTS:
            continue
        yield Entry(
            path=f"{path}/{record.name}", is_folder=bool(record.flags & _FOLDER), extents=tuple(extents)
        )
        extents = []


def _records(read: ReadAt, folder: Extent) -> Iterator[_Record]:
    """The records of a folder, but for itself and the one above it."""
    if folder.size > _LARGEST_FOLDER_BYTES:
        raise Damaged("a folder is larger than any installation medium has")
    data = read(folder.offset, folder.size)
    if len(data) < folder.size:
        raise Damaged("it ends within a folder")
    position = 0
    while position < len(data):
        length = data[position]
        if length == 0:
            # no record crosses a sector
            position = (position // SECTOR_BYTES + 1) * SECTOR_BYTES
            continue
        record = data[position : position + length]
        position += length
        if length <= _FIXED_RECORD_BYTES or length < _FIXED_RECORD_BYTES + record[32]:
            raise Damaged("a folder has a record that is too short")
        identifier = record[33 : 33 + record[32]]
        if identifier not in {b"\0", b"\1"}:
            yield _Record(_name(read, record, identifier), record[25], _extent(record, 0))


def _name(read: ReadAt, record: bytes, identifier: bytes) -> str:
    after = _FIXED_RECORD_BYTES + len(identifier)
    found = _rock_ridge_name(read, record[after + after % 2 :])
    return found or identifier.decode("ascii", "replace").partition(";")[0]


def _rock_ridge_name(read: ReadAt, area: bytes) -> str:
    """The alternate name of a system use area: its NM fields, and those of the areas that it continues in."""
    name, areas = b"", 0
    while area:
        following = b""
        while len(area) >= 4 and 4 <= area[2] <= len(area):
            signature, length = area[:2], area[2]
            if signature == b"NM":
                name += area[5:length]
            elif signature == b"CE" and length >= 28:
                following = read(_u32(area, 4) * SECTOR_BYTES + _u32(area, 12), _u32(area, 20) % 65536)
            area = area[length:]
        areas += 1
        if areas > 100:
            raise Damaged("the name of a file has no end")
        area = following
    name_text = name.decode("utf-8", "replace")
    if "/" in name_text:
        raise Damaged("the name of a file has a slash")
    return name_text


def _extent(record: bytes, start: int) -> Extent:
    return Extent(_u32(record, start + 2) * SECTOR_BYTES, _u32(record, start + 10))


def _date(field: bytes) -> datetime:
    """A date of a record: year since 1900, ..., and the zone in quarters of an hour."""
    *numbers, zone = struct.unpack("6Bb", field)
    try:
        return datetime(
            1900 + numbers[0],
            *numbers[1:],
            tzinfo=timezone(timedelta(minutes=15 * zone)),  # type: ignore[misc]
        )
    except (ValueError, OverflowError) as error:
        raise Damaged("a folder has a date that is none") from error


def _u32(data: bytes, start: int) -> int:
    if len(data) < start + 4:
        raise Damaged("it ends within a number")
    return int(struct.unpack_from("<I", data, start)[0])


def _text(data: bytes) -> str:
    return data.decode("ascii", "replace").rstrip(" \0")
