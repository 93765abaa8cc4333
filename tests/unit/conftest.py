"""Unit tests run in their own process, in a folder of their own, and start no program."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Command, command_fixture

_STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"}
_guarding = False


def _refuse_programs(event: str, arguments: tuple[object, ...]) -> None:
    if _guarding and event in _STARTS:
        raise AssertionError(f"a unit test starts a program: {event} {arguments!r}")


# a hook cannot be taken away again, hence the switch
sys.addaudithook(_refuse_programs)


@pytest.fixture(autouse=True)
def no_program() -> Iterator[None]:
    """Any program that the test starts makes it fail."""
    global _guarding  # noqa: PLW0603 - the hook is one for the whole process
    _guarding = True
    yield
    _guarding = False


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs the command line in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    return command_fixture(capsys, monkeypatch)
