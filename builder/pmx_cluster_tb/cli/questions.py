"""Questions to the person at the terminal, each with an answer that Enter takes."""

import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from pmx_cluster_tb.cli.desk import PublicKey
from pmx_cluster_tb.cli.messages import show_error
from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, shown
from pmx_cluster_tb.problems import BadInput

T = TypeVar("T")


def asked_text(question: str, kind: Text[str], offered: str) -> str:
    """What the person types, asked again until `kind` takes it; Enter takes what is offered, or nothing."""
    return _asked(f"{question} [{offered or 'later'}]: ", kind.parse, offered)


def chosen_keys(keys: Iterable[PublicKey]) -> tuple[str, ...]:
    """Those of `keys` that the person lets in."""
    return tuple(key.text for key in keys if _asked(_key_question(key), _yes_or_no, offered=True))


def _key_question(key: PublicKey) -> str:
    comment = key.text.split(" ", 2)[2:]
    whose = f" ({comment[0]})" if comment else ""
    return f"may {key.file}{whose} log in as root? [Y/n]: "


def _yes_or_no(text: str) -> bool:
    if text.lower() in {"y", "yes"}:
        return True
    if text.lower() in {"n", "no"}:
        return False
    raise Refusal("must be `y` or `n`")


def _asked(prompt: str, parse: Callable[[str], T], offered: T) -> T:
    while True:
        click.echo(prompt, nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            raise BadInput("the question was not answered")
        text = line.strip()
        if not text:
            return offered
        try:
            return parse(text)
        except Refusal as refusal:
            show_error(BadInput(f"{shown(text)} {refusal.rule}", refusal.hint))
