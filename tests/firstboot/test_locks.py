"""Waiting for whoever holds a lock of apt or dpkg."""

import subprocess
import sys
from dataclasses import replace

import pytest

from firstboot.locks import wait_for_locks
from firstboot.step import StepFailed
from tests.firstboot.node import FakeNode

LOCKS = (
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/lock",
    "var/lib/apt/lists/lock",
    "var/cache/apt/archives/lock",
)

_HOLD = """import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("path", LOCKS)
def test_whoever_holds_a_lock_is_waited_for(node: FakeNode, path: str) -> None:
    lock = node.write(path, "")
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        system = replace(node.system(), deadline=node.clock.seconds + 90)
        with pytest.raises(StepFailed, match=rf"\(process {holder.pid}\) still holds a lock"):
            wait_for_locks(system)
        holder.communicate(b"")
    assert node.clock.seconds >= 90
    wait_for_locks(system)


@pytest.mark.parametrize("path", LOCKS)
def test_a_file_that_nobody_locks_holds_nobody_up(node: FakeNode, path: str) -> None:
    node.write(path, "")
    wait_for_locks(replace(node.system(), deadline=0))
    assert node.clock.seconds == 0
