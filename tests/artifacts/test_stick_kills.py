"""A cut leaves nothing half at a final name, and the next run completes the stick."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.roots.commands import require
from tests.roots.root import needs_root

TOP = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")


def disturb(module: str, count: int) -> None:
    # in memory where there is such a folder: no disk has to keep up
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        ran = subprocess.run(
            [sys.executable, "-m", f"tests.artifacts.{module}", folder, str(count)],
            cwd=TOP,
            env={"PYTHONPATH": f"{TOP / 'builder'}:{TOP}", "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_ten_kills() -> None:
    disturb("stick_kills", 10)


@pytest.mark.full
def test_a_hundred_kills() -> None:
    disturb("stick_kills", 100)


@pytest.mark.full
def test_power_cuts() -> None:
    needs_root()
    require("mkfs.exfat", "fsck.exfat", "mount.exfat-fuse", "losetup")
    disturb("stick_cuts", 30)
