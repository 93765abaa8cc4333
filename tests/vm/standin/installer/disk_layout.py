"""Sizes of partitions and volumes, and making them."""

import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .machine import Disk
from .problem import Refused

GIB = 1024**3
MIB = 1024**2
_ESP = GIB
_LINUX_LVM = "E6D6D379-F507-44C2-A23C-238F2A3DF928"
_BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
_EFI = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
_SMALLEST = 6 * GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Sizes in bytes: `end` is where the last partition ends, `data` is 0 for no thin pool."""

    end: int
    swap: int
    root: int
    data: int


def layout(disk_size: int, lvm: Mapping[str, float], memory: int) -> Layout:
    """The layout for an answer's `disk-setup.lvm`, in GiB; of a smaller disk all is taken."""
    end = min(disk_size, int(lvm.get("hdsize", disk_size / GIB) * GIB))
    if end < _SMALLEST:
        raise Refused(f"the disk is too small: {end // MIB} MiB")
    space = end - _ESP - 8 * MIB
    swap = int(lvm["swapsize"] * GIB) if "swapsize" in lvm else min(max(memory, 4 * GIB), 8 * GIB, end // 8)
    space -= swap
    root = min(space // 4 if space > 48 * GIB else space // 2, int(lvm.get("maxroot", 96) * GIB))
    free = int(lvm["minfree"] * GIB) if "minfree" in lvm else min(16 * GIB, end // 8)
    data = max(0, min(space - root - free, int(lvm.get("maxvz", disk_size / GIB) * GIB)))
    if data < GIB:
        root, data = space - free, 0
    return Layout(end=end, swap=swap, root=root, data=data)


def make_volumes(disk: Disk, sizes: Layout) -> None:
    """Partitions the disk, and makes the volume group `pve`. All that was on the disk is lost.

    Volume groups of that name on other disks get another one, as with the genuine installer.
    """
    partitions = [
        f"/dev/{folder.name}" for folder in sorted(Path("/sys/block", disk.name).glob(f"{disk.name}*"))
    ]
    _deactivate(partitions)
    for partition in partitions:
        _run("wipefs", "--all", "--quiet", partition)
    _run("wipefs", "--all", "--quiet", disk.device)
    esp = 2048 + _ESP // 512
    table = (
        "label: gpt\nunit: sectors\nfirst-lba: 34\n"
        f"start=34, size=2014, type={_BIOS_BOOT}\n"
        f"start=2048, size={_ESP // 512}, type={_EFI}\n"
        f"start={esp}, size={min(sizes.end, disk.size - MIB) // 512 - esp}, type={_LINUX_LVM}\n"
    )
    _run("sfdisk", "--quiet", "--wipe=always", "--wipe-partitions=always", disk.device, given=table)
    _run("udevadm", "settle")
    physical = partition_of(disk, 3)
    _run("pvcreate", "--yes", "--force", "--force", physical)
    _rename_older()
    _run("vgcreate", "pve", physical)
    _volume("swap", sizes.swap)
    _volume("root", sizes.root)
    if sizes.data:
        _run("lvcreate", "--yes", f"--size={sizes.data}b", "--type=thin-pool", "--name=data", "pve")
    _run("udevadm", "settle")


def _deactivate(partitions: list[str]) -> None:
    """Takes away the volumes of an earlier installation, which udev has brought up."""
    _run("udevadm", "settle")
    for physical, group in _listed("pvs", "pv_name,vg_uuid"):
        if physical in partitions and group:
            _run("vgchange", "--activate=n", "--select", f"vg_uuid={group}")


def _rename_older() -> None:
    for identity, name in _listed("vgs", "vg_uuid,vg_name"):
        if name == "pve":
            _run("vgrename", identity, f"pve-OLD-{secrets.token_hex(4).upper()}")


def _listed(program: str, columns: str) -> list[list[str]]:
    options = ("--noheadings", "--separator=:", f"--options={columns}")
    said = subprocess.run([program, *options], check=True, capture_output=True, text=True).stdout
    return [line.strip().split(":") for line in said.splitlines()]


def make_filesystems(disk: Disk) -> None:
    """Formats the ESP, the root and the swap volume."""
    _run("mkfs.vfat", "-F32", partition_of(disk, 2))
    _run("mkfs.ext4", "-q", "-F", "/dev/pve/root")
    _run("mkswap", "/dev/pve/swap")


def partition_of(disk: Disk, number: int) -> str:
    """The device of a partition."""
    return f"{disk.device}{'p' if disk.name[-1].isdigit() else ''}{number}"


def _volume(name: str, size: int) -> None:
    _run("lvcreate", "--yes", "--wipesignatures=y", f"--size={size}b", f"--name={name}", "pve")


def _run(*command: str, given: str = "") -> None:
    subprocess.run(command, check=True, input=given, text=True, stdout=subprocess.DEVNULL)
