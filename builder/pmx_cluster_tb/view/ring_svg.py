"""The ring as an SVG that reads on light and on dark backgrounds."""

from collections.abc import Iterator
from html import escape

from pmx_cluster_tb.model.cluster import Cluster, Node, ring_ipv4, ring_ipv6
from pmx_cluster_tb.view.ring_layout import Point, ring_layout

_BOX_WIDTH = 200
_CHARACTER_WIDTH = 8
_NAME_CHARACTER_WIDTH = 10
_LINE_HEIGHT = 20
_BOX_PADDING = 14
_GAP = 120
_MARGIN = 16
_CAPTION_HEIGHT = 40

# all text stands on a box of our own, and these two colours stand out on white as on black
_STYLE = """
    text { font-family: system-ui, sans-serif; font-size: 14px; fill: #c3cfdb; text-anchor: middle }
    .name { font-size: 17px; font-weight: 600; fill: #ffffff }
    .box { fill: #243447; stroke: #71869b; stroke-width: 1.5 }
    .cable { stroke: #e08a2c; stroke-width: 6; stroke-linecap: round; fill: none }
"""


_TITLE = "<title>Thunderbolt ring of cluster "


def is_drawing(beginning: bytes) -> bool:
    """Whether a file that begins so was drawn by `ring_svg`; `beginning` should have 1 KiB."""
    return beginning.startswith(b"<svg ") and _TITLE.encode() in beginning


def ring_svg(cluster: Cluster) -> str:
    """A box for each node with its addresses, a line for each cable, and what the whole ring shares below."""
    box = _box_size(cluster)
    places = ring_layout(len(cluster.nodes), box.x + _GAP, box.y + _GAP // 2)
    left, top = min(place.x for place in places), min(place.y for place in places)
    places = [
        Point(place.x - left + box.x // 2 + _MARGIN, place.y - top + box.y // 2 + _MARGIN) for place in places
    ]
    width = max(place.x for place in places) + box.x // 2 + _MARGIN
    bottom = max(place.y for place in places) + box.y // 2 + _MARGIN
    parts = [*_cables(places)]
    for place, node in zip(places, cluster.nodes, strict=True):
        parts += _box(node.name, _lines(cluster, node), place, box)
    parts += _caption(cluster, width // 2, bottom)
    return _document(cluster, width, bottom + _CAPTION_HEIGHT + _MARGIN, parts)


def _document(cluster: Cluster, width: int, height: int, parts: list[str]) -> str:
    body = "\n".join(f"  {part}" for part in parts)
    names = ", ".join(node.name for node in cluster.nodes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img">\n'
        f"  {_TITLE}{escape(f'{cluster.name}: {names}')}</title>\n"
        f"  <style>{_STYLE}  </style>\n{body}\n</svg>\n"
    )


def _lines(cluster: Cluster, node: Node) -> list[str]:
    """The LAN address and what there is of the two on the ring."""
    ring = (ring_ipv4(cluster.ring, node), ring_ipv6(cluster.ring, node))
    return [f"LAN {node.address.ip}", *(f"ring {address}" for address in ring if address is not None)]


def _box_size(cluster: Cluster) -> Point:
    """One size for all, so that the widest and the tallest text fits."""
    lines = [_lines(cluster, node) for node in cluster.nodes]
    widths = [_CHARACTER_WIDTH * len(line) for of_node in lines for line in of_node]
    widths += [_NAME_CHARACTER_WIDTH * len(node.name) for node in cluster.nodes]
    height = (1 + len(lines[0])) * _LINE_HEIGHT + 2 * _BOX_PADDING
    return Point(max(_BOX_WIDTH, max(widths) + 2 * _BOX_PADDING), height)


def _cables(places: list[Point]) -> Iterator[str]:
    ends = list(zip(places, places[1:] + places[:1], strict=True))
    for start, end in ends[:1] if len(places) == 2 else ends:
        yield f'<path class="cable" d="M{start.x} {start.y}L{end.x} {end.y}"/>'


def _box(name: str, lines: list[str], place: Point, size: Point) -> Iterator[str]:
    left, top = place.x - size.x // 2, place.y - size.y // 2
    yield f'<rect class="box" x="{left}" y="{top}" width="{size.x}" height="{size.y}" rx="10"/>'
    baseline = top + _BOX_PADDING + _LINE_HEIGHT - 5
    yield _text(place.x, baseline, name, "name")
    for index, line in enumerate(lines, start=1):
        yield _text(place.x, baseline + index * _LINE_HEIGHT, line)


def _caption(cluster: Cluster, middle: int, top: int) -> Iterator[str]:
    text = f"{cluster.name}: Proxmox VE {cluster.proxmox_ve}, Thunderbolt, MTU {cluster.ring.mtu}"
    width = _CHARACTER_WIDTH * len(text) + 2 * _BOX_PADDING
    yield (
        f'<rect class="box" x="{middle - width // 2}" y="{top}" width="{width}" height="{_CAPTION_HEIGHT}" '
        f'rx="{_CAPTION_HEIGHT // 2}"/>'
    )
    yield _text(middle, top + 25, text)


def _text(x: int, y: int, text: str, class_name: str = "") -> str:
    attribute = f' class="{class_name}"' if class_name else ""
    return f'<text{attribute} x="{x}" y="{y}">{escape(text)}</text>'
