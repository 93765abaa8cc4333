"""Doing steps one after the other: retries, deadlines, and the record of each."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from firstboot.record import Record
from firstboot.settings import Retry
from firstboot.step import Step, StepFailed
from firstboot.system import System

_DISK = "`df -h` shows full disks, `mount | grep ro,` read-only ones; then reboot: every boot tries again"


class RequiredStepFailed(Exception):
    """A step failed without which the others make no sense; it is told and recorded already."""


def do_steps(system: System, steps: Iterable[Step], record: Record, retry: Retry) -> list[str]:
    """Does what is not done yet; the names of the optional steps that failed. Raises RequiredStepFailed."""
    failed: list[str] = []
    for step in steps:
        if not do_step(system, step, record, retry):
            if not step.optional:
                raise RequiredStepFailed(step.name)
            failed.append(step.name)
    return failed


def do_step(system: System, step: Step, record: Record, retry: Retry, *, again: bool = False) -> bool:
    """Does one step unless it is done already, or even so with `again`; whether it succeeded."""
    start = system.clock.monotonic()
    deadline = replace(system, deadline=start + step.deadline.total_seconds())
    try:
        if not again and _is_done(deadline, step):
            system.say(f"{step.name}: already done")
            _record_end(record, step, start, "already-done")
            return True
        system.say(f"{step.name}: started, for {_words(step.deadline)} at most")
        record.add("step-start", step=step.name)
        _try(deadline, step, retry)
        _record_end(record, step, start, "done")
    except StepFailed as error:
        _fail(system, step, record, start, error)
        return False
    except OSError as error:
        _fail(system, step, record, start, _of_os(error))
        return False
    done = "nothing was changed" if system.dry_run else f"done after {_words(_since(system, start))}"
    system.say(f"{step.name}: {done}")
    return True


def _try(system: System, step: Step, retry: Retry) -> None:
    pause = retry.first_pause
    while True:
        try:
            _do(system, step)
        except StepFailed as error:
            if error.hopeless or system.dry_run or system.remaining <= pause:
                raise
            system.say(f"{step.name}: {error.message}")
            system.say(f"{step.name}: trying again in {_words(pause)}")
        else:
            return
        system.clock.sleep(pause)
        pause = min(2 * pause, retry.longest_pause)


def _do(system: System, step: Step) -> None:
    try:
        step.do(system)
        done = system.dry_run or step.is_done(system)
    except OSError as error:
        raise _of_os(error) from error
    if not done:
        raise StepFailed("its commands succeeded, but it is not done", "the lines above this one say more")


def _is_done(system: System, step: Step) -> bool:
    try:
        return step.is_done(system)
    except StepFailed:
        return False  # the action says it better


def _fail(system: System, step: Step, record: Record, start: float, error: StepFailed) -> None:
    system.say(f"{step.name}: failed after {_words(_since(system, start))}: {error.message}")
    system.say(f"hint: {error.remedy}")
    try:
        _record_end(record, step, start, "failed", message=error.message, remedy=error.remedy)
    except OSError as unwritten:
        system.say(f"cannot record it: {_of_os(unwritten).message}")


def _record_end(record: Record, step: Step, start: float, outcome: str, **values: str) -> None:
    seconds = round(_since(record.system, start).total_seconds(), 3)
    record.add("step-end", step=step.name, outcome=outcome, seconds=seconds, optional=step.optional, **values)


def _since(system: System, start: float) -> timedelta:
    return timedelta(seconds=system.clock.monotonic() - start)


def _of_os(error: OSError) -> StepFailed:
    where = f" `{error.filename}`" if error.filename else ""
    return StepFailed(f"cannot write or read{where}: {error.strerror or error}", _DISK)


def _words(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
