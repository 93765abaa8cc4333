"""Finished roots in the cache: made once, whole or not at all, by whoever comes first."""

import multiprocessing
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.roots.recipe import Recipe
from tests.roots.store import finished_root, store

pytestmark = pytest.mark.root

WEEK_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Quick(Recipe):
    """A recipe that makes a folder, and notes each time that it does."""

    script: str = 'sleep 0.5; mkdir "$0"; echo once >> "$0/../made"'

    def command(self, target: str) -> list[str]:
        """Run the script with the folder to make."""
        return ["sh", "-c", self.script, target]


QUICK = Quick("quick", (), ())


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own for each test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def made() -> int:
    """How many times the recipe was followed."""
    return len((store() / "made").read_text().split())


def take(_: int) -> str:
    """Make or find the root, in another process."""
    with finished_root(QUICK) as folder:
        return folder.name


def age(folder: Path) -> None:
    """Let the root be older than a week."""
    then = folder.stat().st_mtime - WEEK_SECONDS - 60
    os.utime(folder, (then, then))


def test_four_runs_at_once_make_it_once() -> None:
    """The others wait for the first."""
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert set(pool.map(take, range(4), chunksize=1)) == {QUICK.name}
    assert made() == 1


def test_a_failed_making_leaves_no_root_and_is_no_hindrance() -> None:
    """What it left half-done is removed before the next one."""
    recipe = Quick("quick", (), (), script='mkdir "$0" && [ -e "$0/../allowed" ]')
    with pytest.raises(subprocess.CalledProcessError), finished_root(recipe):
        pass
    assert not (store() / recipe.name).exists()
    (store() / "allowed").touch()
    with finished_root(recipe) as folder:
        assert folder.is_dir()


def test_an_old_root_is_made_again_unless_somebody_uses_it() -> None:
    """So tests meet the Debian that users have, and no run loses its root."""
    with finished_root(QUICK) as folder:
        age(folder)
        with finished_root(QUICK):
            assert made() == 1
    with finished_root(QUICK):
        assert made() == 2
