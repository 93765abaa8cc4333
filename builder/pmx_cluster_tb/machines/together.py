"""Several machines with cables between them, saved and restored at one moment."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.machine import Machine
from pmx_cluster_tb.machines.snapshots import Snapshot


def save(machines: Iterable[Machine], folder: Path) -> dict[str, Snapshot]:
    """Freezes `machines` into `folder`, each under its name: none sees another one vanish.

    All are off then, as after `Machine.save`; if one cannot be saved, those after it go on.
    """
    stopping = list(machines)
    for machine in stopping:
        machine.pause()
    try:
        return {machine.name: machine.save(folder / machine.name) for machine in stopping}
    except MachineFailed:
        for machine in stopping:
            if machine.is_on:
                machine.resume()
        raise


def restore(machines: Iterable[Machine], snapshots: Mapping[str, Snapshot]) -> None:
    """Goes on with all of `machines` from the snapshots of their names, at one moment."""
    loaded = list(machines)
    for machine in loaded:
        machine.load(snapshots[machine.name])
    for machine in loaded:
        machine.resume()
