"""Measuring: wall and CPU time of calls and programs, by turns."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: wall-clock time, and CPU time (user and system, children too), in seconds."""

    wall_s: float
    cpu_s: float


Subject = Callable[[], Sample]
"""Runs once what is measured."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Several runs of one subject; times in milliseconds."""

    what: str
    quantity: str
    runs: int
    min_ms: float
    median_ms: float
    max_ms: float


def timed_call(function: Callable[[], object]) -> Sample:
    """A call in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return Sample(time.perf_counter() - wall, time.process_time() - cpu)


def timed_program(
    argv: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> Sample:
    """A program that succeeds; raises RuntimeError with what it said if it does not."""
    with (folder / ".said").open("w+b") as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            raise RuntimeError(f"{argv}: status {process.returncode}\n{said.read().decode()}")
    return Sample(wall, usage.ru_utime + usage.ru_stime)


def by_turns(subjects: Mapping[str, Subject], rounds: int) -> dict[str, list[Sample]]:
    """`rounds` runs of each subject, one after the other, so that a slow moment of the machine meets all.

    A first round, which fills caches, is not counted.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in subjects}
    for turn in range(rounds + 1):
        for name, subject in subjects.items():
            sample = subject()
            if turn > 0:
                samples[name].append(sample)
    return samples


def summary(what: str, quantity: str, samples: Sequence[Sample]) -> Summary:
    """The `quantity` (`wall` or `cpu`) of `samples`."""
    times = [1000 * (one.wall_s if quantity == "wall" else one.cpu_s) for one in samples]
    return Summary(what, quantity, len(times), min(times), statistics.median(times), max(times))
