"""Trouble during an installation, on the machine of one node: it ends well, and on the right disk."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pmx_cluster_tb.machines.failure import Deadline
from pmx_cluster_tb.machines.hardware import Bus, Disk
from pmx_cluster_tb.machines.images import empty_disk
from tests.vm.cluster import TARGET_GIB, target_serial
from tests.vm.ends import comes_to, installed
from tests.vm.medium import RELEASES, medium
from tests.vm.story import INSTALLS, Node, Story, changed_disks, log_in, story, unplug_stick

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.full]

_PHYSICAL = "pvs --noheadings --options=pv_name --select=vg_name=pve"
_SERIAL = f"lsblk --nodeps --noheadings --output=SERIAL $({_PHYSICAL} | sed s/p3$//)"


@pytest.fixture(params=RELEASES)
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Story]:
    """A story of one node, off and with its stick in."""
    with story(medium(request.param), tmp_path, show=print, names=("pve1",)) as one:
        yield one


@pytest.fixture
def node(told: Story) -> Node:
    (one,) = told.nodes.values()
    return one


def boots_from_the_right_disk(node: Node) -> None:
    node.machine.start()
    log_in(node)
    assert node.machine.succeed(_SERIAL).strip() == target_serial(node.name)


def test_power_cuts(told: Story, node: Node) -> None:
    words = told.medium.words
    for stage in (words.partitions, words.base, words.boot_loader):
        node.machine.start()
        comes_to(node.machine, stage, end=words.ends, lasts=INSTALLS)
        node.machine.crash()
        assert changed_disks(node) == []
    told.install(node)
    assert changed_disks(node) == []
    boots_from_the_right_disk(node)


def test_no_carrier(told: Story, node: Node) -> None:
    """Nobody answers the installer's DHCP, either, as in the LAN of all stories with a stand-in."""
    node.machine.start()
    node.machine.set_lan(up=False)
    node.machine.console.expect(told.medium.words.no_lease, Deadline(INSTALLS))
    installed(node.machine, told.medium.words, INSTALLS)
    node.machine.wait_off()
    unplug_stick(node)
    assert changed_disks(node) == []
    boots_from_the_right_disk(node)


def test_other_disk_has_an_old_system(told: Story, node: Node) -> None:
    """Proxmox's installer writes to it, as the documentation warns: a volume group gets another name."""
    with_stick = node.machine.hardware
    told.install(node)
    old = node.parts.target.rename(node.parts.target.with_name("old.qcow2"))
    empty_disk(node.parts.target, TARGET_GIB)
    former = Disk(file=old, bus=Bus.NVME, serial="PMXOLD", image="qcow2")
    node.machine.hardware = replace(with_stick, disks=(former, *with_stick.disks))
    told.install(node)
    assert changed_disks(node) == []
    boots_from_the_right_disk(node)
    groups = node.machine.succeed("vgs --noheadings --options=vg_name").split()
    (renamed,) = (group for group in groups if group != "pve")
    assert re.fullmatch("pve-OLD-[0-9A-F]{8}", renamed)
    # what is in it is there
    node.machine.succeed(f"mount -o ro /dev/{renamed}/root /mnt")
    assert node.machine.succeed("cat /mnt/etc/hostname").strip() == node.name


def test_two_disks_of_one_model(told: Story, node: Node) -> None:
    # the other disk is an NVMe as well now, and comes first
    disks = (
        replace(disk, bus=Bus.NVME) if disk.bus is Bus.SATA else disk for disk in node.machine.hardware.disks
    )
    node.machine.hardware = replace(node.machine.hardware, disks=tuple(disks))
    told.install(node)
    assert changed_disks(node) == []
    boots_from_the_right_disk(node)
