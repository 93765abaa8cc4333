"""`pmx-cluster-tb check`."""

from pathlib import Path

import click

from pmx_cluster_tb.cli.cluster_file import file_argument, json_option
from pmx_cluster_tb.cli.messages import count, note, print_json, show_problems
from pmx_cluster_tb.model.cluster import Cluster, DiskModel, DiskPath, DiskSerials, Node
from pmx_cluster_tb.problems import Problem, Severity


@click.command("check")
@file_argument
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@json_option("Print the problems as JSON on standard output.")
@click.pass_context
def command(ctx: click.Context, file: Path, *, strict: bool, as_json: bool) -> None:
    """Report every problem of a cluster file.

    All errors and warnings of FILE (cluster.toml) are shown at once, in the order of its lines, each with a
    hint where there is one. What passes can be built.

    \b
    Example:
      pmx-cluster-tb check --strict

    Exit status: 0 no error, 2 an error (with --strict: or a warning).
    """
    from pmx_cluster_tb.model.load import load_cluster

    loaded = load_cluster(file)
    errors, warnings = (_count(loaded.problems, severity) for severity in Severity)
    if as_json:
        print_json(_result(file, loaded.cluster, loaded.problems))
    else:
        show_problems(loaded.problems)
        if loaded.problems:
            note(f"{file}: {count(errors, 'error')}, {count(warnings, 'warning')}")
        if loaded.cluster:
            click.echo(description(loaded.cluster))
    if errors or (strict and warnings):
        ctx.exit(2)


def _count(problems: tuple[Problem, ...], severity: Severity) -> int:
    return sum(problem.severity is severity for problem in problems)


def _result(file: Path, cluster: Cluster | None, problems: tuple[Problem, ...]) -> dict[str, object]:
    return {
        "file": str(file),
        "cluster": cluster.name if cluster else None,
        "nodes": [node.name for node in cluster.nodes] if cluster else [],
        "errors": _count(problems, Severity.ERROR),
        "warnings": _count(problems, Severity.WARNING),
        "problems": [problem.as_json() for problem in problems],
    }


def description(cluster: Cluster) -> str:
    """The cluster in one sentence, with what a person would want to have read before wiping disks."""
    nodes = ", ".join(node.name for node in cluster.nodes[:5])
    if len(cluster.nodes) > 5:
        nodes += f", ... {cluster.nodes[-1].name}"
    return (
        f"{cluster.name} is in order: {len(cluster.nodes)} nodes ({nodes}), Proxmox VE {cluster.proxmox_ve}, "
        f"ring MTU {cluster.ring.mtu}; installing wipes {_wiped(cluster.nodes)}"
    )


def _wiped(nodes: tuple[Node, ...]) -> str:
    ways = sorted({_way(node) for node in nodes})
    return f"the disks found by {' or '.join(ways)}"


def _way(node: Node) -> str:
    match node.disk.find:
        case DiskSerials():
            return "serial"
        case DiskModel():
            return "model"
        case DiskPath():
            return "path"
