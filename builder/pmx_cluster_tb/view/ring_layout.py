"""Where the nodes of a ring stand in a drawing. Coordinates are SVG's: to the right and down, in pixels."""

from math import ceil, cos, pi, sin, sqrt
from typing import NamedTuple

CIRCLE_NODES = 12
"""More nodes than this stand in rows, since a circle of them would be mostly empty."""


class Point(NamedTuple):
    """The middle of a node."""

    x: int
    y: int


def ring_layout(count: int, spacing_x: int, spacing_y: int) -> list[Point]:
    """The places of `count` nodes neighbours so far apart, the last next to the first."""
    if count <= 2:
        return [Point(index * spacing_x, 0) for index in range(count)]
    return _circle(count, spacing_x) if count <= CIRCLE_NODES else _snake(count, spacing_x, spacing_y)


def _circle(count: int, spacing: int) -> list[Point]:
    radius = spacing / (2 * sin(pi / count))
    angles = [2 * pi * index / count - pi / 2 for index in range(count)]
    return [Point(round(radius * cos(angle)), round(radius * sin(angle))) for angle in angles]


def _snake(count: int, spacing_x: int, spacing_y: int) -> list[Point]:
    """To and fro in rows, downwards, then up in the first column, which the rows leave free."""
    rows = 2 * ceil(sqrt(count) / 2)
    shortest, longer = divmod(count - rows, rows)
    places = [
        (column, row)
        for row in range(rows)
        for column in _to_and_fro(row, shortest + 1 if row < longer else shortest)
    ]
    places += [(0, row) for row in reversed(range(rows))]
    return [Point(column * spacing_x, row * spacing_y) for column, row in places]


def _to_and_fro(row: int, length: int) -> range:
    return range(1, length + 1) if row % 2 == 0 else range(length, 0, -1)
