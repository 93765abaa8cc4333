"""`pmx-cluster-tb init`."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from pmx_cluster_tb.cli.cluster_file import DEFAULT, PATH, file_argument
from pmx_cluster_tb.cli.cluster_text import Choices, Chosen, cluster_text
from pmx_cluster_tb.cli.desk import Desk, lan_address, public_key_line, this_desk
from pmx_cluster_tb.cli.messages import note
from pmx_cluster_tb.cli.passwords import asked_password, crypt_hash
from pmx_cluster_tb.cli.questions import asked_text, chosen_keys
from pmx_cluster_tb.model.files import password_hash
from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.names import COUNTRY, KEYBOARD
from pmx_cluster_tb.model.report import Refusal, shown
from pmx_cluster_tb.model.ssh_keys import parse_ssh_key
from pmx_cluster_tb.model.timezones import TIMEZONE
from pmx_cluster_tb.problems import BadInput, UserError


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that the installer knows: how it is asked for, checked, and found."""

    question: str
    kind: Text[str]
    of_desk: Callable[[Desk], str]
    default: str = ""


_WORDS = {
    "country": _Word("country of the nodes, two letters", COUNTRY, Desk.country),
    "keyboard": _Word("keyboard layout of their consoles", KEYBOARD, Desk.keyboard, "en-us"),
    "timezone": _Word("their time zone", TIMEZONE, Desk.timezone, "UTC"),
}


@click.command("init")
@file_argument
@click.option("--nodes", type=click.IntRange(2, 250), default=3, show_default=True, help="How many machines.")
@click.option("--country", default="", metavar="CODE", help="Two letters, such as `nl`.")
@click.option("--keyboard", default="", metavar="LAYOUT", help="In the installer's words, such as `en-us`.")
@click.option("--timezone", default="", metavar="ZONE", help="Such as `Europe/Amsterdam`.")
@click.option(
    "--ssh-key",
    "key_files",
    type=PATH,
    multiple=True,
    help="A file with a public key that may log in as root. Can be given several times.",
)
@click.option(
    "--root-password-hash-file",
    "hash_file",
    type=PATH,
    help="Use the hash in this file instead of asking for a password.",
)
def command(
    file: Path, nodes: int, key_files: tuple[Path, ...], hash_file: Path | None, **given: str
) -> None:
    """Write a commented cluster file to fill in.

    FILE (cluster.toml) gets random prefixes for the ring and says which command on a machine shows each value
    that is missing. At a terminal you are asked for the root password, whose hash goes to a file beside FILE
    that only you can read, and for what no option gives: country, keyboard, time zone, and which keys of
    ~/.ssh may log in as root. Enter takes what this computer has. Without a terminal that is written, with a
    comment that says where it is from, and `check` tells what is left to do. Nothing is overwritten.

    \b
    Examples:
      pmx-cluster-tb init
      pmx-cluster-tb init lab/cluster.toml --nodes 5 --root-password-hash-file root.hash

    Exit status: 0 done, 1 a file could not be written, 2 a file is there already, its folder is not, or
    what was given cannot be used.
    """
    _refuse_no_place(file)
    new_hash_file = file.with_suffix(".root-password-hash")
    asks_password = sys.stdin.isatty() and hash_file is None
    named = new_hash_file if asks_password else hash_file
    _refuse_unwritable_name(named or new_hash_file, file)
    _refuse_existing(file, *([new_hash_file] if asks_password else []))
    if hash_file is not None:
        _refuse_no_hash(hash_file)
    _refuse_unknown_words(given)
    given_keys = tuple(map(_given_key, key_files))
    hash_text = crypt_hash(asked_password("of root on every node")) + "\n" if asks_password else ""
    desk = this_desk()
    words = {name: _chosen(_WORDS[name], given[name], desk) for name in _WORDS}
    choices = Choices(
        nodes=nodes,
        **words,
        keys=given_keys or _desk_keys(desk),
        hash_file=None if named is None else _relative(named, file),
        default_hash_file=new_hash_file.name,
        lan_address=lan_address(),
    )
    _write_both(file, cluster_text(choices), new_hash_file, hash_text)
    _say_what_next(file, new_hash_file if asks_password else None)


def _refuse_no_place(file: Path) -> None:
    if str(file) == "-":
        raise BadInput("`-` names no file: `init` writes one", "`pmx-cluster-tb init lab.toml` names it")
    if not file.name:
        raise BadInput(f"`{file}` is a folder, not a file", "`pmx-cluster-tb init lab.toml` names one")
    if not file.parent.is_dir():
        raise BadInput(f"`{file.parent}` is no folder", f"`mkdir -p {shlex.quote(str(file.parent))}`")


def _refuse_no_hash(hash_file: Path) -> None:
    try:
        password_hash(hash_file)
    except Refusal as refusal:
        raise BadInput(f"{shown(hash_file)} {refusal.rule}", refusal.hint) from None


def _refuse_unknown_words(given: Mapping[str, str]) -> None:
    for name, word in given.items():
        try:
            if word:
                _WORDS[name].kind.parse(word)
        except Refusal as refusal:
            raise BadInput(f"--{name}: {shown(word)} {refusal.rule}", refusal.hint) from None


def _given_key(file: Path) -> Chosen:
    try:
        return Chosen(parse_ssh_key(public_key_line(file)))
    except Refusal as refusal:
        raise BadInput(f"--ssh-key: the first line of {shown(file)} {refusal.rule}", refusal.hint) from None


def _chosen(word: _Word, given: str, desk: Desk) -> Chosen:
    if given:
        return Chosen(given)
    found = word.of_desk(desk)
    if sys.stdin.isatty():
        return Chosen(asked_text(word.question, word.kind, found or word.default))
    return Chosen(found or word.default, is_found=bool(found))


def _desk_keys(desk: Desk) -> tuple[Chosen, ...]:
    keys = desk.public_keys()
    if sys.stdin.isatty():
        return tuple(map(Chosen, chosen_keys(keys)))
    return tuple(Chosen(key.text, is_found=True) for key in keys)


def _relative(hash_file: Path, file: Path) -> str:
    return os.path.relpath(hash_file, file.parent)


def _refuse_unwritable_name(hash_file: Path, file: Path) -> None:
    if not _relative(hash_file, file).isprintable():
        raise BadInput(
            f"`{hash_file}` cannot be named in a cluster file: it holds control characters or is no UTF-8"
        )


def _refuse_existing(*files: Path) -> None:
    for file in files:
        if os.path.lexists(file):
            raise BadInput(
                f"`{file}` is there already", "`init` overwrites nothing: name another file, or move it away"
            )


def _write_both(file: Path, text: str, hash_file: Path, hash_text: str) -> None:
    if hash_text:
        _write_new(hash_file, hash_text, mode=0o600)
    try:
        _write_new(file, text, mode=0o644)
    except BaseException:
        if hash_text:
            hash_file.unlink()
        raise


def _write_new(file: Path, text: str, *, mode: int) -> None:
    """Makes `file`, which must not exist, with `mode` from its first instant; all of it or nothing."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise UserError(f"cannot make `{file}`: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        file.unlink()
        raise UserError(f"cannot write `{file}`: {error.strerror}") from error


def _say_what_next(file: Path, hash_file: Path | None) -> None:
    also = f", and the hash of the root password to {hash_file}" if hash_file else ""
    note(f"wrote {file}{also}")
    argument = "" if str(file) == DEFAULT else f" {shlex.quote(str(file))}"
    note(f'next: fill in every empty "" of {file}; `pmx-cluster-tb check{argument}` lists all that is left')
