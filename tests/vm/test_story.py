"""The whole story: from a cluster file and an ISO to a ring that heals, on machines that nobody touches.

Its parts are tests in this order. Each goes on where the one before it ended; what a failed one left is of no
use to the others, so they fail at once.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from pmx_cluster_tb.machines import together
from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.snapshots import Snapshot
from tests.vm.cluster import CABLES, NAMES
from tests.vm.finished import is_finished
from tests.vm.journal import failed_units, unexpected_errors
from tests.vm.medium import RELEASES, medium
from tests.vm.mutations import ON_NODE, OnNode
from tests.vm.ring import back_by_itself, cut_power, give_power, goes_by, plug, port_to, pull, reaches, whole
from tests.vm.story import Story, changed_disks, story

pytestmark = [pytest.mark.vm, pytest.mark.root]

_MISSED_AFTER = timedelta(minutes=1)


@pytest.fixture(scope="module", params=RELEASES)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The story on a release, switched off and with the sticks in."""
    folder = tmp_path_factory.mktemp(f"story-{request.param}")
    with story(medium(request.param), folder, show=print) as one:
        yield one


@pytest.fixture(autouse=True)
def nothing_was_wrong_before(request: pytest.FixtureRequest, told: Story) -> Iterator[None]:
    """Fails a part at once whose beginning is missing."""
    assert not told.broken, f"an earlier part has failed: {told.broken}"
    failed_before = request.session.testsfailed
    yield
    # mutations start from a snapshot: none goes on where another one ended
    if request.session.testsfailed > failed_before and "formed" not in request.fixturenames:
        told.broken = request.node.name


def test_unattended_installation(told: Story) -> None:
    told.each(told.install)
    assert {name: changed_disks(node) for name, node in told.nodes.items()} == {name: [] for name in NAMES}


def test_first_boot_finishes(told: Story) -> None:
    told.each(told.first_boot)
    for node in told.nodes.values():
        is_finished(told, node)


def test_ring_forms_when_the_cables_come(told: Story) -> None:
    for cable in CABLES:
        plug(told, cable)
    whole(told)


def test_traffic_goes_round_when_a_cable_is_pulled(told: Story) -> None:
    cable = CABLES[0]
    (first, _), (second, _) = cable
    near, third = told.nodes[first], NAMES[2]
    pull(told, cable)
    goes_by(near, second, port_to(first, third))
    reaches(near, second)
    told.milestones.tell(first, f"reaches {second} by way of {third}")
    plug(told, cable)
    whole(told)


def test_node_comes_back_after_a_power_cut(told: Story) -> None:
    node = told.nodes[NAMES[1]]
    cut_power(told, node)
    reaches(told.nodes[NAMES[0]], NAMES[2])
    give_power(told, node)
    back_by_itself(told, node)
    whole(told)


def test_nothing_is_left_wrong(told: Story) -> None:
    wrong = {name: failed_units(node) + unexpected_errors(node) for name, node in told.nodes.items()}
    assert not any(wrong.values()), json.dumps(wrong, indent=2)
    for node in told.nodes.values():
        node.machine.succeed("pmx-ring status")
    assert {name: changed_disks(node) for name, node in told.nodes.items()} == {name: [] for name in NAMES}


@dataclass(frozen=True, slots=True)
class Formed:
    """Two nodes with a cable between them, frozen as they ran."""

    story: Story
    snapshots: dict[str, Snapshot]

    @contextmanager
    def again(self) -> Iterator[Story]:
        """Both go on from there, and what becomes of them is thrown away."""
        machines = [node.machine for node in self.story.nodes.values()]
        try:
            together.restore(machines, self.snapshots)
            yield self.story
        finally:
            for machine in machines:
                machine.crash()


@pytest.fixture(scope="module")
def formed(told: Story) -> Formed:
    """What mutations of a node in the ring start from; it is the end of the story's machines."""
    assert not told.broken, f"an earlier part has failed: {told.broken}"
    cut_power(told, told.nodes[NAMES[0]])
    two = replace(told, nodes={name: told.nodes[name] for name in NAMES[1:]})
    whole(two)
    snapshots = together.save((node.machine for node in two.nodes.values()), told.folder / "formed")
    return Formed(two, snapshots)


def test_ring_goes_on_from_a_snapshot(formed: Formed) -> None:
    with formed.again() as two:
        pull(two, CABLES[1])
        plug(two, CABLES[1])
        whole(two)


@pytest.mark.parametrize(
    "mutation",
    [pytest.param(one, id=one.name, marks=[] if one.quick else [pytest.mark.full]) for one in ON_NODE],
)
def test_ring_is_missed_when_something_is_broken(formed: Formed, mutation: OnNode) -> None:
    with formed.again() as two:
        two.nodes[NAMES[1]].machine.succeed(mutation.command)
        pull(two, CABLES[1])
        plug(two, CABLES[1])
        with pytest.raises(MachineFailed) as failure:
            whole(two, _MISSED_AFTER)
    assert re.search(mutation.cause, str(failure.value)), str(failure.value)
