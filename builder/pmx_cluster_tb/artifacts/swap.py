"""A folder that appears whole or not at all, in place of the one that was there before.

The new folder is filled beside the old one and then takes its place with two renames. What a killed run left
is put right by the next one: until the second rename the old folder is still there, under another name. A
lock on the parent folder lets one process at a time do this.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Gives a new empty folder, which only its owner can read, to fill; at the end it has become `folder`.

    If anything is raised meanwhile, the new folder is removed and the old one stays. Raises OSError.
    """
    with _locked(folder.parent):
        recover(folder)
        new = _beside(folder, "new")
        new.mkdir(mode=0o700)
        try:
            yield new
            new.chmod(0o755)
            sync(new)
            _swap(folder, new)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise


def replace_file(path: Path, content: bytes) -> None:
    """Writes `content` to `path`: all of it, or what was there stays. Raises OSError."""
    if path.exists() and not path.is_file():
        # `/dev/stdout` and pipes
        path.write_bytes(content)
        return
    target = path.resolve()
    new = _beside(target, "new")
    new.unlink(missing_ok=True)
    try:
        with new.open("xb") as file:
            file.write(content)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def recover(folder: Path) -> None:
    """Puts right what a killed run left beside `folder`."""
    new, old = _beside(folder, "new"), _beside(folder, "old")
    if new.exists():
        shutil.rmtree(new)
    if old.exists() and not folder.exists():
        old.rename(folder)
    elif old.exists():
        shutil.rmtree(old)


def sync(path: Path) -> None:
    """Has the file or folder `path` written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(folder: Path, new: Path) -> None:
    old = _beside(folder, "old")
    try:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path, role: str) -> Path:
    return folder.with_name(f".{folder.name}.pmx-{role}")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # some network file systems have no locks; two builds at once are then the user's to avoid
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
