"""Programs that first boot starts: what happens to those that do not end."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from firstboot.commands import run
from firstboot.step import StepFailed
from tests.firstboot.node import FakeNode

_COMMAND = ["systemctl", "daemon-reload"]

Limits = list[float | None]
Endless = Callable[[type[BaseException] | None], Limits]


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endless]:
    """Makes every wait for a program last as long as it may, the first one till an exception; the limits."""
    processes = []
    limits: Limits = []

    def make(first: type[BaseException] | None) -> Limits:
        def wait(self: subprocess.Popen[bytes], timeout: float | None = None) -> int:
            processes.append(self)
            limits.append(timeout)
            assert timeout is not None, "no limit"
            raise first if first and len(limits) == 1 else subprocess.TimeoutExpired(self.args, timeout)

        monkeypatch.setattr(subprocess.Popen, "wait", wait)
        return limits

    yield make
    monkeypatch.undo()
    for process in processes:
        process.wait(60)


def test_what_no_signal_ends_is_left(node: FakeNode, endless: Endless) -> None:
    """As a program that waits for a disk which is gone."""
    limits = endless(None)
    with pytest.raises(StepFailed, match="`systemctl daemon-reload` was killed by signal 9"):
        run(replace(node.system(), deadline=0), _COMMAND, "remedy")
    assert limits


def test_ctrl_c_waits_no_longer_than_the_step_may(node: FakeNode, endless: Endless) -> None:
    limits = endless(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run(replace(node.system(), deadline=60), _COMMAND, "remedy")
    assert limits == [60, 60]
