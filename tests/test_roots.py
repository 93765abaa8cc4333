"""The roots themselves: they are fresh, apart from each other and from this machine."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.roots.commands import CommandFailed
from tests.roots.fixtures import MakeRoot
from tests.roots.machine import booted
from tests.roots.root import Root, fresh_root
from tests.roots.snapshot import differences
from tests.roots.store import remove_unused, store
from tests.roots.waiting import wait_for

pytestmark = pytest.mark.root


def test_a_change_is_seen_and_stays_in_its_root(make_root: MakeRoot) -> None:
    """Two roots over one finished root do not see each other's files."""
    first, second = make_root("bookworm"), make_root("bookworm")
    before = first.tree()
    first.run(["sh", "-c", "echo new > /etc/new; rm /etc/debian_version; chmod 700 /srv"])
    assert set(differences(before, first.tree())) == {"/etc/new", "/etc/debian_version", "/srv"}
    assert differences(before, second.tree()) == {}


def test_a_program_that_fails_is_shown(root: Root) -> None:
    """The command line as in the root, its status and both outputs."""
    with pytest.raises(CommandFailed) as caught:
        root.run(["sh", "-c", "echo said; echo complained >&2; exit 3"])
    assert str(caught.value) == (
        "$ sh -c 'echo said; echo complained >&2; exit 3'\nexit status 3\nsaid\ncomplained"
    )


def test_a_root_has_no_network_and_no_processes_of_ours(root: Root) -> None:
    """Only lo, and nothing that runs but what the root itself runs."""
    assert root.run(["sh", "-c", "ls /sys/class/net"]).stdout.split() == ["lo"]
    assert str(os.getpid()) not in root.run(["ls", "/proc"]).stdout.split()


def test_nothing_of_a_root_stays(finished_roots: Callable[[str], Path]) -> None:
    """Its mounts are invisible outside, and a daemon that was left behind ends with it."""
    with fresh_root("bookworm", finished_roots("bookworm")) as root:
        assert str(store()) not in Path("/proc/self/mountinfo").read_text()
        root.run(["sh", "-c", "sleep 1000 &"])
        init = Path(f"/proc/{root.pid}")
        assert init.exists()
    wait_for("end of the root", lambda: not init.exists())


HOLD = """
import sys, time
from pathlib import Path
from tests.roots.machine import booted
from tests.roots.root import fresh_root
with fresh_root("bookworm", Path(sys.argv[1])) as root, booted(root) as machine:
    print(root.pid, machine.leader, flush=True)
    time.sleep(600)
"""


def test_a_killed_run_leaves_nothing(finished_roots: Callable[[str], Path]) -> None:
    """Neither its root nor a machine that it booted survives the process."""
    argv = [sys.executable, "-c", HOLD, str(finished_roots("bookworm"))]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    ) as run:
        assert run.stdout is not None
        processes = [Path("/proc", pid) for pid in run.stdout.readline().split()]
        assert [process.exists() for process in processes] == [True, True]
        run.kill()
    wait_for("end of both", lambda: not any(process.exists() for process in processes))


def test_a_machine_boots_and_hears_of_its_devices(root: Root) -> None:
    """systemd runs, udev announces an interface to it, and nothing fails."""
    root.name_host("pve1")
    with booted(root) as machine:
        machine.run(["ip", "link", "add", "en05", "type", "veth", "peer", "name", "far"])
        machine.run(["udevadm", "settle"])
        device = machine.properties("sys-subsystem-net-devices-en05.device", "ActiveState")
        assert device == {"ActiveState": "active"}
        assert machine.failed_units() == []
        assert machine.says("hostname") == "pve1"
        assert machine.run(["sysctl", "-w", "kernel.sysrq=1"], check=False).status != 0
    assert "en05" not in os.listdir("/sys/class/net")  # noqa: PTH208


def test_a_root_that_was_long_unused_goes_unless_somebody_has_it(tmp_path: Path) -> None:
    folder, lock_file = tmp_path / "old", tmp_path / "old.lock"
    folder.mkdir()
    os.utime(folder, (0, 0))
    with lock_file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_unused(tmp_path)
        assert folder.is_dir()
    remove_unused(tmp_path)
    assert not folder.exists()
