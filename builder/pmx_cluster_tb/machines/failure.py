"""What goes wrong with machines, and the deadlines that tell it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from pmx_cluster_tb.problems import UserError

Seen = TypeVar("Seen")

_PAUSE_SECONDS = 0.2


class MachineFailed(UserError):
    """A machine did not do what was waited for; the message ends with what its console said last."""


class Deadline:
    """The moment until which something may last."""

    def __init__(self, lasts: timedelta) -> None:
        self.lasts = lasts
        self._end = time.monotonic() + lasts.total_seconds()

    @property
    def seconds_left(self) -> float:
        """Never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        return self.seconds_left == 0

    def __str__(self) -> str:
        return f"{self.lasts.total_seconds():g} s"


def wait_until(
    what: str,
    look: Callable[[], Seen],
    deadline: Deadline,
    *,
    until: Callable[[Seen], bool] = bool,
    explain: Callable[[], str] = str,
) -> Seen:
    """The first thing that `look` sees for which `until` holds.

    Raises MachineFailed at the deadline, with what was seen last and what `explain` has to say.
    """
    while not until(seen := look()):
        if deadline.is_over:
            raise MachineFailed(f"no {what} within {deadline}; last seen: {seen}\n{explain()}".rstrip())
        time.sleep(_PAUSE_SECONDS)
    return seen
