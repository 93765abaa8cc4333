"""Genuine ISOs, as far as that goes without one: how they start, what they say, how their nodes get out."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pmx_cluster_tb.artifacts.iso.initrd import initrd_members
from pmx_cluster_tb.machines.console import Console, ConsoleClosed
from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.hardware import Bus, Disk, Hardware
from tests.isos import cpio, proxmox_iso
from tests.machines.fake_guest import guest
from tests.roots.commands import require
from tests.vm.ends import installed
from tests.vm.internet import Internet
from tests.vm.medium import emulation_words, genuine, kernel_line, loaded, removed
from tests.vm.standin.product import FOLDER
from tests.vm.words import GENUINE, STAND_IN

_SOON = timedelta(seconds=10)
_MENU = """
if [ -f auto-installer-mode.toml ]; then
    set timeout=10
    menuentry 'Install Proxmox VE (Automated)' --class debian {
        echo        'Loading Proxmox VE Automatic Installer ...'
        linux       /boot/linux26 ro ramdisk_size=16777216 rw quiet splash=silent proxmox-start-auto-installer
        initrd      /boot/initrd.img
    }
fi
menuentry 'Install Proxmox VE (Graphical)' {
    linux       /boot/linux26 ro ramdisk_size=16777216 rw quiet splash=silent
}
"""
_LINE = "ro ramdisk_size=16777216 rw quiet splash=silent proxmox-start-auto-installer"
_HARDWARE = Hardware(
    disks=(
        Disk(file=Path("target"), bus=Bus.NVME, serial="A", boot=1),
        Disk(file=Path("stick"), bus=Bus.USB, serial="B", boot=0),
    )
)


def test_kernel_line_is_of_the_automatic_entry() -> None:
    assert kernel_line(_MENU) == f"{_LINE} console=ttyS0,115200"
    assert kernel_line(_MENU, ["mem=1G"]) == f"{_LINE} mem=1G console=ttyS0,115200"


def test_kernel_line_says_nothing_twice() -> None:
    menu = (FOLDER / "medium/grub.cfg").read_text()
    line = kernel_line(menu, emulation_words(1024))
    words = line.split()
    assert set(emulation_words(1024)) < set(words)
    assert len(set(words)) == len(words)
    assert line in menu


def test_menu_without_the_automatic_entry() -> None:
    with pytest.raises(AssertionError, match="no automatic installation"):
        kernel_line(_MENU.replace("proxmox-start-auto-installer", ""))


@pytest.mark.tools
def test_machine_starts_with_the_kernel_of_the_iso(tmp_path: Path) -> None:
    require("xorriso")
    machine = loaded(_HARDWARE, proxmox_iso(), tmp_path, injected=cpio({"own": b"mine"}), words="rdinit=/own")
    assert machine.kernel is not None
    assert machine.kernel.arguments.startswith("rdinit=/own ro ")
    members = initrd_members(machine.kernel.initrd.read_bytes(), ["init", "own"])
    assert members["own"] == b"mine"
    assert b"switch_root" in members["init"]
    # QEMU takes no two that are the first
    assert [disk.boot for disk in machine.disks] == [1, None]
    assert removed(machine) == replace(_HARDWARE, disks=_HARDWARE.disks[:1])


@pytest.mark.tools
def test_release_is_told_by_the_iso() -> None:
    require("xorriso")
    assert genuine(proxmox_iso("8.4")).release == "8.4"


# what there is on the screen, by the source of pve-installer
_GENUINE = """\
Fetching answers for automatic installation
INFO: Fetching answer file in mode Iso:
Starting automatic installation
INFO: Powering off system after successful installation
INFO: Setting up network configuration
INFO: Network interface used is 'enp2s0'
INFO: Verifying locale settings
INFO: Verifying first boot settings
INFO: Selected disk: /dev/nvme0n1
INFO: progress   0.5 % - create partitions
INFO: progress   1.2 % - extracting base system
INFO: progress  99.0 % - make system bootable
INFO: Installation done.
Installation done, powering off...
powering off - please remove the ISO boot media
"""
_ABORTED = "Installation aborted - unable to continue (type exit or CTRL-D to reboot)\n"
_NO_DEVICE = "ERROR: Installation failed: filter did not match any device\n"


@contextmanager
def saying(text: str) -> Iterator[Any]:
    """A machine that says `text` and is off then."""
    with guest(lambda line: line.sendall(text.replace("\n", "\r\n").encode())) as line:
        yield SimpleNamespace(name="pve1", console=_console(line))


def _console(line: socket.socket) -> Console:
    return Console("pve1", line)


def test_genuine_installation() -> None:
    with saying(_GENUINE) as machine, closing(machine.console):
        installed(machine, GENUINE, _SOON)


def test_genuine_installation_that_says_nothing() -> None:
    with saying("") as machine, closing(machine.console):
        installed(machine, GENUINE, _SOON)


def test_stand_in_that_says_nothing() -> None:
    with saying("") as machine, closing(machine.console), pytest.raises(ConsoleClosed):
        installed(machine, STAND_IN, _SOON)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f"INFO: Setting up network configuration\n{_NO_DEVICE}\n{_ABORTED}", GENUINE.no_nic),
        (
            f"INFO: Network interface used is 'enp2s0'\nINFO: Verifying\n{_NO_DEVICE}\n{_ABORTED}",
            GENUINE.no_disk,
        ),
        ("Installation done, rebooting...\n", "Installation done, rebooting"),
        (f"ERROR: Aborting: Could not find any answer file!\n\n{_ABORTED}", GENUINE.no_answer),
        ("[ERROR] no device with valid ISO found\nunable to continue (type exit ...)\n", "no device with"),
    ],
)
def test_genuine_installation_that_fails(said: str, why: str) -> None:
    with saying(said) as machine, closing(machine.console), pytest.raises(MachineFailed) as failure:
        installed(machine, GENUINE, _SOON)
    assert re.search(why, str(failure.value)), str(failure.value)


def test_no_nic_is_not_no_disk() -> None:
    no_nic = f"INFO: Setting up network configuration\r\n{_NO_DEVICE}"
    assert re.search(GENUINE.no_nic, no_nic)
    assert not re.search(GENUINE.no_disk, no_nic)
    assert not re.search(
        GENUINE.no_nic, no_nic.replace("ERROR", "INFO: Network interface used is 'a'\r\nERROR")
    )


@pytest.mark.parametrize("stage", ["partitions", "base", "boot_loader", "disk"])
def test_stages(stage: str) -> None:
    assert re.search(cast("str", getattr(GENUINE, stage)), _GENUINE)


@pytest.mark.tools
def test_qemu_takes_the_network() -> None:
    require("qemu-system-x86_64")
    command = [
        "qemu-system-x86_64",
        "-machine",
        "none",
        "-nodefaults",
        "-display",
        "none",
        "-monitor",
        "stdio",
    ]
    ran = subprocess.run(
        [*command, "-netdev", f"{Internet().add('pve1')},id=lan"],
        input="quit\n",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
