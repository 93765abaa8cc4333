"""Machines that boot for real: boots, power cuts, and cables between them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pmx_cluster_tb.machines.acceleration import acceleration, boots
from pmx_cluster_tb.machines.failure import Deadline, MachineFailed, wait_until
from pmx_cluster_tb.machines.hardware import Bus, CablePort, Disk, Hardware
from pmx_cluster_tb.machines.images import empty_disk, overlaid, overlay
from pmx_cluster_tb.machines.machine import Machine
from tests.machines.micro import free_udp_ports, interfaces, micro_hardware
from tests.roots.commands import require

pytestmark = [pytest.mark.vm, pytest.mark.root]
BOOTS = timedelta(minutes=3)
SOON = timedelta(seconds=60)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, Machine]]:
    """Two machines with a cable between them that is not plugged in."""
    require("qemu-system-x86_64")
    folder = tmp_path_factory.mktemp("pair")
    with ExitStack() as stack:
        first, second = free_udp_ports()
        hardware = micro_hardware(folder)
        machines = []
        for name, near, far in (("a", first, second), ("b", second, first)):
            port = CablePort(name="en05", mac=f"52:54:00:cc:00:0{name}", own=near, peer=far)
            own = replace(hardware, ports=(port,))
            machine = stack.enter_context(Machine(name, own, folder / name))
            machine.start()
            machines.append(machine)
        for machine in machines:
            machine.log_in(lasts=BOOTS)
        yield machines[0], machines[1]


def test_cable_is_plugged_in_and_pulled(pair: tuple[Machine, Machine]) -> None:
    for number, machine in enumerate(pair, 1):
        assert interfaces(machine.succeed("ls /sys/class/net")) == set()
        machine.plug("en05")
        machine.wait_until_succeeds("test -e /sys/class/net/eth0", SOON)
        machine.succeed(f"ip address add 10.9.9.{number}/24 dev eth0 && ip link set eth0 up")
        assert "0000:01:00.0" in machine.succeed("readlink -f /sys/class/net/eth0/device")
    pair[0].wait_until_succeeds("ping -c 1 -W 2 10.9.9.2", SOON)
    pair[0].unplug("en05")
    assert interfaces(pair[0].succeed("ls /sys/class/net")) == set()
    # the cable's other end is still in its machine
    assert interfaces(pair[1].succeed("ls /sys/class/net")) == {"eth0"}
    pair[1].fail("ping -c 1 -W 1 10.9.9.1")
    pair[0].plug("en05")
    pair[0].wait_until_succeeds("ip address add 10.9.9.1/24 dev eth0 && ip link set eth0 up", SOON)
    pair[1].wait_until_succeeds("ping -c 1 -W 2 10.9.9.1", SOON)


def test_reboot_is_another_boot(pair: tuple[Machine, Machine]) -> None:
    machine = pair[1]
    before = machine.boot_id()
    machine.succeed("touch /tmp/of-this-boot")
    machine.reboot(lasts=BOOTS)
    assert machine.boot_id() != before
    machine.fail("test -e /tmp/of-this-boot")


def test_no_reboot_is_told(pair: tuple[Machine, Machine]) -> None:
    machine = pair[1]
    before = machine.boot_id()
    # a logout brings a login prompt as well
    machine.console.send("exit\n")
    with pytest.raises(MachineFailed, match="has not rebooted: its boot id is still"):
        machine.log_in_after(before, lasts=BOOTS)


def test_power_cut_and_power_off(pair: tuple[Machine, Machine]) -> None:
    machine = pair[1]
    machine.crash()
    assert not machine.is_on
    with pytest.raises(MachineFailed, match="the machine is off"):
        machine.execute("true")
    machine.start()
    machine.log_in(lasts=BOOTS)
    # the cable that was in is in
    assert interfaces(machine.succeed("ls /sys/class/net")) == {"eth0"}
    machine.console.type_command("poweroff")
    machine.wait_off(BOOTS)
    assert "login:" in machine.transcript.read_text(errors="replace")


def test_unexpected_end_is_no_power_off(tmp_path: Path) -> None:
    with Machine("m", micro_hardware(tmp_path), tmp_path) as machine:
        machine.start()
        process = machine.running.process
        process.kill()
        process.wait()
        with pytest.raises(MachineFailed, match="ended with status -9, and not by the guest's power-off"):
            machine.wait_off(SOON)


def test_what_qemu_complains_about_is_told(tmp_path: Path) -> None:
    disk = Disk(file=tmp_path / "missing.img", bus=Bus.NVME, serial="S1")
    with Machine("m", Hardware(disks=(disk,)), tmp_path) as machine:
        with pytest.raises(MachineFailed, match=r"m does not start: .*\n.*missing.img.*No such file"):
            machine.start()
        assert not machine.is_on


def test_overlay_leaves_what_is_below_alone(tmp_path: Path) -> None:
    require("qemu-img")
    base = Disk(file=empty_disk(tmp_path / "base.qcow2", 1), bus=Bus.SATA, serial="S1", image="qcow2")
    before = base.file.read_bytes()
    medium = Disk(file=tmp_path / "iso", bus=Bus.CDROM, serial="CD")
    hardware = overlaid(Hardware(disks=(base, medium)), tmp_path)
    assert hardware.disks[1] == medium
    assert hardware.disks[0] == replace(base, file=tmp_path / "disk0.qcow2")
    assert overlay(hardware.disks[0], tmp_path / "second.qcow2").file.exists()
    assert base.file.read_bytes() == before


def test_acceleration_is_what_boots() -> None:
    assert boots(("-accel", "tcg", "-cpu", "max"), timedelta(seconds=60))
    assert not boots(("-accel", "xen"))
    assert boots(acceleration(), timedelta(seconds=60))


def test_machine_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """Even when that is killed, and can end nothing any more."""
    code = "import sys; from tests.machines.test_machine import started; started(sys.argv[1])"
    folders = f"{Path(__file__).parents[2]}:{Path(__file__).parents[2] / 'builder'}"
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": folders},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    machine = int(starter.stdout.readline())
    assert Path(f"/proc/{machine}").exists()
    starter.kill()
    starter.communicate()
    wait_until("end of QEMU", lambda: not Path(f"/proc/{machine}").exists(), Deadline(SOON))


def started(folder: str) -> None:
    """Starts a machine, prints the number of its process, and waits to be killed."""
    machine = Machine("m", micro_hardware(Path(folder)), Path(folder))
    machine.start()
    print(machine.running.process.pid, flush=True)
    signal.pause()
