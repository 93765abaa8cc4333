"""A run that is killed leaves nothing half at a final name, and the next one completes the stick."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")


def kill(count: int) -> None:
    # in memory where there is such a folder: what is killed is a process, and no disk has to keep up
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.artifacts.stick_kills", folder, str(count)],
            cwd=TOP,
            env={"PYTHONPATH": f"{TOP / 'builder'}:{TOP}", "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_ten_kills() -> None:
    kill(10)


@pytest.mark.full
def test_a_hundred_kills() -> None:
    kill(100)
