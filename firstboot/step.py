"""Steps: what first boot brings about, each only if it is not there yet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from firstboot.system import System


class StepFailed(Exception):
    """A step could not be done: what went wrong, and what the administrator can do about it.

    `hopeless` says that trying again in this boot changes nothing.
    """

    def __init__(self, message: str, remedy: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.hopeless = hopeless


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to bring about. `do` may be called again after it was killed at any point.

    A node is in the ring without its `optional` steps: when one fails, those after it are still done.
    """

    name: str
    is_done: Callable[[System], bool]
    do: Callable[[System], None]
    deadline: timedelta
    optional: bool = False
