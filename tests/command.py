"""Running the command line inside the test's own process."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pmx_cluster_tb.cli import run

EXAMPLE = Path(__file__).parents[1] / "builder" / "pmx_cluster_tb" / "model" / "example.toml"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


Command = Callable[..., Ran]


def command_fixture(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """A function that runs `pmx-cluster-tb` with its arguments; `stdin` is no terminal."""

    def ran(*arguments: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return ran


def cluster_text(*changes: tuple[str, str]) -> str:
    """The example's file with each first text of `changes`, which must be in it, replaced by the second."""
    text = EXAMPLE.read_text("utf-8")
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return text


def listing() -> list[str]:
    """The names in the current folder."""
    return sorted(path.name for path in Path().iterdir())
