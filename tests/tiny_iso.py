"""ISO 9660 images made in Python, for tests without programs: nothing boots from them."""

import struct
from collections.abc import Mapping
from pathlib import PurePosixPath

from tests.isos import cd_info

SECTOR = 2048
MODIFIED = "2026061109300000"

_DATE = bytes([126, 6, 11, 9, 30, 0, 0])


def tiny_iso(files: Mapping[str, bytes], volume: str = "PVE", modified: str = MODIFIED) -> bytes:
    """An image of `files`, by path without a leading `/`, with their names in Rock Ridge fields."""
    folders = sorted({str(parent) for path in files for parent in PurePosixPath(path).parents} | {"."})
    places, content = {}, bytearray()
    # a sector for each folder is enough for the few files of a test
    first = 18 + len(folders)
    for path, data in files.items():
        places[path] = (first + len(content) // SECTOR, len(data), 0)
        content += data + bytes(-len(data) % SECTOR)
    for number, folder in enumerate(folders):
        places[folder] = (18 + number, SECTOR, 2)
    trees = b"".join(_folder(folder, places) for folder in folders)
    sectors = first + len(content) // SECTOR
    return bytes(16 * SECTOR) + _descriptors(volume, modified, sectors, places["."]) + trees + bytes(content)


def tiny_proxmox_iso(release: str = "9.2", more: Mapping[str, bytes] | None = None) -> bytes:
    """As little as makes an ISO one of Proxmox VE that can be prepared."""
    files = {".cd-info": cd_info(release), "auto-installer-capable": b"", **(more or {})}
    return tiny_iso(files)


def _descriptors(volume: str, modified: str, sectors: int, root: tuple[int, int, int]) -> bytes:
    primary = bytearray(SECTOR)
    primary[:7] = b"\x01CD001\x01"
    primary[40:72] = volume.encode().ljust(32)
    primary[80:88] = _both(sectors)
    primary[156:190] = _record(b"\0", root)
    primary[813:829] = primary[830:846] = modified.encode()
    return bytes(primary) + b"\xffCD001\x01".ljust(SECTOR, b"\0")


def _folder(folder: str, places: Mapping[str, tuple[int, int, int]]) -> bytes:
    records = _record(b"\0", places[folder]) + _record(b"\1", places["."])
    inside = sorted(path for path in places if path != "." and str(PurePosixPath(path).parent) == folder)
    for number, path in enumerate(inside):
        name = PurePosixPath(path).name.encode()
        field = b"NM" + bytes([5 + len(name), 1, 0]) + name
        records += _record(b"F%07d" % number, places[path], field)
    assert len(records) <= SECTOR
    return records.ljust(SECTOR, b"\0")


def _record(identifier: bytes, place: tuple[int, int, int], field: bytes = b"") -> bytes:
    sector, size, flags = place
    tail = bytes([len(identifier)]) + identifier + bytes((len(identifier) + 1) % 2) + field
    tail += bytes(len(tail) % 2)
    head = _both(sector) + _both(size) + _DATE + bytes([flags, 0, 0]) + struct.pack("<H", 1) + b"\0\x01"
    return bytes([2 + len(head) + len(tail), 0]) + head + tail


def _both(value: int) -> bytes:
    return struct.pack("<I", value) + struct.pack(">I", value)
