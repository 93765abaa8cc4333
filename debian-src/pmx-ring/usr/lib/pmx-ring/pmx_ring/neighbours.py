"""Who answers at the other ends of the cables, as fabricd sees it."""

from collections.abc import Iterator
from dataclasses import dataclass

from pmx_ring.programs import output_of


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An OpenFabric neighbour: its host name, the port it answers at, its state (`Up` when all is well)."""

    node: str
    port: str
    state: str


def neighbours(names: tuple[str, ...]) -> Iterator[Neighbour]:
    """The neighbours on the interfaces `names`.

    Read from the table, whose first columns (system, interface, level, state) are the same from FRR 8.4 on;
    not every version prints it as JSON.
    """
    for line in output_of("vtysh", "-c", "show openfabric neighbor").splitlines():
        words = line.split()
        if len(words) >= 4 and words[1] in names:
            yield Neighbour(words[0], words[1], words[3])
