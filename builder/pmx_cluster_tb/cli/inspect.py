"""`pmx-cluster-tb inspect`."""

from pathlib import Path

import click

from pmx_cluster_tb.cli.cluster_file import json_option
from pmx_cluster_tb.cli.messages import print_json


@click.command("inspect")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--show-secrets", is_flag=True, help="Show hashes of passwords too.")
@json_option("Print it as JSON on standard output.")
@click.pass_context
def command(ctx: click.Context, path: Path, *, show_secrets: bool, as_json: bool) -> None:
    """Show what an artifact holds.

    PATH is a package (.deb), an answer.toml, a first-boot file, or the output folder of a build, which is
    compared with its manifest. What it is, is found by its content. Neither root nor Debian is needed.

    \b
    Examples:
      pmx-cluster-tb inspect out
      pmx-cluster-tb inspect out/pve1/first-boot

    Exit status: 0 done, 1 an output folder is not as it was built, 2 PATH is damaged or none of these.
    """
    from pmx_cluster_tb.artifacts.inspect import InspectedOutput, inspect_artifact
    from pmx_cluster_tb.view.inspected_text import inspected_json, inspected_text

    inspected = inspect_artifact(path)
    if as_json:
        print_json(inspected_json(inspected, show_secrets=show_secrets))
    else:
        from pmx_cluster_tb.cli.console import output_console

        console = output_console()
        for part in inspected_text(inspected, show_secrets=show_secrets):
            console.print(part, soft_wrap=True)
    if isinstance(inspected, InspectedOutput) and (inspected.missing or inspected.changed or inspected.added):
        ctx.exit(1)
