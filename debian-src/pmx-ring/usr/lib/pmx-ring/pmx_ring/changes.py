"""What a step of an apply finds to do: values first, so that a dry run is the same run without the doing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pmx_ring.facts import Facts
from pmx_ring.state import State
from pmx_ring.system import System


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do; `text` says it in the imperative."""

    text: str
    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know where nothing is to do."""

    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """Something to remember that changes nothing in force; not worth a word."""

    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Context:
    """What every step works on."""

    system: System
    state: State
    under_dpkg: bool = False
    """Whether a maintainer script of ours runs this: dpkg holds its lock, and does nothing else meanwhile."""


Finding = Change | Notice | Record
Changes = Iterator[Finding]
Step = Callable[[Context, Facts | None], Changes]
"""Looks at the machine as it goes: a change is done before the next one is looked for.

Without facts, no node's package is installed, and the step takes back what it did before.
"""
