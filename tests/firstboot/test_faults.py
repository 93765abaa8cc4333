"""Faults at first boot; `tests/firstboot/faults` says how they are tried, and tries many more."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.firstboot.faults.catalogue import some_faults
from tests.firstboot.faults.fault import Fault
from tests.firstboot.faults.trial import Undisturbed, explained, fresh_node, try_fault, undisturbed
from tests.roots.recipe import RELEASES

Finished = Callable[[str], Path]

KINDS = 16
"""One fault of each kind, but for those that take long."""

SOME = [(RELEASES[index % 2], fault) for index, fault in enumerate(some_faults(KINDS))]
"""Each on one release: they are about the same code."""

START = "pmx first boot: user: failed after 1.0 s: `useradd` ended with status 1: no\n"
END = "pmx first boot: not finished, because of user: the next boot tries again, 9 at most; more\n"


@pytest.fixture(scope="session")
def reference(finished_roots: Finished) -> Callable[[str], Undisturbed]:
    """An undisturbed run, by release."""
    return cache(lambda release: undisturbed(release, finished_roots(release)))


def _name(value: object) -> str:
    return value.name if isinstance(value, Fault) else str(value)


@pytest.mark.root
@pytest.mark.parametrize(("release", "fault"), SOME, ids=_name)
def test_fault(
    release: str, fault: Fault, finished_roots: Finished, reference: Callable[[str], Undisturbed]
) -> None:
    undisturbed_run = reference(release)
    with fresh_node(release, finished_roots(release), slow=fault.slow) as node:
        try_fault(node, fault, undisturbed_run)


@pytest.mark.parametrize(
    ("said", "is_explained"),
    [
        (f"{START}pmx first boot: hint: try\n{END}", True),
        (f"{START}{END}", False),
        (END, False),
        ("pmx first boot: error: no space\npmx first boot: hint: df\n", True),
        ("pmx first boot: error: no space\n", False),
        (f"{START}pmx first boot: hint: try\nTraceback\n", False),
    ],
)
def test_what_a_failed_boot_must_say(said: str, is_explained: bool) -> None:
    assert explained(said.splitlines()) == is_explained
