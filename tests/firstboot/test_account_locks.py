"""Locks on the user databases: stale ones go, held ones stay."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstboot.accounts import remove_stale_locks
from tests.firstboot.node import FakeNode
from tests.roots.waiting import wait_for


@pytest.fixture
def useradd(tmp_path: Path) -> Iterator[int]:
    """A running program with that name."""
    program = tmp_path / "useradd"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([program, "600"]) as process:
        # the kernel gives the name only after Popen has returned
        name = Path(f"/proc/{process.pid}/comm")
        wait_for("name", name.read_text, until=lambda text: text == "useradd\n")
        yield process.pid
        process.kill()


@pytest.mark.parametrize("content", ["", "x", "OURS", "OURS\0", "999999999"])
def test_a_lock_of_no_tool_goes(node: FakeNode, content: str) -> None:
    content = content.replace("OURS", str(os.getpid()))
    node.write("etc/passwd.lock", content)
    node.write(f"etc/gshadow.{os.getpid()}", content)
    before = (node.root / "etc/passwd").read_text()
    remove_stale_locks(node.system())
    assert not list((node.root / "etc").glob("*.lock"))
    assert not list((node.root / "etc").glob("gshadow.*"))
    assert (node.root / "etc/passwd").read_text() == before
    assert node.said[0] == "removing /etc/passwd.lock, left by a killed program"


def test_a_lock_of_a_running_tool_stays(node: FakeNode, useradd: int) -> None:
    for name, content in {
        "passwd.lock": f"{useradd}\0",
        f"passwd.{useradd}": f"{useradd}\0",
        "group.bak": "",
    }.items():
        node.write(f"etc/{name}", content)
    remove_stale_locks(node.system())
    assert sorted(path.name for path in (node.root / "etc").glob("passwd.*")) == [
        f"passwd.{useradd}",
        "passwd.lock",
    ]
    assert (node.root / "etc/group.bak").exists()
    assert node.said == []


@pytest.mark.parametrize(
    ("name", "content"), [("passwd.20240101", "root:x:0:0::/root:/bin/sh\n"), ("group.1", "sudo:x:27:\n")]
)
def test_a_copy_that_somebody_made_stays(node: FakeNode, name: str, content: str) -> None:
    copy = node.write(f"etc/{name}", content)
    remove_stale_locks(node.system())
    assert copy.exists()


def test_a_dry_run_only_tells(node: FakeNode) -> None:
    lock = node.write("etc/shadow.lock", "1")
    remove_stale_locks(node.system(dry_run=True))
    assert lock.exists()
    assert node.said == ["would remove /etc/shadow.lock, left by a killed program"]
