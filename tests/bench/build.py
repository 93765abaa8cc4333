"""`build`: the whole command by number of nodes, one package against other tools, and start-up."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from tests.bench.measure import Sample, Subject, Summary, by_turns, summary, timed_call, timed_program
from tests.bench.report import Finding, Group, Ratio, ratio
from tests.bench.rivals import stage_for_debhelper, stage_for_dpkg_deb
from tests.plans import seed_plan

PROJECT = Path(__file__).parents[2]
ROUNDS = 9
SIZES = (3, 25, 250)

_COMMAND = (sys.executable, "-m", "pmx_cluster_tb")
_EXAMPLE = PROJECT / "builder/pmx_cluster_tb/model/example.toml"
_QUANTITIES = ("cpu", "wall")


def benchmark(rounds: int = ROUNDS, sizes: tuple[int, ...] = SIZES) -> tuple[Group, ...]:
    """Measures everything; `sizes` are numbers of nodes, in rising order."""
    with _scratch() as folder:
        return (whole_builds(folder, rounds, sizes), _packages(folder, rounds), _start_up(folder, rounds))


def cluster_file(nodes: int) -> str:
    """The example's cluster file with another number of nodes, up to 250."""
    head, _, _ = _EXAMPLE.read_text().partition("[[node]]")
    head = head.replace('"10.0.0.80/28"', '"10.0.0.0/16"').replace('"fc00::80/124"', '"fc00::/112"')
    return head + "".join(_node(number) for number in range(1, nodes + 1))


def _node(number: int) -> str:
    return (
        f'[[node]]\nname = "pve{number}"\nnumber = {number}\naddress = "192.168.178.{number + 1}/24"\n'
        f'nic = {{ name = "enp3s0" }}\ndisk = {{ serial = "S7KGNU0X{number:06d}" }}\n'
    )


@contextmanager
def _scratch() -> Iterator[Path]:
    with TemporaryDirectory(prefix="pmx-bench-") as folder:
        yield Path(folder)


def whole_builds(folder: Path, rounds: int, sizes: tuple[int, ...]) -> Group:
    """The command as a user runs it, into a folder that holds an older build."""
    subjects = {_size(nodes): _build(folder / str(nodes), nodes) for nodes in sizes}
    summaries = _summaries(by_turns(subjects, rounds))
    cpu = {one.what: one.median_ms for one in summaries if one.quantity == "cpu"}
    slopes = {
        f"{few} to {many} nodes": (cpu[_size(many)] - cpu[_size(few)]) / (many - few)
        for few, many in pairwise(sizes)
    }
    findings = [Finding(f"CPU per node, {step}", slope, "ms") for step, slope in slopes.items()]
    return Group("pmx-cluster-tb build", summaries, findings=tuple(findings))


def _size(nodes: int) -> str:
    return f"{nodes} nodes"


def _build(folder: Path, nodes: int) -> Subject:
    folder.mkdir()
    (folder / "cluster.toml").write_text(cluster_file(nodes))
    return lambda: timed_program([*_COMMAND, "build", "--out", "out"], folder, _environment(folder))


def _environment(folder: Path) -> dict[str, str]:
    """With bytecode in `folder`, as users have it after a first run; here the round that is not counted."""
    return {
        "PYTHONPATH": str(PROJECT / "builder"),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }


def _packages(folder: Path, rounds: int) -> Group:
    package = seed_plan().nodes[0].package
    tree = stage_for_dpkg_deb(package, folder / "dpkg-deb")
    source = stage_for_debhelper(package, folder / "debhelper")
    dpkg_deb = ["dpkg-deb", "--root-owner-group", "--build", str(tree), "x.deb"]
    subjects: dict[str, Subject] = {
        "ours": lambda: timed_call(
            lambda: (folder / "ours.deb").write_bytes(deb_bytes(package, release.RELEASE_DATE))
        ),
        "dpkg-deb": lambda: timed_program(dpkg_deb, folder),
        "dpkg-deb -Zgzip": lambda: timed_program([*dpkg_deb[:2], "-Zgzip", *dpkg_deb[2:]], folder),
        "debhelper": lambda: timed_program(["dpkg-buildpackage", "-us", "-uc", "-b"], source),
    }
    summaries = _summaries(by_turns(subjects, rounds))
    rivals = [name for name in subjects if name != "ours"]
    return Group(
        "a node's package: ours in memory, rivals from a tree",
        summaries,
        tuple(_ratios(summaries, "ours", rivals)),
    )


def _start_up(folder: Path, rounds: int) -> Group:
    bare, shown, checked = "python -c pass", "pmx-cluster-tb --help", "pmx-cluster-tb check"
    environment = _environment(folder)
    subjects: dict[str, Subject] = {
        bare: lambda: timed_program([sys.executable, "-c", "pass"], folder, environment),
        shown: lambda: timed_program([*_COMMAND, "--help"], folder, environment),
        checked: lambda: timed_program([*_COMMAND, "check", _EXAMPLE], folder, environment),
    }
    summaries = _summaries(by_turns(subjects, rounds))
    ratios = tuple(_ratios(summaries, bare, (shown, checked)))
    return Group("start-up", summaries, ratios)


def _summaries(samples: Mapping[str, list[Sample]]) -> tuple[Summary, ...]:
    return tuple(summary(what, quantity, runs) for what, runs in samples.items() for quantity in _QUANTITIES)


def _ratios(summaries: tuple[Summary, ...], ours: str, rivals: Iterable[str]) -> Iterator[Ratio]:
    for rival in rivals:
        for quantity in _QUANTITIES:
            yield ratio(summaries, ours, rival, quantity)
