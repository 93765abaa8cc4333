"""The machine that steps act on: its files, its clock, and whether it runs."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Time, which tests bring themselves."""

    def now(self) -> datetime:
        """What the clock on the wall says, which may be wrong and may jump."""

    def monotonic(self) -> float:
        """Seconds since some moment, which never jump."""

    def sleep(self, duration: timedelta) -> None:
        """Returns after `duration`."""


class RealClock:
    """This machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, duration: timedelta) -> None:
        time.sleep(duration.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The machine whose files are below `root`."""

    root: Path
    say: Callable[[str], None]
    """Tells a person one line."""
    clock: Clock = field(default_factory=RealClock)
    live: bool = False
    """Whether its systemd runs, so that services and reboots mean something."""
    chroot: bool = False
    """Whether programs must be started in `root`, because it is not this machine's own."""
    dry_run: bool = False
    """Whether everything that would change is only told."""
    deadline: float = math.inf
    """The value of `clock.monotonic()` until which the present step may go on."""

    def path(self, path: str) -> Path:
        """Where the machine's absolute `path` is."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        """What the file holds; empty if there is none."""
        try:
            return self.path(path).read_text("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return ""

    @property
    def remaining(self) -> timedelta:
        """Until the deadline; never negative."""
        return timedelta(seconds=max(0.0, min(self.deadline - self.clock.monotonic(), _LONGEST_S)))


_LONGEST_S = timedelta(days=1).total_seconds()
