"""How problems, errors and notes look. All of them go to standard error."""

import os
import re
import shlex

import click

from pmx_cluster_tb.cli.commands import SUMMARIES
from pmx_cluster_tb.problems import BadFile, Problem, Severity, UserError

_CALLED = "PMX_CLUSTER_TB_CALLED"
_COMMAND = re.compile(rf"(?<![\w./-])pmx-cluster-tb(?= (?:{'|'.join((*SUMMARIES, '--help'))})\b)")

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def colour() -> bool | None:
    """False where colour is not wanted; None leaves it to whether the stream is a terminal."""
    unwanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return False if unwanted else None


def show_problem(problem: Problem) -> None:
    """The problem, coloured where that is wanted."""
    severity, rest = str(problem).split(":", 1)
    _show(severity, _COLOURS[problem.severity], rest)


def show_problems(problems: tuple[Problem, ...]) -> None:
    """Each problem in turn."""
    for problem in problems:
        show_problem(problem)


def show_error(error: click.UsageError | UserError) -> int:
    """What ended the command; returns the exit status that goes with it."""
    if isinstance(error, BadFile):
        show_problems(error.problems)
    else:
        message, hint = _words(error)
        _show("error", "red", f" {message}", hint)
    return error.exit_code if isinstance(error, click.UsageError) else error.status


def error_json(error: click.UsageError | UserError) -> dict[str, object]:
    """The same as JSON values; `problems` where a file has some, the first error of which stands in front."""
    problems = error.problems if isinstance(error, BadFile) else ()
    message, hint = _words(error)
    if first := next((one for one in problems if one.severity is Severity.ERROR), None):
        message, hint = f"{first.place}: {first.message}", first.hint
    return {
        "error": pasteable(message),
        "hint": pasteable(hint),
        "problems": [problem.as_json() for problem in problems],
    }


def _words(error: click.UsageError | UserError) -> tuple[str, str]:
    if isinstance(error, UserError):
        return error.message, error.hint
    message = error.format_message().rstrip(".").replace("'", "`").replace(". Did you", "; did you")
    path = error.ctx.command_path if error.ctx else "pmx-cluster-tb"
    return f"{message[:1].lower()}{message[1:]}", f"`{path} --help` shows the usage"


def pasteable(text: str) -> str:
    """`text` with the program's name in commands as it was called, which the launcher tells."""
    called = os.environ.get(_CALLED, "")
    return _COMMAND.sub(lambda _: shlex.quote(called), text) if called else text


def note(text: str) -> None:
    """A line for the person at the terminal, apart from the results."""
    click.echo(pasteable(text), err=True, color=colour())


def say(text: str) -> None:
    """A line of the result."""
    click.echo(pasteable(text))


def print_json(value: object) -> None:
    """`value` on standard output."""
    import json

    click.echo(json.dumps(value, indent=2))


def count(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _show(severity: str, foreground: str, rest: str, hint: str = "") -> None:
    text = click.style(f"{severity}:", fg=foreground, bold=True) + rest
    if hint:
        text += f"\n  hint: {hint}"
    click.echo(pasteable(text), err=True, color=colour())
