"""What a node's journal may say: warnings of the machines themselves, each with its reason."""

import re

from tests.vm.story import Node

_EXPECTED = {
    r"watchfrr\.sh\[\d+\]: Cannot stop (zebra|staticd|fabricd): pid file not found": (
        "watchfrr starts by restarting"
    ),
    r"watchfrr\.sh\[\d+\]: Failed to start (staticd|fabricd)!": (
        "on a slow machine watchfrr starts daemons once zebra is up while its first `restart all` still "
        "starts them; whichever comes second says so. Without fabricd there would be no ring"
    ),
    r"watchfrr\[\d+\]: .* staticd state -> down : (read returned EOF|unexpected read error)": (
        "the same, of a daemon that it has just reached; the ring has no static routes"
    ),
    r"zebra\[\d+\]: .* Failed to enqueue dataplane install": "a route by a cable that was pulled just then",
    r"fabricd\[\d+\]: .* Send L2 IIH on en0[56] failed": "a hello by a cable that was pulled just then",
}
"""Patterns, and why what they match is no fault of the node."""


def unexpected_errors(node: Node) -> list[str]:
    """The messages of this boot with priority `err` or worse that no reason is known for."""
    said = node.machine.succeed(
        "journalctl --boot --priority=err --no-pager --output=short-monotonic --quiet"
    )
    return [
        line
        for line in said.splitlines()
        if line.strip() and not any(re.search(pattern, line) for pattern in _EXPECTED)
    ]


def failed_units(node: Node) -> list[str]:
    """The units that failed in this boot."""
    said = node.machine.succeed("systemctl list-units --failed --plain --no-legend --no-pager")
    return [line.split()[0] for line in said.splitlines() if line.strip()]
