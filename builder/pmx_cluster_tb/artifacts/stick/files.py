"""Files on a stick: each appears whole at its name or not at all, as far as FAT can promise that.

FAT and exFAT have no journal, no links and no modes. What is new is written under a temporary name, read back
from the medium and then renamed; a run that was cut off leaves temporary names only, which the next one
removes.
"""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pmx_cluster_tb.artifacts.stick.readback import sha256_on_medium
from pmx_cluster_tb.problems import UserError
from pmx_cluster_tb.progress import unobserved

TEMPORARY_SUFFIX = ".pmx-new"
"""No ending that Ventoy lists."""

_PULLED = "the stick was pulled out: put it in and run this again"
_HINTS = {
    errno.ENOSPC: "remove something from the stick, or take a larger one",
    errno.EFBIG: "FAT32 holds no file of 4 GiB; Ventoy formats sticks as exFAT unless told otherwise",
    errno.EROFS: "mount the stick writable; some have a switch",
    errno.EACCES: "mount the stick so that you can write to it, or run this as root",
    errno.EPERM: "mount the stick so that you can write to it, or run this as root",
    errno.EIO: "the stick was pulled out, or it is broken: put it in and run this again, then try another",
    errno.ENODEV: _PULLED,
    errno.ENXIO: _PULLED,
    # of a file system in user space, as those for exFAT and NTFS may be
    errno.ENOTCONN: _PULLED,
    errno.ECONNABORTED: _PULLED,
}


class NotAsWritten(UserError):
    """The medium gives back something else than what was written to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"`{path}` does not read back as it was written",
            "the stick is broken, or smaller than it says: try another one",
        )


def device_hint(error: OSError) -> str:
    """What to do with a stick that gives `error`; empty where that is not known."""
    return _HINTS.get(error.errno or 0, "")


@contextmanager
def told_errors(stick: Path) -> Iterator[None]:
    """What the operating system refuses becomes a UserError that names `stick`."""
    try:
        yield
    except BrokenPipeError:
        # nobody reads the progress any more
        raise
    except OSError as error:
        where = f" at `{error.filename}`" if error.filename and error.filename != str(stick) else ""
        raise UserError(
            f"cannot write `{stick}`: {error.strerror or error}{where}", device_hint(error)
        ) from error


@contextmanager
def locked(stick: Path) -> Iterator[None]:
    """Lets one process at a time write to `stick`. Raises UserError at once for a second one."""
    descriptor = os.open(stick, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another run writes to `{stick}`", "wait until it is done") from None
        except OSError:
            # some file systems have no locks; two runs at once are then the user's to avoid
            pass
        try:
            yield
        except Exception as error:
            _refuse_another(stick, descriptor, error)
            raise
        _refuse_another(stick, descriptor)
    finally:
        os.close(descriptor)


def _refuse_another(stick: Path, descriptor: int, cause: Exception | None = None) -> None:
    """Raises UserError if the open folder is not the one at `stick` any more."""
    try:
        is_same = os.path.samestat(stick.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        is_same = False
    except OSError:
        return
    if not is_same:
        raise UserError(
            f"`{stick}` was unmounted meanwhile, and is another folder now",
            f"remove what is in `{stick}`, mount the stick, and run the same command again",
        ) from cause


def temporary(path: Path) -> Path:
    """Where what will be at `path` is written first."""
    return path.with_name(path.name + TEMPORARY_SUFFIX)


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Gives a name to write to; at the end, what was synced there is at `path`. Raises OSError."""
    new = temporary(path)
    try:
        new.unlink(missing_ok=True)
        yield new
        _rename(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def write_file(path: Path, content: bytes, *, keep_owner: bool = False) -> None:
    """Writes `content` to `path` unless it is there already, for its owner alone.

    `keep_owner` leaves it to whom the file before was. Raises OSError, and NotAsWritten.
    """
    digest = hashlib.sha256(content).hexdigest()
    if _is_there(path, content, digest):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path) as new:
        # nobody else's where the file system knows owners: some hold hashes of passwords
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if keep_owner:
                _give_as(path, descriptor)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if sha256_on_medium(new, unobserved, path.name) != digest:
            raise NotAsWritten(path)


def _give_as(path: Path, descriptor: int) -> None:
    """Gives the open file owner and mode of the one at `path`, where there is one and that can be."""
    with suppress(OSError):
        status = path.stat()
        os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _is_there(path: Path, content: bytes, digest: str) -> bool:
    try:
        same_size = path.stat().st_size == len(content)
        return same_size and sha256_on_medium(path, unobserved, path.name) == digest
    except OSError:
        return False


def remove_file(path: Path) -> bool:
    """Removes the file `path`; whether it was there. Raises OSError."""
    if path.is_dir():
        return False
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def replace_or_remove(path: Path, content: bytes | None) -> None:
    """Writes `content` to `path`, whose owner and mode stay, or removes it for None.

    Raises OSError, and NotAsWritten.
    """
    if content is None:
        remove_file(path)
    else:
        write_file(path, content, keep_owner=True)


def temporaries(folder: Path) -> list[Path]:
    """What an interrupted run left below `folder`. Raises OSError."""
    return sorted(folder.rglob("*" + TEMPORARY_SUFFIX)) if folder.is_dir() else []


def files_below(stick: Path, folder: Path) -> tuple[str, ...]:
    """The files below `folder` by path relative to `stick`, but for what macOS leaves, pipes and the like.

    Raises OSError.
    """
    return tuple(
        sorted(
            path.relative_to(stick).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.name != ".DS_Store" and not path.name.startswith("._")
        )
    )


def remove_empty_folders(folder: Path) -> None:
    """Removes `folder` and those below it that hold nothing."""
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()
    with suppress(OSError):
        folder.rmdir()


def sync_folder(folder: Path) -> None:
    """Has the names in `folder` written to the medium, where the file system can be asked for that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _unless_unsupported(lambda: os.fsync(descriptor))
    finally:
        os.close(descriptor)


def _rename(new: Path, path: Path) -> None:
    new.replace(path)
    sync_folder(path.parent)


def _unless_unsupported(action: Callable[[], None]) -> None:
    try:
        action()
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EISDIR):
            raise
