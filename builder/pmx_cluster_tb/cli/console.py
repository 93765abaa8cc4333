"""Where trees and coloured text go: standard output, plain unless it is a terminal."""

import sys

from rich.console import Console

from pmx_cluster_tb.cli.messages import colour

_WIDTH_WITHOUT_TERMINAL = 100


def output_console() -> Console:
    """Standard output as rich sees it; text is printed as it is, with neither markup nor emoji."""
    return Console(
        width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL,
        no_color=colour() is False,
        highlight=False,
        markup=False,
        emoji=False,
    )
