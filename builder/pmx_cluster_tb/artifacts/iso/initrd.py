"""The members of an initrd: cpio archives in the "newc" form, one after the other, packed or not.

The kernel unpacks them in turn (`Documentation/driver-api/early-userspace/buffer-format.rst`): a plain one
with microcode may come before the packed one.
"""

import zlib
from collections.abc import Collection, Iterator

_NEWC = (b"070701", b"070702")
_HEADER_BYTES = 110
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_TRAILER = "TRAILER!!!"
_LARGEST_BYTES = 1024 * 1024 * 1024
"""Of an unpacked archive."""
_CHUNK_BYTES = 64 * 1024


class BadInitrd(Exception):
    """What is no initrd that this program can read; the message says what was found."""


def initrd_members(initrd: bytes, names: Collection[str]) -> dict[str, bytes]:
    """What the files `names` (`/init`) of the initrd hold; those that it has not are left out.

    Of two with one name the last counts, as for the kernel. Raises BadInitrd.
    """
    wanted = {name.strip("/"): name for name in names}
    found: dict[str, bytes] = {}
    for archive in _archives(initrd):
        for name, content in _members(archive):
            plain = name.removeprefix("./").strip("/")
            if plain in wanted:
                found[wanted[plain]] = bytes(content)
    return found


def _archives(initrd: bytes) -> Iterator[memoryview]:
    rest = memoryview(initrd)
    while rest:
        if rest[0] == 0:
            # padding between archives
            rest = rest[len(rest) - len(bytes(rest).lstrip(b"\0")) :]
        elif bytes(rest[:6]) in _NEWC:
            end = _end_of_archive(rest)
            yield rest[:end]
            rest = rest[end:]
        else:
            unpacked, rest = _unpacked(rest)
            yield from _archives(unpacked)


def _unpacked(packed: memoryview) -> tuple[bytes, memoryview]:
    """The first packed stream, and what comes after it."""
    if bytes(packed[:2]) == _GZIP:
        return _gunzipped(packed)
    if bytes(packed[:4]) == _ZSTD:
        return _unzstd(packed)
    raise BadInitrd(f"begins with `{bytes(packed[:6]).hex(' ')}`, which is neither cpio nor gzip nor zstd")


def _gunzipped(packed: memoryview) -> tuple[bytes, memoryview]:
    stream = zlib.decompressobj(wbits=31)
    try:
        unpacked = stream.decompress(packed, _LARGEST_BYTES)
    except zlib.error as error:
        raise BadInitrd(f"its gzip stream is damaged: {error}") from error
    if not stream.eof:
        raise BadInitrd(_cut_or_large(len(unpacked)))
    return unpacked, packed[len(packed) - len(stream.unused_data) :]


def _unzstd(packed: memoryview) -> tuple[bytes, memoryview]:
    # takes a while to import, and little that runs needs it
    import zstandard  # noqa: PLC0415

    stream = zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj()
    unpacked = bytearray()
    position = 0
    try:
        while not stream.eof and position < len(packed) and len(unpacked) < _LARGEST_BYTES:
            unpacked += stream.decompress(packed[position : position + _CHUNK_BYTES])
            position += _CHUNK_BYTES
    except zstandard.ZstdError as error:
        raise BadInitrd(f"its zstd stream is damaged: {error}") from error
    if not stream.eof or len(unpacked) > _LARGEST_BYTES:
        raise BadInitrd(_cut_or_large(len(unpacked)))
    return bytes(unpacked), packed[min(position, len(packed)) - len(stream.unused_data) :]


def _cut_or_large(size: int) -> str:
    return f"is larger than {_LARGEST_BYTES} bytes" if size >= _LARGEST_BYTES else "is cut off"


def _members(archive: memoryview) -> Iterator[tuple[str, memoryview]]:
    position = 0
    while True:
        name, start, end = _member(archive, position)
        if name == _TRAILER:
            return
        yield name, archive[start:end]
        position = _aligned(end)


def _end_of_archive(archive: memoryview) -> int:
    position = 0
    while True:
        name, _, end = _member(archive, position)
        position = _aligned(end)
        if name == _TRAILER:
            return position


def _member(archive: memoryview, position: int) -> tuple[str, int, int]:
    """The name of the member at `position`, and where its content begins and ends."""
    header = bytes(archive[position : position + _HEADER_BYTES])
    if len(header) < _HEADER_BYTES or header[:6] not in _NEWC:
        raise BadInitrd("its cpio archive has no end")
    try:
        size, name_size = int(header[54:62], 16), int(header[94:102], 16)
    except ValueError as error:
        raise BadInitrd("its cpio archive has a header that is no number") from error
    name_start = position + _HEADER_BYTES
    start = _aligned(name_start + name_size)
    if start + size > len(archive):
        raise BadInitrd("its cpio archive is cut off")
    name = bytes(archive[name_start : name_start + name_size]).rstrip(b"\0").decode("utf-8", "replace")
    return name, start, start + size


def _aligned(position: int) -> int:
    return -(-position // 4) * 4
