"""What effects tell while they work; the command line draws it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an effect is.

    With parts, `done` of `total` are finished, and `doing` names the one that begins now, empty at the end.
    With large files, `done` of `total` bytes are, and `doing` names the file.
    """

    done: int
    total: int
    doing: str


Observer = Callable[[Progress], None]
"""Is called before each part and once at the end, or after each few megabytes of a file."""


def unobserved(progress: Progress) -> None:
    """An observer that does not look."""


def amount(size: int) -> str:
    """A number of bytes in the units that are printed on disks and sticks: `1.50 GB`, `10.5 MB`."""
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
