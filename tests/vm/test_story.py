"""The whole story: from a cluster file and an ISO to a ring that heals, on machines that nobody touches.

Its parts are tests in this order. Each goes on where the one before it ended; what a failed one left is of no
use to the others, so they fail at once.
"""

import json
import re
import time
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
from tests.vm.other_disk import changed_over
from tests.vm.ring import back_by_itself, cut_power, give_power, goes_by, plug, port_to, pull, reaches, whole
from tests.vm.story import Story, changed_disks, story

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.alone]

_SLOWER = 3
_MISSED_AFTER = timedelta(minutes=1)
"""What a broken ring gets to be whole again, or so many times what one takes that is not broken."""


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
    # people leave cables in: the ports at its ends are there while their nodes are installed and finished
    plug(told, CABLES[-1])
    told.each(told.install)
    assert {name: changed_disks(node) for name, node in told.nodes.items()} == {name: [] for name in NAMES}


def test_first_boot_finishes(told: Story) -> None:
    told.each(told.first_boot)
    for node in told.nodes.values():
        is_finished(told, node)


def test_ring_forms_when_the_cables_come(told: Story) -> None:
    for cable in CABLES[:-1]:
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
    # what FRR says in earlier boots is not looked at in the end
    assert unexpected_errors(node) == []
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
        nodes = list(self.story.nodes.values())
        before = [self.snapshots[node.name].hardware for node in nodes]
        try:
            together.restore((node.machine for node in nodes), self.snapshots)
            yield self.story
        finally:
            for node in nodes:
                node.machine.crash()
        changed = {node.name: changed_over(old, node) for old, node in zip(before, nodes, strict=True)}
        assert not any(changed.values()), changed


@pytest.fixture(scope="module")
def formed(told: Story) -> Formed:
    """What mutations of a node in the ring start from; it is the end of the story's machines."""
    assert not told.broken, f"an earlier part has failed: {told.broken}"
    cut_power(told, told.nodes[NAMES[0]])
    two = replace(told, nodes={name: told.nodes[name] for name in NAMES[1:]})
    whole(two)
    snapshots = together.save((node.machine for node in two.nodes.values()), told.folder / "formed")
    return Formed(two, snapshots)


@pytest.fixture(scope="module")
def heals_within(formed: Formed) -> timedelta:
    """How long two nodes that nobody has broken take until they use a cable that came anew."""
    with formed.again() as two:
        pull(two, CABLES[1])
        plug(two, CABLES[1])
        began = time.monotonic()
        whole(two)
        return timedelta(seconds=time.monotonic() - began)


def test_ring_goes_on_from_a_snapshot(heals_within: timedelta) -> None:
    assert heals_within > timedelta(0)


@pytest.mark.parametrize(
    "mutation",
    [pytest.param(one, id=one.name, marks=[] if one.quick else [pytest.mark.full]) for one in ON_NODE],
)
def test_ring_is_missed_when_something_is_broken(
    formed: Formed, heals_within: timedelta, mutation: OnNode
) -> None:
    with formed.again() as two:
        two.nodes[NAMES[1]].machine.succeed(mutation.command)
        pull(two, CABLES[1])
        plug(two, CABLES[1])
        with pytest.raises(MachineFailed) as failure:
            whole(two, max(_MISSED_AFTER, _SLOWER * heals_within))
    assert re.search(mutation.cause, str(failure.value)), str(failure.value)
