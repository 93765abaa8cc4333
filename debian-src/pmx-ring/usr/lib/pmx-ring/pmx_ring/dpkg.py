"""Whether apt or dpkg runs: its lock is looked at, and never taken."""

import fcntl
import os
import struct
import time

from pmx_ring.problems import RingError
from pmx_ring.system import System

_DPKG_LOCK = "/var/lib/dpkg/lock-frontend"
_DPKG_SECONDS = 3600
_PAUSE_SECONDS = 0.25
# struct flock of fcntl(2) with the types of 64-bit Linux
_FLOCK = struct.Struct("@hhqqi")


def wait_for_dpkg(system: System) -> None:
    """Return as soon as no apt and no dpkg holds its lock, which is looked at but never taken.

    Raises RingError after an hour: somebody left a question of dpkg unanswered.
    """
    deadline = time.monotonic() + _DPKG_SECONDS
    while dpkg_lock_holder(system):
        if time.monotonic() > deadline:
            raise RingError(
                f"apt or dpkg has been running for {_DPKG_SECONDS // 60} minutes: nothing is applied",
                "let it end, then `pmx-ring apply`",
            )
        time.sleep(_PAUSE_SECONDS)


def dpkg_lock_holder(system: System) -> int:
    """The id of the process that holds dpkg's front-end lock, 0 where none does."""
    try:
        descriptor = os.open(system.path(_DPKG_LOCK), os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, process = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        return 0 if kind == fcntl.F_UNLCK else int(process) or -1
    finally:
        os.close(descriptor)
