"""Steps: what first boot does, one after the other, each only if it is not done yet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


class StepFailed(Exception):
    """A step could not be done: what went wrong, and what the administrator can do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to bring about. `do` may be called again after it was killed at any point."""

    name: str
    is_done: Callable[[], bool]
    do: Callable[[], None]


def log(message: str) -> None:
    """One line to the journal."""
    print(f"pmx first boot: {message}", flush=True)  # noqa: T201 - the journal reads standard output


def run_steps(steps: Iterable[Step]) -> None:
    """Does what is not done yet; raises StepFailed at the first step that cannot be done."""
    for step in steps:
        if step.is_done():
            log(f"{step.name}: already done")
            continue
        log(f"{step.name}: started")
        try:
            _do(step)
        except StepFailed as error:
            raise StepFailed(f"{step.name}: {error.message}", error.remedy) from error
        log(f"{step.name}: done")


def _do(step: Step) -> None:
    step.do()
    if not step.is_done():
        raise StepFailed("its commands succeeded, but it is not done", "the lines above this one say more")
