"""`pmx-cluster-tb init`."""

import json
import os
import secrets
import shlex
import sys
from ipaddress import IPv6Network
from pathlib import Path

import click

from pmx_cluster_tb.cli.cluster_file import file_argument
from pmx_cluster_tb.cli.messages import note
from pmx_cluster_tb.cli.passwords import asked_password, crypt_hash
from pmx_cluster_tb.problems import BadInput, UserError

_TEMPLATE = Path(__file__).with_name("cluster.toml.j2")
_UNIQUE_LOCAL = 0xFD
_RING_PREFIX_LENGTH = 124


@click.command("init")
@file_argument
@click.option(
    "--root-password-hash-file",
    "hash_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Use the hash in this file instead of asking for a password.",
)
def command(file: Path, hash_file: Path | None) -> None:
    """Write a commented cluster file to fill in.

    FILE (cluster.toml) gets a random IPv6 prefix for the ring and says which command on a machine shows each
    value that is missing. The root password is asked for twice, and its hash goes to a file beside FILE that
    only you can read. Without a terminal nothing is asked, and `check` tells what to do. Nothing is
    overwritten.

    \b
    Examples:
      pmx-cluster-tb init
      pmx-cluster-tb init lab/cluster.toml --root-password-hash-file ~/root.hash

    Exit status: 0 done, 1 a file could not be written, 2 a file is there already, its folder is not, or
    the password cannot be used.
    """
    if not file.name:
        raise BadInput(f"`{file}` is a folder, not a file", "`pmx-cluster-tb init lab.toml` names one")
    if not file.parent.is_dir():
        raise BadInput(f"`{file.parent}` is no folder", f"`mkdir -p {shlex.quote(str(file.parent))}`")
    default_hash_file = file.with_suffix(".root-password-hash")
    _refuse_unwritable_name(hash_file or default_hash_file, file)
    ask = hash_file is None and sys.stdin.isatty()
    _refuse_existing(file, *([default_hash_file] if ask else []))
    if ask:
        hash_text = crypt_hash(asked_password("of root on every node")) + "\n"
        _write_new(default_hash_file, hash_text, mode=0o600)
        hash_file = default_hash_file
    try:
        _write_new(file, _text(file, hash_file, default_hash_file), mode=0o644)
    except BaseException:
        if ask:
            default_hash_file.unlink()
        raise
    _say_what_next(file, default_hash_file if ask else None)


def _text(file: Path, hash_file: Path | None, default_hash_file: Path) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701 - the template is no HTML
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    relative = hash_file and _relative(hash_file, file)
    return template.render(
        name="pvc1",
        ipv6=random_ring_prefix(),
        # a JSON string of a path is a TOML string too
        hash_file=relative and json.dumps(relative, ensure_ascii=False),
        default_hash_file=default_hash_file.name,
    )


def random_ring_prefix() -> IPv6Network:
    """A /124 in a /48 of fd00::/8 with a random global ID, as RFC 4193 section 3.2 wants."""
    global_id = secrets.token_bytes(5)
    address = bytes([_UNIQUE_LOCAL]) + global_id + bytes(10)
    return IPv6Network((address, _RING_PREFIX_LENGTH))


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
    argument = "" if str(file) == "cluster.toml" else f" {file}"
    note(f'next: fill in every empty "" of {file}; `pmx-cluster-tb check{argument}` lists what is left')
