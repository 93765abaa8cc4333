"""What a node's journal may say: warnings of the machines themselves, each with its reason."""

import re

from tests.vm.story import Node

_EXPECTED = {
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
    r"zebra\[\d+\]: .* Failed to enqueue dataplane install": "a route by a cable that was pulled just then",
    r"fabricd\[\d+\]: .* Send L2 IIH on en0[56] failed": "a hello by a cable that was pulled just then",
}
"""Patterns, and why what they match is no fault of the node."""

_FRR = r" (watchfrr(\.sh)?|zebra|mgmtd|staticd|fabricd)\[\d+\]: "


def unexpected_errors(node: Node) -> list[str]:
    """The messages with priority `err` or worse that no reason is known for.

    Of FRR those of this boot: of each daemon that it stops, as first boot has it do, the others complain.
    """
    earlier = [line for line in _errors(node) if not re.search(_FRR, line)]
    lines = dict.fromkeys([*earlier, *_errors(node, "--boot")])
    return [line for line in lines if not is_expected(line)]


def _errors(node: Node, *options: str) -> list[str]:
    command = "journalctl --priority=err --no-pager --output=short-monotonic --quiet"
    said = node.machine.succeed(" ".join((command, *options)))
    return [line for line in said.splitlines() if line.strip()]


def is_expected(line: str) -> bool:
    """Whether a line of the journal is a message of others that is no fault of the node."""
    return any(re.search(pattern, line) for pattern in _EXPECTED)


def failed_units(node: Node) -> list[str]:
    """The units that failed in this boot."""
    said = node.machine.succeed("systemctl list-units --failed --plain --no-legend --no-pager")
    return [line.split()[0] for line in said.splitlines() if line.strip()]
