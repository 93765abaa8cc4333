"""The locks of apt and dpkg: who holds them, and waiting for their end.

apt's own `DPkg::Lock::Timeout` covers neither `apt-get update` nor dpkg (measured with apt 2.6 and 3.0), and
on Proxmox VE 9 the first start of pveproxy runs an `apt-get update`.
"""

import fcntl
import os
import struct
from datetime import timedelta
from pathlib import Path

from firstboot.step import StepFailed
from firstboot.system import System

_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
_PAUSE = timedelta(seconds=1)
_TELL_AGAIN = timedelta(minutes=1)

# struct flock of fcntl(2) with the types of 64-bit Linux
_FLOCK = struct.Struct("@hhqqi")


def wait_for_locks(system: System) -> None:
    """Returns when nobody holds a lock of apt or dpkg; raises StepFailed when the step's time is up."""
    told_at = -_TELL_AGAIN.total_seconds()
    while holder := _holder(system):
        if not system.remaining:
            raise StepFailed(
                f"{holder} still holds a lock of apt or dpkg", "let it end, or end it; then reboot"
            )
        if system.clock.monotonic() - told_at >= _TELL_AGAIN.total_seconds():
            told_at = system.clock.monotonic()
            system.say(f"waiting for {holder}, which holds a lock of apt or dpkg")
        system.clock.sleep(_PAUSE)


def _holder(system: System) -> str:
    for lock in _LOCKS:
        if process := _locker(system.path(lock)):
            return f"`{_command_of(process)}` (process {process})"
    return ""


def _locker(file: Path) -> int:
    """The process that locks the file, 0 where none does; the lock is looked at, never taken."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, process = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        # a process outside our name space has the number 0
        return 0 if kind == fcntl.F_UNLCK else int(process) or -1
    finally:
        os.close(descriptor)


def _command_of(process: int) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "somebody"
    return b" ".join(words).decode(errors="replace").strip()
