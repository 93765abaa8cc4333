"""Faults at first boot; `tests/firstboot/faults` says how they are tried."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.firstboot.faults.catalogue import Fault, catalogue, power_cuts
from tests.firstboot.faults.trial import boot, fresh_node, try_fault
from tests.roots.snapshot import Snapshot

pytestmark = pytest.mark.root

SEED = int(os.environ.get("PMX_FAULT_SEED", "3"))
RUN_S = 6.0
"""About how long an undisturbed run lasts."""

NAMED = catalogue()
CUTS = list(power_cuts(5, Random(SEED), RUN_S))
MORE_CUTS = list(power_cuts(85, Random(SEED + 1), RUN_S))

Finished = Callable[[str], Path]


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def undisturbed(release: str, finished_roots: Finished) -> Iterator[Snapshot]:
    """The tree that an undisturbed run ends in."""
    with fresh_node(release, finished_roots(release)) as node:
        outcome = boot(node)
        assert outcome.status == 0, outcome
        yield node.tree()


def _try(release: str, finished_roots: Finished, fault: Fault, undisturbed: Snapshot) -> None:
    with fresh_node(release, finished_roots(release)) as node:
        try_fault(node, fault, undisturbed)


@pytest.mark.parametrize("fault", [*NAMED, *CUTS], ids=lambda fault: fault.name)
def test_fault(release: str, finished_roots: Finished, undisturbed: Snapshot, fault: Fault) -> None:
    # each release takes one half of them: they are about the same code
    if (([*NAMED, *CUTS].index(fault) % 2) == 0) == (release == "bookworm"):
        _try(release, finished_roots, fault, undisturbed)


@pytest.mark.full
@pytest.mark.parametrize("fault", [*NAMED, *MORE_CUTS], ids=lambda fault: fault.name)
def test_fault_on_both(release: str, finished_roots: Finished, undisturbed: Snapshot, fault: Fault) -> None:
    _try(release, finished_roots, fault, undisturbed)
