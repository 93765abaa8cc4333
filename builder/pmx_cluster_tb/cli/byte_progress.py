"""How far reading and writing of large files is, in bytes and bytes per second, on standard error."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from pmx_cluster_tb.cli.messages import colour, note
from pmx_cluster_tb.progress import Observer, Progress, amount

_SECONDS_BETWEEN_LINES = 10.0
_BAR_WIDTH = 16
_FULL_WIDTH = 80
"""With bar, speed and time a line needs as much."""
_DUMB = ("dumb", "unknown")


@contextmanager
def byte_progress() -> Iterator[Observer]:
    """Draws a bar for each file on a terminal, and elsewhere says now and then how far it is."""
    # rich draws nothing on a dumb terminal
    if not sys.stderr.isatty() or os.environ.get("TERM") in _DUMB:
        lines = _Lines()
        yield lines
        lines.finish()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        ProgressColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    console = Console(stderr=True, no_color=colour() is False)
    columns: list[ProgressColumn] = [TextColumn("{task.description}"), DownloadColumn()]
    if console.width >= _FULL_WIDTH:
        columns.insert(1, BarColumn(bar_width=_BAR_WIDTH))
        columns += [TransferSpeedColumn(), TimeRemainingColumn()]
    with Bar(*columns, console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def draw(event: Progress) -> None:
            for doing in [one for one in tasks if one != event.doing]:
                bar.remove_task(tasks.pop(doing))
            if event.doing and event.doing not in tasks:
                tasks[event.doing] = bar.add_task(event.doing, total=event.total)
            if event.doing:
                bar.update(tasks[event.doing], completed=event.done)

        yield draw


class _Lines:
    """A line every ten seconds, and when a file is done."""

    def __init__(self) -> None:
        self._file = Progress(0, 0, "")
        self._began = self._said = 0.0

    def __call__(self, event: Progress) -> None:
        now = monotonic()
        if event.doing != self._file.doing:
            self.finish()
            self._began = self._said = now
        self._file = event
        if event.doing and now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            done = f"{amount(event.done)} of {amount(event.total)}"
            note(f"{event.doing}: {done}{_rate(event.done, now - self._began)}")

    def finish(self) -> None:
        """Says that the last file is done."""
        if self._file.doing:
            size = self._file.total
            note(f"{self._file.doing}: {amount(size)}{_rate(size, monotonic() - self._began)}")


def _rate(size: int, seconds: float) -> str:
    return f", {size / seconds / 1e6:.0f} MB/s" if seconds > 0.1 else ""
