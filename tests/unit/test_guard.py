"""The suite's own guard."""

import os
import subprocess
import sys

import pytest

from pmx_cluster_tb.process import run


def test_a_unit_test_that_starts_a_program_fails() -> None:
    with pytest.raises(AssertionError, match="starts a program"):
        subprocess.run([sys.executable, "--version"], check=True)
    with pytest.raises(AssertionError, match="starts a program"):
        os.posix_spawn(sys.executable, [sys.executable, "--version"], {})
    with pytest.raises(AssertionError, match="starts a program"):
        run([sys.executable, "--version"])
