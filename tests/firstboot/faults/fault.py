"""What a fault is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.firstboot.power_on import Event
from tests.roots.root import Root

Trouble = Callable[[Root], AbstractContextManager[None]]
"""Makes trouble for a node that is off, and takes it away again."""


@contextmanager
def no_trouble(_root: Root) -> Iterator[None]:
    """The trouble of a fault that is an event only."""
    yield


@dataclass(frozen=True)
class Fault:
    """A trouble that lasts until first boot has ended, or until the last of its `events` cut the power."""

    kind: str
    name: str
    trouble: Trouble = no_trouble
    events: tuple[Event, ...] = ()
    said: str = ""
    """What first boot must say."""
    state: str | None = "failed"
    """How the unit must end; None if the moment decides."""
    slow: bool = False
    """Whether a step's whole time passes."""
