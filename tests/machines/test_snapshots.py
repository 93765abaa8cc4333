"""What a snapshot is good for, and when it is refused: without QEMU."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.hardware import Bus, CablePort, DirectBoot, Disk, Firmware, Hardware, LanNic
from pmx_cluster_tb.machines.qmp import Monitor
from pmx_cluster_tb.machines.snapshots import Snapshot, read_memory, write_memory
from tests.machines.fake_guest import guest, monitor, within

DONE: list[dict[str, Any]] = [{"return": {}}]
CD = Disk(file=Path("/iso"), bus=Bus.CDROM, serial="CD")
HARDWARE = Hardware(
    disks=(CD,),
    nics=(LanNic(mac="52:54:00:00:00:01", backend="user"),),
    ports=(CablePort(name="en05", mac="52:54:00:00:00:02", own=4000, peer=5000),),
    kernel=DirectBoot(kernel=Path("/kernel"), initrd=Path("/initrd")),
    memory_mib=256,
)


def status(name: str) -> list[dict[str, Any]]:
    """What `query-migrate` returns."""
    return [{"return": {"status": name}}]


def snapshot(folder: Path) -> Snapshot:
    """Of a machine with UEFI whose only disk is a CD, so that no image is made."""
    variables = folder / "variables.fd"
    variables.write_bytes(b"variables")
    hardware = replace(HARDWARE, firmware=Firmware.UEFI, variables=variables)
    return Snapshot.of(hardware, folder / "memory", frozenset({"en05"}), 7)


def test_transfer_has_ended() -> None:
    with guest(monitor(DONE, status("active"), status("completed"))) as line:
        talks = Monitor(line)
        talks.greet(within(10))
        read_memory(talks, Path("/m"))


def test_transfer_fails(tmp_path: Path) -> None:
    with guest(monitor(DONE, DONE, status("failed"))) as line:
        talks = Monitor(line)
        talks.greet(within(10))
        with pytest.raises(MachineFailed, match="the transfer of its state has ended as `failed`"):
            write_memory(talks, tmp_path / "memory")


def test_what_runs_outside_is_that_of_the_new_machine(tmp_path: Path) -> None:
    saved = snapshot(tmp_path)
    given = replace(
        saved.hardware,
        nics=(replace(HARDWARE.nics[0], backend="tap,ifname=other"),),
        ports=(replace(HARDWARE.ports[0], own=4001, peer=5001),),
        variables=tmp_path / "of-no-use",
    )
    first, second = (saved.thawed(given, tmp_path) for _ in range(2))
    assert first.variables is not None
    assert first == replace(given, variables=first.variables)
    assert first.variables.read_bytes() == b"variables"
    assert len({first.variables, second.variables, saved.hardware.variables}) == 3


OTHERS: dict[str, Callable[[Hardware], Hardware]] = {
    "other firmware: bios; saved with: uefi": lambda one: replace(one, firmware=Firmware.BIOS),
    "other memory: 512 MiB; saved with: 256 MiB": lambda one: replace(one, memory_mib=512),
    "other number of processors: 2; saved with: 1": lambda one: replace(one, processors=2),
    "other disks: cdrom CD, usb S; saved with: cdrom CD": lambda one: replace(
        one, disks=(CD, Disk(file=Path("/stick"), bus=Bus.USB, serial="S"))
    ),
    "other NICs: none; saved with: 52:54:00:00:00:01": lambda one: replace(one, nics=()),
    "other ports: none; saved with: en05 52:54:00:00:00:02": lambda one: replace(one, ports=()),
    "other kernel: none; saved with: console=ttyS0": lambda one: replace(one, kernel=None),
}


@pytest.mark.parametrize("message", OTHERS)
def test_other_hardware(message: str, tmp_path: Path) -> None:
    saved = snapshot(tmp_path)
    with pytest.raises(MachineFailed) as error:
        saved.thawed(OTHERS[message](saved.hardware), tmp_path)
    assert error.value.message == message


def test_image_that_has_changed_since(tmp_path: Path) -> None:
    saved = snapshot(tmp_path)
    variables = tmp_path / "variables.fd"
    os.utime(variables, ns=(0, variables.stat().st_mtime_ns + 1))
    with pytest.raises(MachineFailed, match=r"`.*/variables.fd` has changed since the snapshot"):
        saved.thawed(saved.hardware, tmp_path)
