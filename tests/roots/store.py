"""Finished roots in the user's cache, safe against two test runs at once and against killed ones."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tests.roots.recipe import Recipe

_FRESH_SECONDS = 7 * 24 * 3600
"""A root is made again after a week, so that tests meet the Debian that users have."""

_UNUSED_SECONDS = 30 * 24 * 3600

NAMESPACES = ("--mount", "--propagation", "private", "--pid", "--mount-proc", "--fork", "--kill-child")
"""For unshare(1): mounts and processes that end with the process that started them."""


def store() -> Path:
    """The folder that holds all roots; `mount` in it is where each mounts its overlay, unseen by others."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "pmx-cluster-tb" / "roots"
    (folder / "mount").mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def finished_root(recipe: Recipe) -> Iterator[Path]:
    """The folder with the root that `recipe` makes. Nobody removes it as long as this lasts."""
    folder = store() / recipe.name
    with _lock_file(folder).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        while not folder.is_dir() or (_age_seconds(folder) > _FRESH_SECONDS and _is_ours_alone(lock)):
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make(recipe, folder)
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield folder


def _make(recipe: Recipe, folder: Path) -> None:
    """Called with the lock held alone; another process may have made it while we waited for that."""
    if folder.is_dir() and _age_seconds(folder) <= _FRESH_SECONDS:
        return
    remove_unused(folder.parent)
    new = folder.with_name(folder.name + ".new")
    for old in (new, folder):
        shutil.rmtree(old, ignore_errors=not old.exists())
    subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, *recipe.command(str(new))],
        check=True,
        stdin=subprocess.DEVNULL,
        # where Python keeps its bytecode on this machine is none of the packages' business
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
    )
    os.utime(new)
    new.rename(folder)


def remove_unused(roots: Path) -> None:
    """Removes the roots that nobody has taken for a month and nobody holds."""
    for lock_file in roots.glob("*.lock"):
        folder = lock_file.with_suffix("")
        # never waits: the lock of one of them is ours already, and another process may wait for that
        with lock_file.open("a") as lock, suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.is_dir() and _age_seconds(folder) > _UNUSED_SECONDS:
                shutil.rmtree(folder)


def _lock_file(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _is_ours_alone(lock: IO[str]) -> bool:
    """Whether nobody else holds `lock`, which is ours alone then, and shared otherwise."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(lock, fcntl.LOCK_SH)
        return False
    return True


def _age_seconds(folder: Path) -> float:
    return time.time() - folder.stat().st_mtime
