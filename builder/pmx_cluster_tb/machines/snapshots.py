"""Machines that are frozen as they run, and from which others go on as often as wanted.

QEMU writes the state of a machine as it would send it to another host. It goes through `cat`: QEMU knows
files by themselves only from 8.2 on (docs/devel/migration of QEMU, "file:"). QEMU of the same version has to
read it, on a machine with the same processor where guests run on that (`-cpu host`).
"""

import shlex
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from pmx_cluster_tb.machines.failure import Deadline, MachineFailed, wait_until
from pmx_cluster_tb.machines.hardware import Bus, Hardware
from pmx_cluster_tb.machines.images import overlaid
from pmx_cluster_tb.machines.qmp import Monitor

_QUICKLY = timedelta(seconds=30)
_LASTS = timedelta(minutes=5)
_BYTES_PER_SECOND = 1 << 34
"""As fast as it goes: QEMU would spare a network."""
_ENDS = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A machine in the middle of its work. `memory` is the file with all of its state that is on no disk.

    `plugged` are the ports with a cable, `commands` counts those of the console's shell. `images` are the
    files of the disks with the times at which they were written last, in nanoseconds.
    """

    hardware: Hardware
    memory: Path
    plugged: frozenset[str]
    commands: int
    images: tuple[tuple[Path, int], ...]

    @classmethod
    def of(cls, hardware: Hardware, memory: Path, plugged: frozenset[str], commands: int) -> Self:
        """The snapshot of a machine that was saved just now and is off."""
        images = tuple((path, path.stat().st_mtime_ns) for path in _images(hardware))
        return cls(hardware=hardware, memory=memory, plugged=plugged, commands=commands, images=images)

    def thawed(self, hardware: Hardware, folder: Path) -> Hardware:
        """`hardware` with the disks of the snapshot, below new overlays in a new folder in `folder`.

        MachineFailed if its guest can tell `hardware` from what it was, or if a disk has changed since.
        """
        saved, given = _visible(self.hardware), _visible(hardware)
        for what in saved:
            if saved[what] != given[what]:
                raise MachineFailed(f"other {what}: {given[what]}; saved with: {saved[what]}")
        for path, written in self.images:
            if path.stat().st_mtime_ns != written:
                raise MachineFailed(f"`{path}` has changed since the snapshot")
        frozen = replace(hardware, disks=self.hardware.disks, variables=self.hardware.variables)
        return overlaid(frozen, Path(tempfile.mkdtemp(prefix="restored-", dir=folder)))


def write_memory(monitor: Monitor, path: Path) -> Path:
    """Has QEMU write the state of its machine, whose processors are stopped, to `path`."""
    monitor.execute("migrate-set-parameters", Deadline(_QUICKLY), **{"max-bandwidth": _BYTES_PER_SECOND})
    path.unlink(missing_ok=True)
    begun, whole = (shlex.quote(str(one)) for one in (path.with_suffix(".begun"), path))
    monitor.execute("migrate", Deadline(_QUICKLY), uri=f"exec:cat >{begun} && mv {begun} {whole}")
    _wait_migrated(monitor)
    # QEMU is done a moment before `cat` is
    wait_until(f"`{path}`", path.exists, Deadline(_QUICKLY))
    return path


def read_memory(monitor: Monitor, path: Path) -> None:
    """Has QEMU, which was started with `-incoming defer`, take the state of its machine from `path`."""
    monitor.execute("migrate-incoming", Deadline(_QUICKLY), uri=f"exec:cat {shlex.quote(str(path))}")
    _wait_migrated(monitor)


def _wait_migrated(monitor: Monitor) -> None:
    seen = wait_until(
        "end of the transfer of a machine's state",
        lambda: _progress(monitor),
        Deadline(_LASTS),
        until=lambda progress: progress.get("status") in _ENDS,
    )
    if seen["status"] != "completed":
        raise MachineFailed(f"the transfer of its state has ended as `{seen['status']}`")


def _progress(monitor: Monitor) -> dict[str, Any]:
    progress: dict[str, Any] = monitor.execute("query-migrate", Deadline(_QUICKLY))
    return progress


def _images(hardware: Hardware) -> Iterator[Path]:
    """The files that a machine writes to."""
    for disk in hardware.disks:
        if disk.bus is not Bus.CDROM:
            yield disk.file
    if hardware.variables is not None:
        yield hardware.variables


def _visible(hardware: Hardware) -> dict[str, str]:
    """What a guest sees of its hardware, in words for messages."""
    return {
        "firmware": hardware.firmware.value,
        "memory": f"{hardware.memory_mib} MiB",
        "number of processors": str(hardware.processors),
        "disks": _listed(f"{disk.bus.value} {disk.serial}" for disk in hardware.disks),
        "NICs": _listed(nic.mac for nic in hardware.nics),
        "ports": _listed(f"{port.name} {port.mac}" for port in hardware.ports),
        "kernel": "none" if hardware.kernel is None else hardware.kernel.arguments,
    }


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"
