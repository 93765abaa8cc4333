"""GNU tar archives in memory, byte for byte what GNU tar 1.34 writes for files that belong to root.

The standard library's `tarfile` is not used: its headers for names longer than 100 bytes differ from GNU
tar's, and dpkg refuses the PAX headers that it writes by default.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

_BLOCK_BYTES = 512
_RECORD_BYTES = 20 * _BLOCK_BYTES
_NAME_BYTES = 100
_CHECKSUM_OFFSET = 148

_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s167s")
_ROOT = b"0000000"
_LONG_LINK = b"././@LongLink"


class Kind(Enum):
    """What an entry is, by its type flag in the header."""

    FILE = b"0"
    LINK = b"2"
    FOLDER = b"5"
    _LONG_TARGET = b"K"
    _LONG_NAME = b"L"


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of an archive. `name` ends in `/` for a folder; `target` is that of a symbolic link."""

    name: bytes
    kind: Kind
    mode: int
    content: bytes = field(default=b"", repr=False)
    target: bytes = b""


def tar_bytes(entries: Iterable[Entry], mtime: int) -> bytes:
    """The archive of `entries` in their order, all root's, modified at `mtime` (seconds since the epoch)."""
    blocks = [block for entry in entries for block in _blocks(entry, mtime)]
    return _padded(b"".join(blocks) + bytes(2 * _BLOCK_BYTES), _RECORD_BYTES)


def _blocks(entry: Entry, mtime: int) -> list[bytes]:
    blocks = []
    if len(entry.target) > _NAME_BYTES:
        blocks += _long(Kind._LONG_TARGET, entry.target)
    if len(entry.name) > _NAME_BYTES:
        blocks += _long(Kind._LONG_NAME, entry.name)
    return [*blocks, _header(entry, mtime), _padded(entry.content, _BLOCK_BYTES)]


def _long(kind: Kind, text: bytes) -> list[bytes]:
    content = text + b"\0"
    return [_header(Entry(_LONG_LINK, kind, 0o644, content), 0), _padded(content, _BLOCK_BYTES)]


def _header(entry: Entry, mtime: int) -> bytes:
    header = _HEADER.pack(
        entry.name[:_NAME_BYTES],
        b"%07o" % entry.mode,
        _ROOT,
        _ROOT,
        b"%011o" % len(entry.content),
        b"%011o" % mtime,
        b" " * 8,
        entry.kind.value,
        entry.target[:_NAME_BYTES],
        b"ustar  ",
        b"root",
        b"root",
        b"",
        b"",
        b"",
    )
    checksum = b"%06o\0 " % sum(header)
    return header[:_CHECKSUM_OFFSET] + checksum + header[_CHECKSUM_OFFSET + len(checksum) :]


def _padded(content: bytes, unit: int) -> bytes:
    return content + bytes(-len(content) % unit)
