"""The machine that the tests of pmx-ring run on."""

from pathlib import Path

import pytest

from tests.node.machine import Machine, fresh_machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    """A node whose package is installed, and nothing of it in force."""
    return fresh_machine(tmp_path, monkeypatch, capsys)
