"""What a fault is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from tests.roots.root import Root

Trouble = Callable[[Root], AbstractContextManager[None]]
"""Makes trouble, and takes it away again."""


@contextmanager
def no_trouble(_root: Root) -> Iterator[None]:
    """The trouble of a fault that is an event only."""
    yield


@dataclass(frozen=True)
class Event:
    """What happens in the middle of a boot: `does` is a shell command; without one all processes are killed.

    It happens `delay_s` after a line of the hook that matches `line`. Of all such lines in an undisturbed run
    it is the one at `part`, from 0 for the first to 1.
    """

    line: str
    part: float = 0
    delay_s: float = 0
    does: str = ""


@dataclass(frozen=True)
class Fault:
    """A trouble that lasts for as many boots as it has `events`, or for one without."""

    kind: str
    name: str
    trouble: Trouble = no_trouble
    events: tuple[Event, ...] = ()
    said: str = ""
    """What the boot must say."""
    status: int | None = 1
    """What the boot must end with; None if the moment decides."""
    environment: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False
    """Whether a step's whole time passes."""
