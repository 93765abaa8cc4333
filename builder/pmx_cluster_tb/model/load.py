"""From a cluster file to a `Cluster`, or to every problem that the file has."""

from dataclasses import dataclass
from pathlib import Path

from pmx_cluster_tb.model.cluster import Cluster
from pmx_cluster_tb.model.cluster_of import cluster_of
from pmx_cluster_tb.model.files import read_files
from pmx_cluster_tb.model.report import Report
from pmx_cluster_tb.model.rules import report_rules
from pmx_cluster_tb.model.shape import read_table
from pmx_cluster_tb.model.tables import FileTable
from pmx_cluster_tb.model.toml_text import Unreadable, parse, read_text
from pmx_cluster_tb.problems import Position, Problem, Severity


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a file: `problems` in file order; `cluster` is None exactly if one of them is an error."""

    cluster: Cluster | None
    problems: tuple[Problem, ...]


def load_cluster(path: Path) -> Loaded:
    """The cluster that the file at `path` describes.

    Nothing that is wrong with the file raises. Files that it names are read too, relative to its folder.
    """
    try:
        return _load(read_text(path), str(path), path.parent)
    except Unreadable as reason:
        position = Position(str(path), reason.line)
        return Loaded(None, (Problem(position=position, message=reason.message, hint=reason.hint),))


def example_cluster() -> Cluster:
    """The seed cluster, with `example` set."""
    path = Path(__file__).with_name("example.toml")
    loaded = _load(read_text(path), path.name, path.parent, example=True)
    assert loaded.cluster is not None, loaded.problems  # noqa: S101
    return loaded.cluster


def _load(text: str, name: str, folder: Path, *, example: bool = False) -> Loaded:
    raw, lines = parse(text)
    report = Report(name, lines)
    table = read_table(FileTable, raw, (), report)
    named = read_files(table, folder, report)
    report_rules(table, report)
    problems = report.in_file_order()
    if any(problem.severity is Severity.ERROR for problem in problems):
        return Loaded(None, problems)
    return Loaded(cluster_of(table, named, lines, example=example), problems)
