"""What effects tell while they work; the command line draws it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` parts are finished; `doing` names the one that begins now, empty at the end."""

    done: int
    total: int
    doing: str


Observer = Callable[[Progress], None]
"""Is called before each part, and once at the end."""


def unobserved(progress: Progress) -> None:
    """An observer that does not look."""
