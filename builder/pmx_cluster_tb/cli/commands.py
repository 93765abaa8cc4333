"""The commands by name. Each is one file, imported only when it is asked for."""

import importlib

import click

PROGRAM = "pmx-cluster-tb"

SUMMARIES = {
    "init": "Write a commented cluster file to fill in.",
    "check": "Report every problem of a cluster file.",
    "plan": "Show what would be built, or what would change.",
    "build": "Make the packages, answers and first-boot files.",
    "bundle": "Make a stick that installs every node.",
    "inspect": "Show what an artifact holds.",
    "hash-password": "Make the hash of a password for a cluster file.",
    "schema": "Print the JSON schema of the cluster file.",
}
"""The commands in the order in which a person meets them, and their lines in `--help`."""


class _Help(click.HelpFormatter):
    def getvalue(self) -> str:
        from pmx_cluster_tb.cli.messages import pasteable

        return pasteable(super().getvalue())


class _Context(click.Context):
    formatter_class = _Help


class _Program(click.Group):
    context_class = _Context

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SUMMARIES:
            return None
        module = importlib.import_module(f"pmx_cluster_tb.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        command.context_class = _Context
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in SUMMARIES and not args[0].startswith("-"):
            from difflib import get_close_matches

            message = f"no such command `{args[0]}`"
            if near := get_close_matches(args[0], SUMMARIES, n=1):
                message += f"; did you mean `{near[0]}`?"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)


def _show_version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        from pmx_cluster_tb.release import __version__

        click.echo(f"{PROGRAM} {__version__}")
        ctx.exit()


@click.command(
    PROGRAM,
    cls=_Program,
    invoke_without_command=True,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def program(ctx: click.Context) -> None:
    """Proxmox VE clusters on a Thunderbolt ring, from one cluster file.

    \b
    First time:
      pmx-cluster-tb init            write cluster.toml, then fill it in
      pmx-cluster-tb check           until nothing is left to mend
      pmx-cluster-tb plan            see what each node gets
      pmx-cluster-tb bundle --iso ISO --out STICK

    `pmx-cluster-tb COMMAND --help` explains a command. Exit status: 0 done, 1 an operation failed,
    2 bad input or usage.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)
