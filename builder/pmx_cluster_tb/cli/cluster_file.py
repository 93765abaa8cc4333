"""The FILE argument that most commands take, and its reading."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmx_cluster_tb.cli.messages import show_problems
from pmx_cluster_tb.model.cluster import Cluster
from pmx_cluster_tb.problems import BadFile, BadInput

if TYPE_CHECKING:
    from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan

DEFAULT = "cluster.toml"

PATH = click.Path(path_type=Path, readable=False)
"""Any path: what reads it says what is wrong with it, in the words of this program."""

_LISTED_NODES = 8


def file_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the argument `file`, a path."""
    return click.argument("file", type=PATH, default=DEFAULT)(function)


def json_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds the flag `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=help_text)


def loaded_cluster(file: Path) -> Cluster:
    """The cluster of `file`; its warnings are shown. Raises BadFile with all problems if it has an error."""
    from pmx_cluster_tb.model.load import load_cluster

    loaded = load_cluster(file)
    if loaded.cluster is None:
        raise BadFile(loaded.problems)
    show_problems(loaded.problems)
    return loaded.cluster


def chosen_nodes(plan: "ClusterPlan", names: tuple[str, ...]) -> "tuple[NodePlan, ...]":
    """The nodes of `plan` called `names`, all of them without names. Raises BadInput for an unknown one."""
    known = {node.node.name: node for node in plan.nodes}
    for name in names:
        if name not in known:
            raise BadInput(
                f"cluster `{plan.cluster.name}` has no node `{name}`", _node_hint(name, list(known))
            )
    return tuple(known[name] for name in dict.fromkeys(names)) or plan.nodes


def _node_hint(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    if len(known) <= _LISTED_NODES:
        return f"its nodes are {', '.join(f'`{node}`' for node in known)}"
    return f"`--node {(get_close_matches(name, known, n=1) or known)[0]}` is one"
