"""The disks of a node as sysfs describes them. Nothing here writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SECTOR_BYTES = 512  # sysfs counts in these, whatever the disk's own are
_NAMES = ("nvme", "sd", "vd", "mmcblk")
_NOT_DISKS = ("boot0", "boot1", "rpmb")


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk: a name that every boot gives it, its size, its partitions, and what is free after the last."""

    path: str
    size_bytes: int
    partitions: int
    free_bytes: int


def disks(root: Path) -> list[Disk]:
    """The fixed disks, sorted by path."""
    names = dict(_stable_names(root))
    found = [
        _disk(folder, names.get(folder.name, f"/dev/{folder.name}"))
        for folder in (root / "sys/block").glob("*")
        if folder.name.startswith(_NAMES) and not folder.name.endswith(_NOT_DISKS)
        if _number(folder / "removable") == 0 and _number(folder / "size") > 0
    ]
    return sorted(found, key=lambda disk: disk.path)


def _disk(folder: Path, path: str) -> Disk:
    sectors = _number(folder / "size")
    partitions = [file.parent for file in folder.glob("*/partition")]
    end = max((_number(part / "start") + _number(part / "size") for part in partitions), default=0)
    return Disk(path, sectors * _SECTOR_BYTES, len(partitions), max(sectors - end, 0) * _SECTOR_BYTES)


def _stable_names(root: Path) -> Iterator[tuple[str, str]]:
    # of several names for a disk the last one wins: model and serial rather than a bare number
    links = sorted(
        (root / "dev/disk/by-id").glob("*"), key=lambda link: (not _is_number(link.name), link.name)
    )
    yield from ((link.readlink().name, f"/dev/disk/by-id/{link.name}") for link in links if link.is_symlink())


def _is_number(name: str) -> bool:
    return name.startswith(("nvme-eui.", "nvme-nvme.", "wwn-", "scsi-3"))


def _number(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))
