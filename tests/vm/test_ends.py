"""The end of a first boot, on a console of which nobody knows how much of a line it says at once."""

import socket
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from pmx_cluster_tb.machines.console import Console
from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.hardware import Hardware
from pmx_cluster_tb.machines.machine import Machine
from tests.machines.fake_guest import guest
from tests.vm.ends import comes_to, finish, installed
from tests.vm.words import STAND_IN

SOON = timedelta(seconds=0.4)
"""What is not said by then will not be: for what must not be taken for an end."""

IN_TIME = timedelta(minutes=1)


class Saying(Machine):
    """A machine that is nothing but its console."""

    def __init__(self, console: Console) -> None:
        super().__init__("pve1", Hardware(disks=()), Path("/nowhere"))
        self._console = console


def first_boot(machine: Machine, lasts: timedelta = IN_TIME) -> None:
    finish(machine, "", lasts)


def installation(machine: Machine, lasts: timedelta = IN_TIME) -> None:
    installed(machine, STAND_IN, lasts)


def said(text: bytes, part: Callable[[Machine], None]) -> str:
    """How `part` of a story fails on a console that says `text` and waits."""

    def play(line: socket.socket) -> None:
        line.sendall(text)
        line.recv(1)

    with guest(play) as line:
        machine = Saying(Console("pve1", line))
        with pytest.raises(MachineFailed) as failure:
            part(machine)
        machine.console.close()
    return failure.value.message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("pmx first boot: error: this file is", "error: this file is"),
        ("pmx first boot: node `pve1`\r\npmx first boot: not finished, because", "not finished, because"),
        ("pmx first boot: node `pve1`\r\npmx first boot: gave up", "gave up"),
    ],
)
def test_a_line_counts_when_it_is_whole(line: str, told: str) -> None:
    assert said(f"{line}\r\n".encode(), first_boot).startswith(f"first boot of pve1: {told}\n")
    assert said(line.encode(), partial(first_boot, lasts=SOON)).startswith("pve1: no `")


@pytest.mark.parametrize("before", ["", "pve1 login: ", "pmx first boot: node `pve1`\r\n"])
def test_a_system_that_does_not_come_up_is_not_waited_for(before: str) -> None:
    text = f"{before}You are in emergency mode. After logging in, type"
    assert said(text.encode(), first_boot).startswith("first boot of pve1: You are in emergency mode\n")


def test_reason_of_a_refusal_is_whole() -> None:
    line = "Installation refused: no disk found"
    assert said(f"{line}\r\n".encode(), installation).startswith(f"installation of pve1: {line}\n")
    assert said(line.encode(), partial(installation, lasts=SOON)).startswith("pve1: no `")


def test_an_end_before_the_moment_is_no_reason_to_wait() -> None:
    def part(machine: Machine) -> None:
        comes_to(machine, STAND_IN.boot_loader, end=STAND_IN.ends, lasts=IN_TIME)

    told = said(b"making partitions\r\nInstallation failed: the disk is gone\r\n", part)
    assert "did not come to `installing the boot loader`" in told
    assert "the disk is gone" in told
