"""Trouble during an installation, on the machine of one node: it ends well, and on the right disk."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pmx_cluster_tb.machines.hardware import Bus
from tests.vm.cluster import target_serial
from tests.vm.ends import comes_to, installed
from tests.vm.medium import RELEASES, medium
from tests.vm.story import INSTALLS, Node, Story, changed_disks, log_in, story, unplug_stick

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.full]

_SERIAL = "lsblk --nodeps --noheadings --output=SERIAL $(pvs --noheadings --options=pv_name | sed s/p3$//)"


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
    """The installation asks nobody; no DHCP server is in the LAN of any story."""
    node.machine.start()
    node.machine.set_lan(up=False)
    installed(node.machine, told.medium.words, INSTALLS)
    node.machine.wait_off()
    unplug_stick(node)
    assert changed_disks(node) == []
    boots_from_the_right_disk(node)


def test_two_disks_of_one_model(told: Story, node: Node) -> None:
    # the other disk is an NVMe as well now, and comes first
    disks = (
        replace(disk, bus=Bus.NVME) if disk.bus is Bus.SATA else disk for disk in node.machine.hardware.disks
    )
    node.machine.hardware = replace(node.machine.hardware, disks=tuple(disks))
    told.install(node)
    assert changed_disks(node) == []
    boots_from_the_right_disk(node)
