"""Faults at first boot; `tests/firstboot/faults` says how they are tried."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.firstboot.faults.catalogue import Fault, all_faults
from tests.firstboot.faults.trial import fresh_node, try_fault, undisturbed_tree
from tests.roots.recipe import RELEASES
from tests.roots.snapshot import Snapshot

pytestmark = pytest.mark.root

Finished = Callable[[str], Path]

SOME = [(RELEASES[index % 2], fault) for index, fault in enumerate(all_faults(24))]
"""Each on one release: they are about the same code."""

MANY = [(release, fault) for release in RELEASES for fault in all_faults(60)]


@pytest.fixture(scope="session")
def undisturbed(finished_roots: Finished) -> Callable[[str], Snapshot]:
    """The tree that an undisturbed run ends in, by release."""
    return cache(lambda release: undisturbed_tree(release, finished_roots(release)))


def _name(value: object) -> str:
    return value.name if isinstance(value, Fault) else str(value)


@pytest.mark.parametrize(("release", "fault"), SOME, ids=_name)
def test_fault(
    release: str, fault: Fault, finished_roots: Finished, undisturbed: Callable[[str], Snapshot]
) -> None:
    tree = undisturbed(release)
    with fresh_node(release, finished_roots(release)) as node:
        try_fault(node, fault, tree)


@pytest.mark.full
@pytest.mark.parametrize(("release", "fault"), MANY, ids=_name)
def test_each_fault_on_each_release(
    release: str, fault: Fault, finished_roots: Finished, undisturbed: Callable[[str], Snapshot]
) -> None:
    test_fault(release, fault, finished_roots, undisturbed)
