"""`pmx-cluster-tb inspect`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pmx_cluster_tb.cli.cluster_file import PATH, json_option
from pmx_cluster_tb.cli.messages import print_json

if TYPE_CHECKING:
    from pmx_cluster_tb.artifacts.inspected import Inspected


@click.command("inspect")
@click.argument("path", type=PATH)
@click.option("--show-secrets", is_flag=True, help="Show hashes of passwords too.")
@json_option("Print it as JSON on standard output.")
@click.pass_context
def command(ctx: click.Context, path: Path, *, show_secrets: bool, as_json: bool) -> None:
    """Show what an artifact holds.

    PATH is a package (.deb), an answer.toml, a first-boot file, an ISO of Proxmox VE, prepared or not, or the
    output folder of a build or a stick with a bundle, which are compared with their manifests. What it is, is
    found by its content. Neither root nor Debian is needed.

    \b
    Examples:
      pmx-cluster-tb inspect out
      pmx-cluster-tb inspect out/pve1/first-boot
      pmx-cluster-tb inspect /media/you/Ventoy

    Exit status: 0 done, 1 an output folder or a bundle is not as it was made, 2 PATH is damaged or none of
    these.
    """
    from pmx_cluster_tb.artifacts.inspect import inspect_artifact
    from pmx_cluster_tb.cli.byte_progress import byte_progress
    from pmx_cluster_tb.view.inspected_text import inspected_json, inspected_text

    with byte_progress() as observer:
        inspected = inspect_artifact(path, observer)
    if as_json:
        print_json(inspected_json(inspected, show_secrets=show_secrets))
    else:
        from pmx_cluster_tb.cli.console import output_console

        console = output_console()
        for part in inspected_text(inspected, show_secrets=show_secrets):
            console.print(part, soft_wrap=True)
    if not _is_as_made(inspected):
        ctx.exit(1)


def _is_as_made(inspected: "Inspected") -> bool:
    from pmx_cluster_tb.artifacts.inspected import InspectedOutput, InspectedStick

    match inspected:
        case InspectedOutput():
            return not (inspected.missing or inspected.changed or inspected.added)
        case InspectedStick():
            return all(bundle.is_as_written for bundle in inspected.bundles)
    return True
