"""Digests of files as the medium has them, not as the memory remembers them.

A stick that lies about its size, or is worn, takes every write without an error. What became of them shows
only when they are read again after the kernel has forgotten them.
"""

import fcntl
import hashlib
import mmap
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pmx_cluster_tb.artifacts.iso.image import CHUNK_BYTES
from pmx_cluster_tb.progress import Observer, Progress

_DIRECT = getattr(os, "O_DIRECT", 0)
_NO_CACHE = getattr(fcntl, "F_NOCACHE", None)


def sha256_of(path: Path, observer: Observer, doing: str) -> str:
    """SHA-256 of a file, from wherever the kernel has it. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        total, done = os.fstat(file.fileno()).st_size, 0
        block = bytearray(CHUNK_BYTES)
        while count := file.readinto(block):
            digest.update(memoryview(block)[:count])
            done += count
            observer(Progress(done, total, doing))
    return digest.hexdigest()


def sha256_on_medium(path: Path, observer: Observer, doing: str) -> str:
    """SHA-256 of a file that was synced, as it can be read from the medium. Raises OSError."""
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    for block in blocks_on_medium(path):
        digest.update(block)
        done += len(block)
        observer(Progress(done, total, doing))
    return digest.hexdigest()


def blocks_on_medium(path: Path) -> Iterator[memoryview]:
    """The content of a file that was synced, 4 MiB at a time; a block is gone when the next one is asked for.

    The kernel is told to forget its copy, and where the file system reads directly, is not asked for one
    either. Raises OSError.
    """
    size = path.stat().st_size
    # its memory begins at a page, as direct reading demands
    with mmap.mmap(-1, CHUNK_BYTES) as memory, memoryview(memory) as buffer:
        descriptor, count = _opened(path, buffer)
        try:
            done = 0
            while count:
                # never a read at the end: its offset would be none that direct reading takes
                while count < min(CHUNK_BYTES, size - done) and (
                    more := os.readv(descriptor, [buffer[count:]])
                ):
                    count += more
                done += count
                with buffer[:count] as block:
                    yield block
                count = os.readv(descriptor, [buffer]) if done < size else 0
        finally:
            os.close(descriptor)


def _opened(path: Path, buffer: memoryview) -> tuple[int, int]:
    """The open file, and how much of its beginning is in `buffer`."""
    if _DIRECT:
        # tmpfs and some FUSE drivers know no direct reading; an error of the medium comes back below
        with suppress(OSError):
            return _opened_with(path, _DIRECT, buffer)
    return _opened_with(path, 0, buffer)


def _opened_with(path: Path, flags: int, buffer: memoryview) -> tuple[int, int]:
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        if _NO_CACHE is not None:
            fcntl.fcntl(descriptor, _NO_CACHE, 1)
        else:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return descriptor, os.readv(descriptor, [buffer])
    except OSError:
        os.close(descriptor)
        raise
