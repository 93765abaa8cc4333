"""Writing files so that a power cut leaves the old or the new one."""

import os
from pathlib import Path

from firstboot.changes import FileChange, bring_about
from firstboot.system import System

Owner = tuple[int, int]
"""A user's and a group's number."""


def write_file(
    system: System,
    path: str,
    content: bytes,
    *,
    mode: int | None = None,
    owner: Owner | None = None,
) -> None:
    """Makes the file at the machine's `path` hold `content`; in a dry run tells the difference.

    Without `mode` and `owner` a file that is there keeps its own, and a new one is 0644 and root's.
    """
    file = system.path(path)
    if system.dry_run:
        before = file.read_bytes() if file.exists() else None
        bring_about(system, [FileChange(path.lstrip("/"), before, content)])
        return
    if file.exists():
        status = file.stat()
        mode = status.st_mode & 0o7777 if mode is None else mode
        owner = owner or (status.st_uid, status.st_gid)
    _replace(file, content, 0o644 if mode is None else mode, owner)


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(file: Path, content: bytes, mode: int, owner: Owner | None) -> None:
    # hidden and not ending in the suffix of the original: apt, ifupdown2 and udev read no such name
    beside = file.with_name(f".{file.name}.pmx-first-boot~")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(content)
            new.flush()
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)
