"""Writing a prepared ISO to a new file, as fast as the file system can.

Where it can, the file shares the blocks of the source; else the kernel copies them, and only where that is
impossible too do they pass through this program. What differs from the source is written over it last.
"""

import errno
import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

from pmx_cluster_tb.artifacts.iso.image import PreparedImage, refuse_changed
from pmx_cluster_tb.problems import UserError
from pmx_cluster_tb.progress import Observer, Progress

_FICLONE = 0x40049409  # linux/fs.h
_PIECE_BYTES = 8 * 1024 * 1024
_SYNCED_BYTES = 64 * 1024 * 1024
"""So much is left to the kernel at most, or the memory fills, and the progress tells of memory."""
_BUFFER_BYTES = 1024 * 1024
_UNABLE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM, errno.EIO}


def write_image(image: PreparedImage, path: Path, observer: Observer, doing: str) -> None:
    """Writes `image` to the new file `path`, for its owner alone, and has it on the disk at the end.

    The observer is told of bytes. Raises OSError, and UserError if the source was changed meanwhile; what is
    at `path` is then unfinished.
    """
    observer(Progress(0, image.size, doing))
    with image.source.path.open("rb", buffering=0) as source:
        target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if not _is_cloned(source.fileno(), target):
                _copy(source.fileno(), target, image, observer, doing)
            for patch in image.patches:
                _write_all(target, patch.content, patch.offset)
            refuse_changed(image.source, source.fileno())
            os.truncate(target, image.size)
            os.fsync(target)
        finally:
            os.close(target)
    observer(Progress(image.size, image.size, ""))


def _is_cloned(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def _copy(source: int, target: int, image: PreparedImage, observer: Observer, doing: str) -> None:
    size = image.source.size
    for offset in range(0, size, _PIECE_BYTES):
        end = min(offset + _PIECE_BYTES, size)
        _copy_piece(source, target, offset, end)
        _begin_writing(target, offset, end)
        if end % _SYNCED_BYTES == 0:
            os.fsync(target)
        observer(Progress(end, image.size, doing))


def _copy_piece(source: int, target: int, offset: int, end: int) -> None:
    while offset < end:
        copied = _copied_by_kernel(source, target, offset, end - offset) or _copied(
            source, target, offset, end - offset
        )
        if copied == 0:
            raise UserError("the ISO became shorter while it was copied", "run the command again")
        offset += copied


def _copied_by_kernel(source: int, target: int, offset: int, length: int) -> int:
    """So many bytes were copied without coming here; 0 if that cannot be done."""
    if sys.platform != "linux":
        return 0
    try:
        return os.copy_file_range(source, target, length, offset, offset)
    except OSError as error:
        if error.errno in _UNABLE:
            return 0
        raise


def _copied(source: int, target: int, offset: int, length: int) -> int:
    data = os.pread(source, min(length, _BUFFER_BYTES), offset)
    _write_all(target, data, offset)
    return len(data)


def _begin_writing(target: int, offset: int, end: int) -> None:
    """Has Linux write these bytes to the disk from now on, not when it is full of them."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.posix_fadvise(target, offset, end - offset, os.POSIX_FADV_DONTNEED)


def _write_all(target: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(target, rest, offset)
        offset, rest = offset + written, rest[written:]
