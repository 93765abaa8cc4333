"""What a node's journal may say: warnings of the machines themselves, each with its reason."""

import re
from collections.abc import Iterator, Sequence

from tests.vm.story import Node

_EXPECTED = {
    r"systemctl\[\d+\]: Failed to print the table: Broken pipe": (
        "ifupdown2's start-networking asks `systemctl list-jobs | egrep -q ...` whether the machine goes down"
    ),
    r"watchfrr\.sh\[\d+\]: Cannot stop (zebra|mgmtd|staticd|fabricd): pid file not found": (
        "watchfrr starts by restarting"
    ),
    r"watchfrr\.sh\[\d+\]: Failed to start (mgmtd|staticd|fabricd)!": (
        "on a slow machine watchfrr starts daemons once zebra is up while its first `restart all` still "
        "starts them; whichever comes second says so. Without fabricd there would be no ring"
    ),
    r"watchfrr\[\d+\]: .* (mgmtd|staticd) state -> down : (read returned|unexpected read|write )": (
        "the same, of a daemon that it has just reached; the ring has no static routes"
    ),
    r"zebra\[\d+\]: libyang (Invalid|Unsatisfied) .*\(/frr-(vrf|interface):lib/(vrf|interface)/state/": (
        "FRR 10 at each start and new interface, on Proxmox VE as well (FRR's pull request 19248)"
    ),
}
"""Patterns, and why what they match is no fault of the node."""

_ONCE_OR_TWICE = {
    r"zebra\[\d+\]: .*:(10\.0\.0\.8\d/32|fd00:706d:7800::8\d/128): Failed to enqueue dataplane install": (
        "a route in the ring by a cable that was pulled just then"
    ),
    r"fabricd\[\d+\]: .* Send L[12] IIH on en0[56] failed": "a hello by a cable that was pulled just then",
}
"""The same for what must not go on for minutes: a wrong MTU has fabricd say it every few seconds."""

_AT_MOST = 30

_CRASH = r" OPEN_FABRIC\[\d+\]: "
"""What a daemon calls itself while it crashes."""

_ENDS_WITHIN_S = 90

_GONE = r" watchfrr\[\d+\]: .* fabricd state -> down : (read returned|unexpected read|write )"

_FRR = r" (watchfrr(\.sh)?|zebra|mgmtd|staticd|fabricd)\[\d+\]: "


def unexpected_errors(node: Node) -> list[str]:
    """The messages with priority `err` or worse that no reason is known for.

    Of FRR those of this boot: of each daemon that it stops, as first boot has it do, the others complain.
    """
    earlier = [line for line in _errors(node) if not re.search(_FRR, line)]
    lines = dict.fromkeys([*earlier, *_errors(node, "--boot")])
    units = _journal(node, "--identifier=systemd", "--unit=frr.service")
    ends = [_seconds(line) for line in units if " Stopping frr.service" in line]
    return [line for line in unexpected(list(lines), ends) if not while_it_starts(line, units)]


def unexpected(lines: Sequence[str], ends: Sequence[float] = ()) -> list[str]:
    """The lines for which there is no reason, or which are too many for it.

    Each begins with its time in seconds; `ends` are the times at which FRR was told to end.
    """
    passing = [[line for line in lines if re.search(pattern, line)] for pattern in _ONCE_OR_TWICE]
    known = {line for found in passing if len(found) <= _AT_MOST for line in found}
    known |= set(_crashes_at_an_end(lines, ends))
    return [line for line in lines if line not in known and not is_expected(line)]


def _errors(node: Node, *options: str) -> list[str]:
    return _journal(node, "--priority=err", *options)


def _journal(node: Node, *options: str) -> list[str]:
    command = "journalctl --no-pager --output=short-unix --quiet"
    said = node.machine.succeed(" ".join((command, *options)))
    return [line for line in said.splitlines() if line.strip()]


def _crashes_at_an_end(lines: Sequence[str], ends: Sequence[float]) -> Iterator[str]:
    """What fabricd says when it crashes while it ends, as that of FRR 8.4.4 and 10.3 may with a cable in.

    The first has `isis_terminate` in its backtrace, the other no names.
    """
    for line in lines:
        if re.search(_CRASH, line) and any(0 <= _seconds(line) - end <= _ENDS_WITHIN_S for end in ends):
            yield line


def while_it_starts(line: str, units: Sequence[str]) -> bool:
    """Whether watchfrr says that fabricd is gone before systemd takes FRR for started.

    It starts a daemon twice on a slow machine; FRR counts as started when all have answered.
    """
    if not re.search(_GONE, line):
        return False
    before = [unit for unit in units if _seconds(unit) <= _seconds(line)]
    return bool(before) and " Starting frr.service" in before[-1]


def _seconds(line: str) -> float:
    return float(line.split(maxsplit=1)[0])


def is_expected(line: str) -> bool:
    """Whether a line of the journal is a message of others that is no fault of the node, however often."""
    return any(re.search(pattern, line) for pattern in _EXPECTED)


def failed_units(node: Node) -> list[str]:
    """The units that failed in this boot."""
    said = node.machine.succeed("systemctl list-units --failed --plain --no-legend --no-pager")
    return [line.split()[0] for line in said.splitlines() if line.strip()]
