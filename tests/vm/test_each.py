"""Nodes of a story side by side."""

import signal
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Barrier, Event, main_thread

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
    """A machine that only knows whether its power was cut."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Hardware(disks=()), NOWHERE)
        self.cut = Event()

    def crash(self) -> None:
        self.cut.set()


def test_an_interruption_ends_what_all_nodes_wait_for() -> None:
    machines = {name: Off(name) for name in ("pve1", "pve2")}
    parts = Parts(target=NOWHERE, other=NOWHERE, stick=NOWHERE)
    nodes = {name: Node(machine, parts, {}) for name, machine in machines.items()}
    told = Story(NOWHERE, MEDIUM, nodes, Milestones())
    ended = []
    begun = Barrier(2)

    def part(node: Node) -> None:
        begun.wait(60)
        if node.name == "pve2":
            signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
        ended.append(machines[node.name].cut.wait(60))

    with pytest.raises(KeyboardInterrupt):
        told.each(part)
    assert ended == [True, True]
