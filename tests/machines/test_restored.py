"""Machines that go on where others were frozen."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from pmx_cluster_tb.machines import together
from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.hardware import Bus, CablePort, Disk, Firmware, Hardware
from pmx_cluster_tb.machines.images import empty_disk, new_uefi_variables
from pmx_cluster_tb.machines.machine import Machine
from pmx_cluster_tb.machines.snapshots import Snapshot
from tests.machines.fake_guest import within
from tests.machines.micro import free_udp_ports, interfaces, micro_hardware
from tests.roots.commands import require

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.full]
BOOTS = timedelta(minutes=3)
SOON = timedelta(seconds=60)
READ = "dd if=/dev/sda bs=4 count=1 2>/dev/null"
WRITE = "dd of=/dev/sda bs=4 count=1 conv=fsync,notrunc"


@dataclass(frozen=True, slots=True)
class Saved:
    """Machines `a` and `b`, a cable between them plugged in."""

    hardware: dict[str, Hardware]
    snapshots: dict[str, Snapshot]

    @contextmanager
    def restored(self, folder: Path) -> Iterator[tuple[Machine, Machine]]:
        """Both once more, with a cable of their own."""
        with ExitStack() as stack:
            cable = dict(zip("ab", cable_ports(), strict=True))
            first, second = (
                stack.enter_context(Machine(name, replace(one, ports=(cable[name],)), folder / name))
                for name, one in self.hardware.items()
            )
            together.restore((first, second), self.snapshots)
            yield first, second


def cable_ports() -> tuple[CablePort, CablePort]:
    """Both ends of a cable that nobody else has."""
    one, other = free_udp_ports()
    return (
        CablePort(name="en05", mac="52:54:00:cc:00:01", own=one, peer=other),
        CablePort(name="en05", mac="52:54:00:cc:00:02", own=other, peer=one),
    )


def pings(machine: Machine, address: str) -> None:
    machine.wait_until_succeeds(f"ping -c 1 -W 2 {address}", SOON)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    """A machine with a BIOS and a raw disk, one with UEFI and a qcow2 image, both with data on it."""
    require("qemu-system-x86_64", "qemu-img")
    folder = tmp_path_factory.mktemp("saved")
    hardware = micro_hardware(folder)
    raw = folder / "raw.img"
    raw.write_bytes(bytes(1 << 20))
    first, second = cable_ports()
    disk = Disk(file=raw, bus=Bus.SATA, serial="S1")
    image = Disk(file=empty_disk(folder / "disk.qcow2", 1), bus=Bus.SATA, serial="S2", image="qcow2")
    variables = new_uefi_variables(folder / "variables.fd")
    both = {
        "a": replace(hardware, disks=(disk,), ports=(first,)),
        "b": replace(hardware, disks=(image,), ports=(second,), firmware=Firmware.UEFI, variables=variables),
    }
    with ExitStack() as stack:
        machines = [stack.enter_context(Machine(name, one, folder / name)) for name, one in both.items()]
        for machine in machines:
            machine.start()
        for number, machine in enumerate(machines, 1):
            machine.log_in(lasts=BOOTS)
            machine.plug("en05")
            machine.wait_until_succeeds("test -e /sys/class/net/eth0", SOON)
            machine.succeed(f"ip address add 10.9.9.{number}/24 dev eth0 && ip link set eth0 up")
            machine.succeed(f"printf %s kept | {WRITE} && touch /root/of-this-boot")
        pings(machines[0], "10.9.9.2")
        snapshots = together.save(machines, folder / "snapshots")
        assert not any(machine.is_on for machine in machines)
        yield Saved(both, snapshots)


@pytest.mark.parametrize("time", ["the first time", "the second time"])
def test_goes_on_where_it_was(saved: Saved, tmp_path: Path, time: str) -> None:
    with saved.restored(tmp_path) as machines:
        for machine in machines:
            # the shell takes commands, the disk has what was written to it, and nothing of the other time
            assert machine.succeed(f"ls /root && {READ}").split() == ["of-this-boot", "kept"], time
            machine.succeed(f"printf %s lost | {WRITE} && sync && touch /root/{machine.name}")
        pings(machines[0], "10.9.9.2")
        pings(machines[1], "10.9.9.1")


def test_cable_that_was_in_can_be_pulled(saved: Saved, tmp_path: Path) -> None:
    with saved.restored(tmp_path) as (first, second):
        first.unplug("en05")
        assert interfaces(first.succeed("ls /sys/class/net")) == set()
        assert interfaces(second.succeed("ls /sys/class/net")) == {"eth0"}
        first.plug("en05")
        first.wait_until_succeeds("ip address add 10.9.9.1/24 dev eth0 && ip link set eth0 up", SOON)
        pings(second, "10.9.9.1")


def test_reboots(saved: Saved, tmp_path: Path) -> None:
    with saved.restored(tmp_path) as (_, second):
        second.reboot(lasts=BOOTS)
        second.fail("test -e /root/of-this-boot")
        assert second.succeed(READ) == "kept"


def test_snapshot_of_a_restored_machine(saved: Saved, tmp_path: Path) -> None:
    with saved.restored(tmp_path) as (first, _):
        first.succeed(f"printf %s more | {WRITE}")
        snapshot = first.save(tmp_path / "again")
        first.restore(snapshot)
        assert first.succeed(READ) == "more"
        first.crash()
        first.restore(saved.snapshots["a"])
        assert first.succeed(READ) == "kept"


def test_nvme_cannot_be_saved(tmp_path: Path) -> None:
    nvme = Disk(file=empty_disk(tmp_path / "nvme.qcow2", 1), bus=Bus.NVME, serial="S1", image="qcow2")
    with Machine("m", Hardware(disks=(nvme,)), tmp_path) as machine:
        machine.start()
        with pytest.raises(MachineFailed, match=r"m cannot be saved: .*non-migratable device.*nvme"):
            together.save([machine], tmp_path / "saved")
        assert machine.running.monitor.execute("query-status", within(10))["running"]
