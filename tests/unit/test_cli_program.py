"""What all commands have in common."""

import errno
import io
import json
import os
import re
from pathlib import Path
from typing import Any, cast

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


@pytest.mark.parametrize("arguments", [(), ("check",)])
def test_help_names_commands_as_the_program_was_called(
    arguments: tuple[str, ...], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMX_CLUSTER_TB_CALLED", "./pmx-cluster-tb")
    ran = command(*arguments, "--help")
    assert "    ./pmx-cluster-tb check" in ran.out
    assert " pmx-cluster-tb check" not in ran.out


def test_json_of_a_failure_has_the_first_error_and_its_hint_in_front(command: Command) -> None:
    said = json.loads(command("plan", "nothere.toml", "--json").out)
    assert said["error"] == "nothere.toml: there is no such file"
    assert said["hint"] == "`pmx-cluster-tb init nothere.toml` writes one"
    assert [one["message"] for one in said["problems"]] == ["there is no such file"]


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


FAILURES: dict[str, tuple[str, ...]] = {
    "usage": ("build", "--json"),
    "no file": ("build", "--out", "out", "--json", "missing.toml"),
    "no plan": ("plan", "--json", "missing.toml"),
    "no artifact": ("inspect", "--json", "missing"),
    "no stick": ("bundle", "--wipe", "--json", "--out", "missing"),
    "no option": ("check", "--json", "--stric"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_json_stays_json_in_a_failure(case: str, command: Command) -> None:
    ran = command(*FAILURES[case])
    assert ran.status == 2
    value = json.loads(ran.out)
    assert list(value) == ["error", "hint", "problems"]
    assert f"error: {value['error'].removeprefix('error: ')}" in ran.err
    assert f"  hint: {value['hint']}" in ran.err or not value["hint"]


UNREADABLE: dict[str, tuple[tuple[str, ...], str]] = {
    "check": (("check", "secret"), "error: secret: "),
    "inspect": (("inspect", "secret"), "error: cannot read `secret`: Permission denied\n"),
    "hash file": (
        ("init", "new.toml", "--root-password-hash-file", "secret"),
        "error: `secret` cannot be read: permission denied\n",
    ),
    "hash folder": (
        ("init", "new.toml", "--root-password-hash-file", "folder"),
        "error: `folder` is a folder, not a file\n",
    ),
    "no hash file": (
        ("init", "new.toml", "--root-password-hash-file", "no hash"),
        "  hint: `(umask 077; pmx-cluster-tb hash-password > 'no hash')`\n",
    ),
    "no key": (("init", "new.toml", "--ssh-key", "no key"), "error: --ssh-key: "),
    "key folder": (("init", "new.toml", "--ssh-key", "folder"), "error: --ssh-key: "),
    "device": (("build", "--example", "--out", "/dev/null"), "error: `/dev/null` is no folder\n"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_paths_that_cannot_be_used_are_told_in_our_words(
    case: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As somebody else than root, who may read everything."""
    real = io.open

    def refused(file: object, *arguments: Any, **options: Any) -> Any:
        if str(file) == "secret":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "secret")
        return real(cast("str", file), *arguments, **options)

    Path("secret").write_text("")
    Path("secret").chmod(0o600)
    Path("folder").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: str(path) not in {"secret", "/dev/null"})
    monkeypatch.setattr(io, "open", refused)
    options, message = UNREADABLE[case]
    ran = command(*options)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err
    assert "nvalid value" not in ran.err


def test_hints_name_the_program_as_it_was_called(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMX_CLUSTER_TB_CALLED", "./pmx-cluster-tb")
    assert "`./pmx-cluster-tb init` writes one" in command("check").err
    assert "hint: `./pmx-cluster-tb check --help` shows the usage" in command("check", "--stric").err
    assert "next: `./pmx-cluster-tb inspect out/" in command("build", "--example", "--out", "out").out
    monkeypatch.setenv("PMX_CLUSTER_TB_CALLED", "/check out/pmx-cluster-tb")
    assert "`'/check out/pmx-cluster-tb' init` writes one" in command("check").err


@pytest.mark.parametrize("name", ["check", "plan", "build"])
def test_a_file_that_is_not_there(name: str, command: Command) -> None:
    options = ("--out", "out") if name == "build" else ()
    ran = command(name, *options)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: cluster.toml: ")
    assert "pmx-cluster-tb init" in ran.err
