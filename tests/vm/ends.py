"""Waiting for the end of an installation and of a first boot, and saying at once why it is not a good one."""

import re
from datetime import timedelta

from pmx_cluster_tb.machines.console import ConsoleClosed
from pmx_cluster_tb.machines.failure import Deadline, MachineFailed
from pmx_cluster_tb.machines.machine import Machine
from tests.vm.words import Words

_SAYS = "pmx first boot: "
# a line counts when all of it is there: why it went wrong comes last
_BEGINS = rf"{_SAYS}(?:node |(error: [^\r\n]*)[\r\n])"
_EMERGENCY = "You are in emergency mode"
END_OF_FIRST_BOOT = (
    rf"{_SAYS}(?:finished: [0-9a-f]{{64}}|((?:not finished|gave up|error: )[^\r\n]*)[\r\n])|({_EMERGENCY})"
)
_BEGINS_WITHIN = timedelta(minutes=5)
_SILENCE = (
    "systemctl --no-pager --lines=20 status 'proxmox-first-boot*'; ls -l /var/lib/proxmox-first-boot; "
    "head -c 200 /var/lib/proxmox-first-boot/proxmox-first-boot | cat -v"
)


def comes_to(machine: Machine, moment: str, *, end: str, lasts: timedelta) -> None:
    """Waits until `moment` is told of, and fails at once if the `end` is told of first."""
    met = machine.console.expect(f"({moment})|(?:{end})", Deadline(lasts))
    if met[1] is None:
        raise MachineFailed(f"{machine.name} did not come to `{moment}`\n{machine.console.last_lines()}")


def installed(machine: Machine, words: Words, lasts: timedelta) -> None:
    """Waits until the installer, which speaks in `words`, is done and switches the machine off."""
    try:
        end = machine.console.expect(words.ends, Deadline(lasts))
    except ConsoleClosed:
        if not words.may_be_silent:
            raise
        return
    if end[1] is not None:
        raise MachineFailed(f"installation of {machine.name}: {end[1]}\n{machine.console.last_lines()}")


def finish(machine: Machine, password: str, lasts: timedelta) -> None:
    """Waits until first boot has said that it has finished, over all its reboots."""
    deadline = Deadline(lasts)
    begun = machine.console.expect(f"{_BEGINS}|({_EMERGENCY})|(login): ", deadline)
    if begun[3]:
        begun = _begun_late(machine, password, lasts)
    end = begun if begun[1] or begun[2] else machine.console.expect(END_OF_FIRST_BOOT, deadline)
    if why := end[1] or end[2]:
        raise MachineFailed(f"first boot of {machine.name}: {why}\n{machine.console.last_lines()}")


def _begun_late(machine: Machine, password: str, lasts: timedelta) -> re.Match[str]:
    try:
        return machine.console.expect(f"{_BEGINS}|({_EMERGENCY})", Deadline(_BEGINS_WITHIN))
    except MachineFailed:
        machine.log_in("root", password, lasts)
        found = machine.execute(_SILENCE).output
    raise MachineFailed(f"first boot of {machine.name} has said nothing; this is there:\n{found}")
