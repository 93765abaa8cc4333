"""Steps one after the other: done or not, retried, out of time, optional, and what is recorded."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from firstboot.record import Record
from firstboot.sequence import RequiredStepFailed, do_step, do_steps
from firstboot.settings import Retry
from firstboot.step import Step, StepFailed
from firstboot.system import System
from tests.firstboot.node import FakeNode

RETRY = Retry(timedelta(seconds=5), timedelta(seconds=20), boots=3, reboots=1)
MINUTE = timedelta(minutes=1)


@dataclass
class Work:
    """Something to do that fails as often as told."""

    failures: int = 0
    error: Exception = field(default_factory=lambda: StepFailed("no luck", "wait"))
    tries: list[float] = field(default_factory=list)
    done: bool = False

    def step(self, **changes: object) -> Step:
        step = Step(name="work", is_done=lambda _: self.done, do=self._do, deadline=MINUTE)
        return replace(step, **changes)  # type: ignore[arg-type]

    def _do(self, system: System) -> None:
        self.tries.append(system.clock.monotonic())
        if len(self.tries) <= self.failures:
            raise self.error
        self.done = True


@pytest.fixture
def record(node: FakeNode) -> Record:
    return Record(node.system(), "run")


def outcomes(record: Record) -> list[object]:
    return [event["outcome"] for event in record.events() if event["event"] == "step-end"]


def test_what_is_done_is_left_alone(node: FakeNode, record: Record) -> None:
    work = Work(done=True)
    assert do_steps(node.system(), [work.step()], record, RETRY) == []
    assert work.tries == []
    assert node.said == ["work: already done"]
    assert outcomes(record) == ["already-done"]


def test_pauses_double_up_to_the_longest(node: FakeNode, record: Record) -> None:
    work = Work(failures=5)
    assert do_step(node.system(), work.step(deadline=5 * MINUTE), record, RETRY)
    assert work.tries == [0, 5, 15, 35, 55, 75]
    assert outcomes(record) == ["done"]
    assert node.said[:3] == [
        "work: started, for 5 min at most",
        "work: no luck",
        "work: trying again in 5.0 s",
    ]


def test_no_try_starts_after_the_deadline(node: FakeNode, record: Record) -> None:
    work = Work(failures=99)
    with pytest.raises(RequiredStepFailed, match="work"):
        do_steps(node.system(), [work.step(), Work().step()], record, RETRY)
    assert work.tries == [0, 5, 15, 35, 55]
    (end,) = [event for event in record.events() if event["event"] == "step-end"]
    assert (end["outcome"], end["message"], end["remedy"]) == ("failed", "no luck", "wait")
    assert node.said[-2:] == ["work: failed after 55 s: no luck", "hint: wait"]


def test_what_is_hopeless_is_not_tried_again(node: FakeNode, record: Record) -> None:
    work = Work(failures=99, error=StepFailed("never", "give up", hopeless=True))
    assert not do_step(node.system(), work.step(), record, RETRY)
    assert work.tries == [0]


def test_an_optional_step_does_not_stop_the_others(node: FakeNode, record: Record) -> None:
    bad, good = Work(failures=99), Work()
    assert do_steps(node.system(), [bad.step(optional=True), good.step()], record, RETRY) == ["work"]
    assert good.done


def test_success_that_brings_nothing_about_is_a_failure(node: FakeNode, record: Record) -> None:
    step = Work().step(do=lambda _: None)
    assert not do_step(node.system(), step, record, RETRY)
    assert "its commands succeeded, but it is not done" in node.said[-2]


@pytest.mark.parametrize("where", ["do", "is_done"])
def test_a_read_only_system_is_said(node: FakeNode, record: Record, where: str) -> None:
    def refuse(_system: System) -> bool:
        raise OSError(30, "Read-only file system", "/etc/passwd")

    assert not do_step(node.system(), Work().step(**{where: refuse}), record, RETRY)
    assert node.said[-2].endswith("cannot write or read `/etc/passwd`: Read-only file system")
    assert "`mount | grep ro,`" in node.said[-1]


def test_a_bug_is_not_hidden(node: FakeNode, record: Record) -> None:
    with pytest.raises(ZeroDivisionError):
        do_step(node.system(), Work(failures=1, error=ZeroDivisionError()).step(), record, RETRY)


def test_once_more_by_hand(node: FakeNode, record: Record) -> None:
    work = Work(done=True)
    assert do_step(node.system(), work.step(), record, RETRY, again=True)
    assert len(work.tries) == 1


def test_a_dry_run_tries_once_and_records_nothing(node: FakeNode) -> None:
    record = Record(node.system(dry_run=True), "run")
    work = Work(failures=1)
    assert not do_step(node.system(dry_run=True), work.step(), record, RETRY)
    assert len(work.tries) == 1
    assert record.events() == []


def test_a_dry_run_does_not_call_it_done(node: FakeNode) -> None:
    record = Record(node.system(dry_run=True), "run")
    assert do_step(node.system(dry_run=True), Work().step(), record, RETRY)
    assert node.said[-1] == "work: nothing was changed"
