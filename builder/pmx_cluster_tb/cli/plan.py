"""`pmx-cluster-tb plan`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pmx_cluster_tb.cli.cluster_file import PATH, chosen_nodes, file_argument, json_option, loaded_cluster
from pmx_cluster_tb.cli.messages import note, print_json
from pmx_cluster_tb.problems import BadInput, UserError

if TYPE_CHECKING:
    from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan


_STANDARD_OUTPUT = Path("-")


@click.command("plan")
@file_argument
@click.option(
    "--node",
    "names",
    multiple=True,
    metavar="N",
    help="Only this node, with the content of its files; can be given several times.",
)
@click.option(
    "--diff",
    "earlier",
    type=PATH,
    metavar="PATH",
    help="Compare with the output folder of an earlier build.",
)
@click.option(
    "--svg",
    type=PATH,
    metavar="OUT",
    help="Draw the ring to this file; `-` is standard output.",
)
@json_option("Print everything as JSON on standard output.")
def command(
    file: Path, names: tuple[str, ...], earlier: Path | None, svg: Path | None, *, as_json: bool
) -> None:
    """Show what would be built, or what would change.

    Draws the ring of FILE (cluster.toml), and for each node what it gets: its answer, its first-boot steps
    and the files of its packages. Nodes after the first show what is their own. With --diff it shows what a
    new build would change on each node, whether neighbours must agree on it, what it touches, and what cannot
    be rolled out to a running node. Nothing is built; hashes of passwords are not shown.

    \b
    Examples:
      pmx-cluster-tb plan
      pmx-cluster-tb plan --node pve1 | less
      pmx-cluster-tb plan --diff out
      pmx-cluster-tb plan --svg ring.svg

    Exit status: 0 done, 1 OUT could not be written, 2 the file has errors, PATH is no output folder, or OUT
    is another file.
    """
    if svg == _STANDARD_OUTPUT and (names or earlier or as_json):
        raise click.UsageError(
            "`--svg -` takes no `--node`, `--diff` or `--json`", click.get_current_context()
        )
    cluster = loaded_cluster(file)

    from pmx_cluster_tb.plan.cluster_plan import plan_cluster
    from pmx_cluster_tb.sources import read_sources

    plan = plan_cluster(cluster, read_sources())
    nodes = chosen_nodes(plan, names)
    if svg:
        _write_svg(plan, svg)
    if earlier:
        _show_difference(plan, nodes, earlier, as_json=as_json)
    elif as_json:
        from pmx_cluster_tb.view.plan_json import plan_json

        print_json(plan_json(plan, nodes))
    elif names or not svg:
        _draw(plan, nodes, contents=bool(names))


def _write_svg(plan: "ClusterPlan", path: Path) -> None:
    from pmx_cluster_tb.artifacts.swap import replace_file
    from pmx_cluster_tb.view.ring_svg import is_drawing, ring_svg

    if path == _STANDARD_OUTPUT:
        click.echo(ring_svg(plan.cluster), nl=False)
        return
    if path.is_dir():
        raise BadInput(f"`{path}` is a folder, not a file", "name a file after `--svg`")
    try:
        if path.is_file() and (beginning := _beginning(path)) and not is_drawing(beginning):
            # `plan --svg cluster.toml` is a cluster file about to be lost
            raise BadInput(
                f"`{path}` is there already, and no drawing of `plan`", "name another file after `--svg`"
            )
        replace_file(path, ring_svg(plan.cluster).encode())
    except BrokenPipeError:
        # a pipe by its name, as `/dev/stdout`
        raise
    except OSError as error:
        raise UserError(f"cannot write `{path}`: {error.strerror}") from error
    note(f"drew the ring to {path}")


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1024)


def _show_difference(
    plan: "ClusterPlan", nodes: "tuple[NodePlan, ...]", earlier: Path, *, as_json: bool
) -> None:
    from dataclasses import replace

    from pmx_cluster_tb.artifacts.earlier_output import read_output
    from pmx_cluster_tb.cli.console import output_console
    from pmx_cluster_tb.plan.difference import difference
    from pmx_cluster_tb.view.difference_text import difference_json, difference_lines

    changes = difference(read_output(earlier), plan)
    if len(nodes) < len(plan.nodes):
        names = {node.node.name for node in nodes}
        changes = replace(changes, nodes=tuple(node for node in changes.nodes if node.name in names))
    if as_json:
        print_json(difference_json(changes))
        return
    console = output_console()
    for line in difference_lines(changes):
        console.print(line, soft_wrap=True)


def _draw(plan: "ClusterPlan", nodes: "tuple[NodePlan, ...]", *, contents: bool) -> None:
    from pmx_cluster_tb.cli.console import output_console
    from pmx_cluster_tb.view.node_contents import node_contents
    from pmx_cluster_tb.view.plan_tree import heading, node_trees
    from pmx_cluster_tb.view.ring_text import ring_text

    console = output_console()
    if not contents:
        console.print(heading(plan.cluster))
        ascii_only = not console.encoding.startswith("utf")
        console.print(
            f"\n{ring_text(plan.cluster, console.width, ascii_only=ascii_only)}\n",
            style="yellow",
            soft_wrap=True,
        )
    for tree in node_trees(plan, nodes):
        console.print(tree)
        console.print()
    if contents:
        for node in nodes:
            for title, text in node_contents(node):
                console.print(f"--- {title}", style="bold", soft_wrap=True)
                # as it is: rich would expand tabs
                click.echo(text)
