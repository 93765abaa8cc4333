"""Waiting for something, with a deadline that tells what was seen last."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

_PAUSE_SECONDS = 0.05


def wait_for(
    what: str,
    look: Callable[[], Seen],
    *,
    until: Callable[[Seen], bool] = bool,
    seconds: float = 90,
    explain: Callable[[], str] = str,
) -> Seen:
    """The first thing that `look` sees for which `until` holds.

    Raises AssertionError after `seconds`, with what was seen last and what `explain` has to say.
    """
    deadline = time.monotonic() + seconds
    while not until(seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s; last seen: {seen}\n{explain()}")
        time.sleep(_PAUSE_SECONDS)
    return seen
