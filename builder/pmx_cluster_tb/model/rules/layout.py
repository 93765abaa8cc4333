"""How the disk is used: keys that are of some file systems only, and sizes that do not go together."""

from pmx_cluster_tb.model.cluster import Filesystem
from pmx_cluster_tb.model.inherited import COMPRESSIONS, OPTIONS, fits, node_disks
from pmx_cluster_tb.model.report import Report, listed, shown
from pmx_cluster_tb.model.tables import FileTable

_NAMES = sorted(frozenset[str]().union(*OPTIONS.values()))

_LARGEST_THAT_IS_NONE_GIB = 4
"""Proxmox/Install.pm of pve-installer makes no pool for guests of this size or less."""


def _of_the_file_system(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        if (filesystem := disk.filesystem) is None:
            continue
        for name in _NAMES:
            value, place = disk.option(name, filesystem)
            if place is None or value is None or fits(name, value, filesystem):
                continue
            if name in OPTIONS[filesystem]:
                allowed = listed(sorted(COMPRESSIONS[filesystem]), "or")
                report.error(place, f"{shown(value)} must be {allowed} for `{filesystem}`")
            else:
                of = listed([one for one in Filesystem if name in OPTIONS[one]])
                rule = f"must not be given for `{filesystem}`: it belongs to {of}"
                report.error(place, rule, f"leave `{name}` out")


def _swap(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        (swap, place), (size, _) = disk.value("swap-gib"), disk.value("size-gib")
        # refused by validate-answer and the installer since 9.0.5, and by no other of their steps
        if swap and size and place and swap > size / 2:
            report.error(
                place,
                f"{shown(swap)} must be at most half of `size-gib`, which is {shown(size)}",
                f"`swap-gib = {size / 2:g}`",
            )


def _pool(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        data, place = disk.value("data-gib")
        if data and place and data <= _LARGEST_THAT_IS_NONE_GIB:
            report.error(
                place,
                f"{shown(data)} must be 0, for no pool, or more than {_LARGEST_THAT_IS_NONE_GIB}: "
                "the installer makes none that is smaller",
                "`data-gib = 0`",
            )


RULES = (_of_the_file_system, _swap, _pool)
