"""A run by hand must not meet the one at boot."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from firstboot.system import System

_LOCK = "/run/pmx-first-boot.lock"


class AlreadyRunning(Exception):
    """Another process runs first boot on this machine."""


@contextmanager
def only_runner(system: System) -> Iterator[None]:
    """Holds the machine's lock, which every copy of the hook shares; raises AlreadyRunning."""
    with system.path(_LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning("first boot is running already") from error
        yield
