"""Where trees and coloured text go: standard output, plain unless it is a terminal."""

import sys

from rich.console import Console

from pmx_cluster_tb.cli.messages import colour

_WIDTH_WITHOUT_TERMINAL = 100


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leaves it to the command line, where rich would exit with status 1."""
        raise  # noqa: PLE0704 - rich calls this while it handles the BrokenPipeError


def output_console() -> Console:
    """Standard output as rich sees it; text is printed as it is, with neither markup nor emoji."""
    return _Console(
        width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL,
        no_color=colour() is False,
        highlight=False,
        markup=False,
        emoji=False,
    )
