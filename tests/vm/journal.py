"""What a node's journal may say: warnings of the machines themselves, each with its reason."""

import re

from tests.vm.story import Node

_EXPECTED: dict[str, str] = {}
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
