"""What all commands have in common."""

import re

import pytest

from pmx_cluster_tb.cli.commands import SUMMARIES
from tests.command import Command


def test_help_names_every_command_in_order(command: Command) -> None:
    ran = command("--help")
    assert (ran.status, ran.err) == (0, "")
    listed = re.findall(r"^  ([a-z-]+)  +\S", ran.out.split("Commands:")[1], flags=re.MULTILINE)
    assert listed == list(SUMMARIES)


@pytest.mark.parametrize("name", SUMMARIES)
def test_help_of_a_command(name: str, command: Command) -> None:
    ran = command(name, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[2].strip() == SUMMARIES[name]
    assert "Example" in ran.out
    assert f"pmx-cluster-tb {name}" in ran.out.split("Example")[1]


def test_no_command_shows_the_help_as_a_mistake(command: Command) -> None:
    ran = command()
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("Usage: pmx-cluster-tb")


def test_version(command: Command) -> None:
    ran = command("--version")
    assert ran.status == 0
    assert re.fullmatch(r"pmx-cluster-tb \d+\.\d+\.\d+\n", ran.out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("buld",), "error: no such command `buld`; did you mean `build`?"),
        (("xyzzy",), "error: no such command `xyzzy`\n"),
        (("check", "--stric"), "error: no such option"),
        (("check", "a", "b"), "error: got unexpected extra argument (b)"),
        (("build",), "error: missing option `--out`"),
        (("build", "a.toml", "--example", "--out", "o"), "error: `--example` takes no FILE"),
        (("inspect",), "error: missing argument `PATH`"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], message: str, command: Command) -> None:
    ran = command(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(message)
    assert re.search(r"^  hint: `pmx-cluster-tb[ a-z]* --help` shows the usage$", ran.err, flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["check", "plan", "build"])
def test_a_file_that_is_not_there(name: str, command: Command) -> None:
    options = ("--out", "out") if name == "build" else ()
    ran = command(name, *options)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: cluster.toml: ")
    assert "pmx-cluster-tb init" in ran.err
