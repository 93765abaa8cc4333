"""Writing prepared ISOs to files: each appears whole or not at all.

Where the file system can, the files share the blocks of the source; elsewhere it is read once for all.
A file is written under another name beside its own; what a killed run left there, the next one writes over.
"""

import errno
import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pmx_cluster_tb.artifacts.iso_image import PreparedImage, refuse_changed
from pmx_cluster_tb.artifacts.swap import sync
from pmx_cluster_tb.problems import UserError
from pmx_cluster_tb.progress import Observer, Progress, unobserved

UNFINISHED_SUFFIX = ".pmx-new"
"""Of the name under which a file is written."""

_FICLONE = 0x40049409  # linux/fs.h
_PIECE_BYTES = 32 * 1024 * 1024
_BUFFER_BYTES = 1024 * 1024
_UNABLE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM, errno.EIO}


@dataclass(frozen=True, slots=True)
class _Target:
    path: Path
    descriptor: int
    image: PreparedImage


def write_images(images: Mapping[Path, PreparedImage], observer: Observer = unobserved) -> None:
    """Makes a file of each of `images`, which have one source; readable for their owner alone.

    All are whole on the disk when the first of them gets its name, which may be that of an older file. The
    observer is told of bytes. Raises UserError and OSError; then no file has been changed.
    """
    if not images:
        return
    (source,) = {image.source.path for image in images.values()}
    with ExitStack() as stack:
        descriptor = stack.enter_context(source.open("rb", buffering=0)).fileno()
        targets = [stack.enter_context(_unfinished(path, image)) for path, image in images.items()]
        copied = [target for target in targets if not _is_cloned(descriptor, target)]
        _copy(descriptor, copied, observer)
        for target in targets:
            _finish(target)
        refuse_changed(targets[0].image.source, descriptor)
        for target in targets:
            _unfinished_path(target.path).replace(target.path)
        for folder in {target.path.parent for target in targets}:
            sync(folder)


def _unfinished_path(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED_SUFFIX)


@contextmanager
def _unfinished(path: Path, image: PreparedImage) -> Iterator[_Target]:
    """A file for `image`, empty and private, that is gone at the end unless it got its final name."""
    unfinished = _unfinished_path(path)
    descriptor = _open_alone(unfinished, path)
    try:
        os.fchmod(descriptor, 0o600)
        os.truncate(descriptor, 0)
        yield _Target(path, descriptor, image)
    finally:
        with suppress(OSError):
            if _is_open_as(unfinished, descriptor):
                unfinished.unlink()
        os.close(descriptor)


def _open_alone(unfinished: Path, path: Path) -> int:
    while True:
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if unfinished.exists() and _is_open_as(unfinished, descriptor):
                return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            raise UserError(f"another run is writing `{path}`", "wait for it") from error
        except BaseException:
            os.close(descriptor)
            raise
        # the run that had it open has finished it, and it is not ours to change
        os.close(descriptor)


def _is_open_as(path: Path, descriptor: int) -> bool:
    return os.path.samestat(os.fstat(descriptor), path.stat())


def _is_cloned(source: int, target: _Target) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target.descriptor, _FICLONE, source)
    except OSError:
        return False
    return True


def _copy(source: int, targets: Sequence[_Target], observer: Observer) -> None:
    """Copies the source to all `targets`, piece by piece, so that each piece is read once."""
    if not targets:
        return
    size, done = targets[0].image.source.size, 0
    total = size * len(targets)
    for offset in range(0, size, _PIECE_BYTES):
        for target in targets:
            observer(Progress(done, total, target.path.name))
            length = min(_PIECE_BYTES, size - offset)
            _copy_piece(source, target.descriptor, offset, length)
            _begin_writing(target.descriptor, offset, length)
            done += length
    observer(Progress(total, total, ""))


def _copy_piece(source: int, target: int, offset: int, length: int) -> None:
    end = offset + length
    copy: Callable[[int, int, int, int], int] = _copied_by_kernel
    while offset < end:
        copied = copy(source, target, offset, end - offset)
        if copied == 0 and copy is _copied:
            raise UserError("the ISO became shorter while it was copied", "run the command again")
        if copied == 0:
            copy = _copied
        offset += copied


def _begin_writing(target: int, offset: int, length: int) -> None:
    """Has Linux write these bytes to the disk from now on, not when it is full of them."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.posix_fadvise(target, offset, length, os.POSIX_FADV_DONTNEED)


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


def _write_all(target: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(target, rest, offset)
        offset, rest = offset + written, rest[written:]


def _finish(target: _Target) -> None:
    for patch in target.image.patches:
        _write_all(target.descriptor, patch.content, patch.offset)
    os.truncate(target.descriptor, target.image.size)
    os.fsync(target.descriptor)
