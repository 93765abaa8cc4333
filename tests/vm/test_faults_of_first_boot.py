"""The power fails at several moments of a first boot: whichever it is, one of the next boots finishes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pmx_cluster_tb.machines.images import overlaid
from tests.vm.ends import END_OF_FIRST_BOOT, comes_to
from tests.vm.finished import is_finished
from tests.vm.journal import failed_units, unexpected_errors
from tests.vm.medium import RELEASES, medium
from tests.vm.other_disk import changed_over
from tests.vm.story import FINISHES, Node, Story, story

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.full]

_CUTS = {
    "during the upgrade": r"pmx first boot: repositories: done",
    "while packages are installed": r"pmx first boot: upgrade: done",
    "before the user is made": r"pmx first boot: extras: done",
    "when it asks for a reboot": r"pmx first boot: rebooting: ",
}


@pytest.fixture(scope="module", params=RELEASES)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A story of one node, installed and off."""
    folder = tmp_path_factory.mktemp(f"first-boot-{request.param}")
    with story(medium(request.param), folder, show=print, names=("pve1",)) as one:
        one.install(one.nodes["pve1"])
        yield one


@pytest.fixture
def node(told: Story, tmp_path: Path) -> Iterator[Node]:
    """The node with disks that are thrown away."""
    one = told.nodes["pve1"]
    hardware = one.machine.hardware
    one.machine.hardware = overlaid(hardware, tmp_path)
    yield one
    one.machine.crash()
    changed = changed_over(hardware, one)
    one.machine.hardware = hardware
    assert changed == []


def finishes_well(told: Story, node: Node) -> None:
    """The next boots finish it, and nothing shows that the power was cut."""
    told.first_boot(node)
    is_finished(told, node)
    assert failed_units(node) == []
    assert unexpected_errors(node) == []


@pytest.mark.parametrize("moment", _CUTS)
def test_power_cut(told: Story, node: Node, moment: str) -> None:
    node.machine.start()
    comes_to(node.machine, _CUTS[moment], end=END_OF_FIRST_BOOT, lasts=FINISHES)
    node.machine.crash()
    finishes_well(told, node)


def test_power_cuts_at_every_moment_in_turn(told: Story, node: Node) -> None:
    # the start after the second one runs the new kernel: no reboot is asked for any more
    for moment in list(_CUTS)[:3]:
        node.machine.start()
        comes_to(node.machine, _CUTS[moment], end=END_OF_FIRST_BOOT, lasts=FINISHES)
        node.machine.crash()
    finishes_well(told, node)
