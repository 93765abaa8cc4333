"""The command line: the only code that catches, prints, exits or reads the environment."""

import errno
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TextIO

import click

from pmx_cluster_tb.cli.commands import PROGRAM, program
from pmx_cluster_tb.cli.messages import error_json, note, print_json, show_error
from pmx_cluster_tb.problems import UserError

_COMPLETE = "_PMX_CLUSTER_TB_COMPLETE"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
_INTERRUPTED_STATUS = 130
_ENDING = (signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """The command `pmx-cluster-tb`: runs what `sys.argv` says and ends the process."""
    if instruction := os.environ.get(_COMPLETE):
        sys.exit(_complete(instruction))
    _open_closed_streams()
    for number in _ENDING:
        # `nohup` ignores one of them
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    for stream in (sys.stdout, sys.stderr):
        # names of files may be no UTF-8, and terminals may show less than Unicode
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def _end(number: int, _frame: FrameType | None) -> None:
    """Ends by an exception, so that temporary files, some with secrets, are removed on the way."""
    raise SystemExit(128 + number)


def _open_closed_streams() -> None:
    """Puts /dev/null in the place of standard streams that were closed (`>&-`), which Python makes None."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # so that no file that is opened later gets the number of a standard stream, too
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def run(arguments: list[str]) -> int:
    """Runs the command that `arguments` name and returns the exit status.

    0: done; 1: an operation failed; 2: bad input or usage; 130: interrupted by the user; 141: nobody reads
    the output any more.
    """
    try:
        return _run(arguments)
    except BrokenPipeError:
        return _stop_writing()


def _run(arguments: list[str]) -> int:
    try:
        with program.make_context(PROGRAM, list(arguments)) as context:
            program.invoke(context)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.UsageError, UserError) as error:
        return _failed(error, arguments)
    except KeyboardInterrupt as interrupt:
        if "--json" in arguments:
            print_json({"error": "interrupted", "hint": str(interrupt), "problems": []})
        # on a line of its own, after the terminal's `^C`
        note("\ninterrupted" + (f": {interrupt}" if interrupt.args else ""))
        return _INTERRUPTED_STATUS
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        # files are written by code that tells which; this is the output itself
        _discard(sys.stdout)
        return show_error(UserError(f"cannot write the output: {error.strerror}"))
    return 0


def _failed(error: click.UsageError | UserError, arguments: list[str]) -> int:
    """Who asked for JSON gets it on standard output in a failure, too."""
    if "--json" in arguments:
        print_json(error_json(error))
    return show_error(error)


def _complete(instruction: str) -> int:
    from click.shell_completion import shell_complete

    return shell_complete(program, {}, PROGRAM, _COMPLETE, instruction)


def _stop_writing() -> int:
    """The reader of the output has gone, as `head` does: end without a word, as the signal would end it."""
    # it may be either, as after `2>&1`
    _discard(sys.stdout)
    _discard(sys.stderr)
    return 128 + signal.SIGPIPE


def _discard(stream: TextIO) -> None:
    """Sends what `stream` still holds to nowhere: Python flushes it at its end and would complain then."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
