"""What a benchmark found, as a table for people and as JSON."""

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tests.bench.measure import Summary


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times the median of `rival` that of `ours` is, and the minimum."""

    ours: str
    rival: str
    quantity: str
    ratio_of_medians: float
    ratio_of_minima: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure that follows from the medians."""

    what: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Group:
    """Subjects that were run by turns."""

    title: str
    summaries: tuple[Summary, ...]
    ratios: tuple[Ratio, ...] = ()
    findings: tuple[Finding, ...] = ()


def ratio(summaries: tuple[Summary, ...], ours: str, rival: str, quantity: str) -> Ratio:
    """The ratio of two of the `summaries`."""
    times = {(one.what, one.quantity): one for one in summaries}
    of_rival, of_ours = times[rival, quantity], times[ours, quantity]
    return Ratio(
        ours, rival, quantity, of_rival.median_ms / of_ours.median_ms, of_rival.min_ms / of_ours.min_ms
    )


def as_json(name: str, groups: tuple[Group, ...]) -> dict[str, object]:
    """Everything that was found, and where."""
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
    }
    return {"benchmark": name, "machine": machine, "groups": [asdict(group) for group in groups]}


def lines(groups: tuple[Group, ...]) -> Iterator[str]:
    """The same as a table; milliseconds."""
    for group in groups:
        yield f"{group.title:54} {'runs':>5} {'min':>9} {'median':>9} {'max':>9}  ms"
        for one in group.summaries:
            times = f"{one.min_ms:9.2f} {one.median_ms:9.2f} {one.max_ms:9.2f}"
            yield f"  {one.what:45} {one.quantity:6} {one.runs:5} {times}"
        for two in group.ratios:
            ratios = f"{two.ratio_of_medians:.1f}, of minima {two.ratio_of_minima:.1f}"
            yield f"  {two.rival} : {two.ours} = {ratios} ({two.quantity})"
        for figure in group.findings:
            yield f"  {figure.what}: {figure.value:.2f} {figure.unit}"
        yield ""
