"""The machines' way to the internet: nodes of a genuine ISO get their packages from Proxmox and Debian.

Each machine has a network of its own, in which QEMU itself is the gateway and passes names and connections on
to this machine. Nodes do not see each other there, only by their cables.
"""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.roots.store import store
from tests.vm.lan import GATEWAY, PREFIX_LENGTH

_NETWORK = f"{GATEWAY.rpartition('.')[0]}.0/{PREFIX_LENGTH}"
_DNS = f"{GATEWAY.rpartition('.')[0]}.3"
"""QEMU refuses a name server at the gateway's address."""


@dataclass(frozen=True, slots=True)
class Internet:
    """As `Lan`, for machines in this machine's own network namespace."""

    prefix: tuple[str, ...] = ()
    dns: str = _DNS

    def add(self, name: str) -> str:  # noqa: ARG002 # each gets the same, and none sees the other
        """One more machine; returns the value of QEMU's -netdev for it."""
        # without IPv6: QEMU would offer a way that this machine may not have
        return f"user,ipv6=off,net={_NETWORK},host={GATEWAY},dns={_DNS}"


@contextmanager
def internet() -> Iterator[Internet]:
    """The internet. Only one at a time on this machine: cables have the same UDP ports in each story."""
    # not in /tmp, where anybody could have put a link of that name
    with (store().parent / "internet.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another story has the internet: waiting for its end", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield Internet()
