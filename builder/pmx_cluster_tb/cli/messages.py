"""How problems, errors and notes look. All of them go to standard error."""

import os

import click

from pmx_cluster_tb.problems import BadFile, Problem, Severity, UserError

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
    match error:
        case BadFile():
            show_problems(error.problems)
            return error.status
        case UserError():
            _show("error", "red", f" {error.message}", error.hint)
            return error.status
        case click.UsageError():
            message = error.format_message().rstrip(".").replace("'", "`").replace(". Did you", "; did you")
            path = error.ctx.command_path if error.ctx else "pmx-cluster-tb"
            _show("error", "red", f" {message[:1].lower()}{message[1:]}", f"`{path} --help` shows the usage")
            return error.exit_code


def note(text: str) -> None:
    """A line for the person at the terminal, apart from the results."""
    click.echo(text, err=True, color=colour())


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
    click.echo(text, err=True, color=colour())
