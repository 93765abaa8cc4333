"""Replacing a file so that a power cut leaves the old or the new one."""

import os
from pathlib import Path

Owner = tuple[int, int]
"""A user's and a group's number."""


def replace_file(file: Path, content: bytes, mode: int, owner: Owner | None = None) -> None:
    """Makes `file` hold `content`, on the disk when this returns; without `owner` it is this process's."""
    # hidden, and without the suffix of the original: apt, ifupdown2, udev and Proxmox VE read no such name
    beside = file.with_name(f".{file.name}.pmx-first-boot~")
    beside.unlink(missing_ok=True)
    # for root alone until it has its mode
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


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
