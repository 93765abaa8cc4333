"""`pmx-cluster-tb hash-password`."""

import sys

import click

from pmx_cluster_tb.cli.passwords import asked_password, crypt_hash, read_password


@click.command("hash-password", context_settings={"allow_extra_args": True})
@click.pass_context
def command(ctx: click.Context, /) -> None:
    """Make the hash of a password for a cluster file.

    Asks twice at a terminal, without showing what is typed; otherwise reads one line from standard input.
    Prints a crypt(3) hash, for `root-password-hash`, `password-hash` or a file that `...-hash-file` names.
    Needs no program of the system and works on macOS too.

    \b
    Example:
      (umask 077; pmx-cluster-tb hash-password > root.hash)

    Exit status: 0 done, 2 the password cannot be used (8 to 511 bytes, printable characters).
    """
    if ctx.args:
        # not repeated: it may be the password
        raise click.UsageError(
            "`hash-password` takes no argument: everybody on a computer can see command lines", ctx
        )
    password = asked_password("to hash") if sys.stdin.isatty() else read_password()
    click.echo(crypt_hash(password))
