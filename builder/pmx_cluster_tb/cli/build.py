"""`pmx-cluster-tb build`."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from pmx_cluster_tb.cli.cluster_file import DEFAULT, PATH, file_argument, json_option, loaded_cluster
from pmx_cluster_tb.cli.messages import colour, note, print_json, say
from pmx_cluster_tb.progress import Observer, Progress

if TYPE_CHECKING:
    from pmx_cluster_tb.artifacts.manifest import Manifest
    from pmx_cluster_tb.model.cluster import Cluster

_SHOWN_NODES = 8


@click.command("build")
@file_argument
@click.option("--out", required=True, type=PATH, metavar="DIR", help="The folder to make.")
@click.option(
    "--example", is_flag=True, help="Build the example cluster instead of FILE; it is not for installing."
)
@json_option("Print the manifest as JSON on standard output.")
@click.pass_context
def command(ctx: click.Context, file: Path, out: Path, *, example: bool, as_json: bool) -> None:
    """Make the packages, answers and first-boot files.

    DIR gets the package of pmx-ring, and for each node of FILE (cluster.toml) a folder with its package, its
    answer for the automated installer and its first-boot file. DIR appears whole or not at all; one that an
    earlier build made is replaced, any other, or one with files that you added or changed, is left alone. The
    same input gives the same bytes.

    answer.toml holds the hash of the root password: only you can read it. Keep it so.

    \b
    Examples:
      pmx-cluster-tb build --example --out out
      pmx-cluster-tb build lab.toml --out out/lab

    Exit status: 0 done, 1 DIR could not be written, 2 the file has errors, or DIR is not an earlier build.
    """
    if example and ctx.get_parameter_source("file") is not ParameterSource.DEFAULT:
        raise click.UsageError("`--example` takes no FILE", ctx)
    cluster = _cluster(file, example=example)

    from pmx_cluster_tb.artifacts.output import write_output
    from pmx_cluster_tb.plan.cluster_plan import plan_cluster
    from pmx_cluster_tb.sources import read_sources

    with _progress() as observer:
        manifest = write_output(plan_cluster(cluster, read_sources()), out, observer)
    if as_json:
        print_json(manifest.as_json())
    else:
        for line in _summary(manifest, file, out):
            say(line)


def _cluster(file: Path, *, example: bool) -> "Cluster":
    if not example:
        return loaded_cluster(file)
    from pmx_cluster_tb.model.load import example_cluster

    note("this is the example: nobody knows its root password, so do not install it")
    return example_cluster()


@contextmanager
def _progress() -> Iterator[Observer]:
    """Draws progress on standard error: a bar where it is a terminal, else a line for each node."""
    if not sys.stderr.isatty():
        yield _say_progress
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True, no_color=colour() is False), transient=True) as bar:
        task = bar.add_task("")

        def draw(event: Progress) -> None:
            bar.update(task, total=event.total, completed=event.done, description=event.doing or "writing")

        yield draw


def _say_progress(event: Progress) -> None:
    if event.doing:
        note(f"{event.doing} ({event.done + 1} of {event.total})")


def _summary(manifest: "Manifest", file: Path, out: Path) -> Iterator[str]:
    size = sum(file.size for file in manifest.files) / 1000
    made = f"{len(manifest.nodes)} nodes, {len(manifest.files)} files, {size:.0f} kB"
    yield f"{out}: cluster {manifest.cluster}, {made}"
    yield f"  pmx-ring {manifest.ring_version}, the program of every node"
    for node in manifest.nodes[:_SHOWN_NODES]:
        yield f"  {node.name}/ with {node.package} {node.version}, answer.toml and first-boot"
    if len(manifest.nodes) > _SHOWN_NODES:
        yield f"  and {len(manifest.nodes) - _SHOWN_NODES} more nodes"
    answer = shlex.quote(str(out / manifest.nodes[0].name / "answer.toml"))
    yield f"next: `pmx-cluster-tb inspect {answer}` shows what the installer would do"
    if not manifest.example:
        named = "" if str(file) == DEFAULT else f" {shlex.quote(str(file))}"
        yield f"  `pmx-cluster-tb bundle{named} --iso ISO --out STICK` makes a stick that installs all nodes"
