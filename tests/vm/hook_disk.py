"""A first-boot hook that is chosen after the installation: it comes from a disk that is put in later."""

import io
import tarfile
from pathlib import Path

from pmx_cluster_tb.machines.hardware import Bus, Disk

SERIAL = "PMXHOOK"
BY_SERIAL = f"/dev/disk/by-id/ata-QEMU_HARDDISK_{SERIAL}"
"""udev's name of it."""

_NAME = "proxmox-first-boot"


def taking_hook(device: str = BY_SERIAL) -> bytes:
    """The hook to install: it has the one on `device` take its place, and becomes that.

    The shell reads on in what it began with: tar makes a new file.
    """
    return f'#!/bin/sh\ntar -xf {device} -C "${{0%/*}}" && exec "$0" "$@"\n'.encode()


def hook_disk(hook: bytes, path: Path) -> Disk:
    """A disk with `hook` on it, in the file `path`."""
    member = tarfile.TarInfo(_NAME)
    member.size, member.mode = len(hook), 0o700
    # its records of 10 KiB are whole sectors
    with tarfile.open(path, "w") as archive:
        archive.addfile(member, io.BytesIO(hook))
    return Disk(file=path, bus=Bus.SATA, serial=SERIAL)
