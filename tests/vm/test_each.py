"""Nodes of a story side by side."""

import signal
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Barrier, Semaphore, main_thread

import pytest

from pmx_cluster_tb.machines.hardware import Hardware
from pmx_cluster_tb.machines.machine import Machine
from tests.vm.cluster import Parts
from tests.vm.medium import Medium, Network
from tests.vm.milestones import Milestones
from tests.vm.story import Node, Story
from tests.vm.words import STAND_IN

NOWHERE = Path("/nowhere")


def no_network(_: Path) -> AbstractContextManager[Network]:
    raise NotImplementedError


MEDIUM = Medium(
    iso=NOWHERE,
    release="9.2",
    words=STAND_IN,
    network=no_network,
    newest_kernel=None,
    by_loader=False,
    memory_mib=0,
    system_gib=0,
)


class Off(Machine):
    """A machine that only knows how often its power was cut."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Hardware(disks=()), NOWHERE)
        self.cuts = Semaphore(0)

    def crash(self) -> None:
        self.cuts.release()

    def wait_cut(self) -> bool:
        return self.cuts.acquire(timeout=60)


def off(*names: str) -> tuple[Story, dict[str, Off]]:
    """A story of machines that are off, and those."""
    machines = {name: Off(name) for name in names}
    parts = Parts(target=NOWHERE, other=NOWHERE, stick=NOWHERE)
    nodes = {name: Node(machine, parts, {}) for name, machine in machines.items()}
    return Story(NOWHERE, MEDIUM, nodes, Milestones()), machines


def interrupt() -> None:
    signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


def test_an_interruption_ends_what_all_nodes_wait_for() -> None:
    told, machines = off("pve1", "pve2")
    ended = []
    begun = Barrier(2)

    def part(node: Node) -> None:
        begun.wait(60)
        if node.name == "pve2":
            interrupt()
        ended.append(machines[node.name].wait_cut())

    with pytest.raises(KeyboardInterrupt):
        told.each(part)
    assert ended == [True, True]


def test_an_interruption_ends_nodes_that_are_still_being_started() -> None:
    for _ in range(50):  # which of the others is being started then is chance
        told, machines = off("pve1", "pve2", "pve3")
        ended: list[bool] = []

        def part(node: Node, machines: dict[str, Off] = machines, ended: list[bool] = ended) -> None:
            if node.name == "pve1":
                interrupt()
            ended.append(machines[node.name].wait_cut())

        with pytest.raises(KeyboardInterrupt):
            told.each(part)
        assert ended == [True, True, True]


def test_an_interruption_ends_a_machine_that_is_switched_on_after_it() -> None:
    told, machines = off("pve1")
    ended = []

    def part(node: Node) -> None:
        interrupt()
        machine = machines[node.name]
        ended.extend([machine.wait_cut(), machine.wait_cut()])

    with pytest.raises(KeyboardInterrupt):
        told.each(part)
    assert ended == [True, True]
