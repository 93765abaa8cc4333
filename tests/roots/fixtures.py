"""The fixtures that give a test its root."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.roots.commands import require
from tests.roots.recipe import RELEASES, recipe
from tests.roots.root import Root, fresh_root, needs_root
from tests.roots.store import finished_root

MakeRoot = Callable[[str], Root]
"""From the name of a release to one more fresh root of it."""


@pytest.fixture(scope="session")
def finished_roots() -> Iterator[Callable[[str], Path]]:
    """The finished root of a release, held until the end of the session."""
    needs_root()
    require("mmdebstrap", "setpriv", "unshare")
    held: dict[str, Path] = {}
    with ExitStack() as stack:

        def hold(release: str) -> Path:
            if release not in held:
                held[release] = stack.enter_context(finished_root(recipe(release)))
            return held[release]

        yield hold


@pytest.fixture
def make_root(finished_roots: Callable[[str], Path]) -> Iterator[MakeRoot]:
    """As many fresh roots as a test needs."""
    with ExitStack() as stack:
        yield lambda release: stack.enter_context(fresh_root(release, finished_roots(release)))


@pytest.fixture
def bookworm(make_root: MakeRoot) -> Root:
    """A fresh Debian 12."""
    return make_root("bookworm")


@pytest.fixture
def trixie(make_root: MakeRoot) -> Root:
    """A fresh Debian 13."""
    return make_root("trixie")


@pytest.fixture(params=RELEASES)
def root(request: pytest.FixtureRequest, make_root: MakeRoot) -> Root:
    """A fresh root, once of each release."""
    return make_root(request.param)
