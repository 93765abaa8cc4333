"""What a person sees: every line in the journal, and what matters on the console too."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_OUTPUT_OF_OTHERS = "| "


def log_to(console: Path | None) -> Callable[[str], None]:
    """A function that prints a line, which the journal reads, and writes it to `console`.

    What programs say goes to the journal only. A console that is not there or does not take it is no error.
    """

    def say(message: str) -> None:
        # the journal may restart while systemd is upgraded
        with suppress(OSError, ValueError):
            print(f"pmx first boot: {message}", flush=True)  # noqa: T201 - the journal reads standard output
        if console is not None and not message.startswith(_OUTPUT_OF_OTHERS):
            write_console(console, f"pmx first boot: {message}\n")

    return say


def write_console(console: Path, text: str) -> None:
    """Writes `text` as far as the console takes it at once: a paused terminal must not stop the boot."""
    with suppress(OSError):
        descriptor = os.open(console, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode(errors="replace"))
        finally:
            os.close(descriptor)


def is_by_hand() -> bool:
    """Whether a person looks at the output already."""
    return sys.stdout.isatty()
