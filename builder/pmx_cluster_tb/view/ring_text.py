"""The ring as lines of text."""

from pmx_cluster_tb.model.cluster import Cluster, Node, ring_ipv4, ring_ipv6

_CABLE = " ━━ "
_TO_ASCII = str.maketrans(
    {**dict.fromkeys("╭╮╰╯┏┓┗┛┸", "+"), **dict.fromkeys("│┃┝┥", "|"), "─": "-", "━": "="}
)


def ring_text(cluster: Cluster, width: int, *, ascii_only: bool = False) -> str:
    """A row of boxes joined by cables; where `width` columns are too few for it, the names in lines."""
    boxes = [_box(cluster, node) for node in cluster.nodes]
    rows = _row(boxes)
    if len(rows[0]) > width:
        rows = _lines([node.name for node in cluster.nodes], width)
    text = "\n".join(row.rstrip() for row in rows)
    return text.translate(_TO_ASCII) if ascii_only else text


def _box(cluster: Cluster, node: Node) -> list[str]:
    """The node's name and what it has of addresses on the ring; every box has as many lines."""
    addresses = (ring_ipv4(cluster.ring, node), ring_ipv6(cluster.ring, node))
    lines = [node.name, *(str(address) for address in addresses if address is not None)]
    width = max(len(line) for line in lines)
    return [
        f"╭─{'─' * width}─╮",
        *(f"│ {line:<{width}} │" for line in lines),
        f"╰─{'─' * width}─╯",
    ]


def _row(boxes: list[list[str]]) -> list[str]:
    joined = [_joined_boxes(line, list(parts)) for line, parts in enumerate(zip(*boxes, strict=True))]
    if len(boxes) <= 2:
        return joined
    first, last = len(boxes[0][0]) // 2, len(joined[0]) - 1 - len(boxes[-1][0]) // 2
    top = joined[0]
    return [
        f"{' ' * first}┏{'━' * (last - first - 1)}┓".ljust(len(top)),
        f"{top[:first]}┸{top[first + 1 : last]}┸{top[last + 1 :]}",
        *joined[1:],
    ]


def _joined_boxes(line: int, parts: list[str]) -> str:
    """One line of all boxes; the cables go between their second lines, the nodes' names."""
    if line != 1:
        return "  ".join(parts)
    insides = [part[1:-1] for part in parts]
    return f"│{'┝━━┥'.join(insides)}│"


def _lines(names: list[str], width: int) -> list[str]:
    """The names in order, and a cable from the last around the left to the first."""
    rows = [""]
    for name in names:
        if rows[-1] and len(rows[-1]) + len(name) + len(_CABLE) > width - 5:
            rows.append("")
        rows[-1] += name + _CABLE
    rows = [row.rstrip() for row in rows]
    inner = max(len(row) for row in rows) + 1
    left = ["┏━ ", *["┃  "] * (len(rows) - 1)]
    lines = [f"{start}{row}" for start, row in zip(left, rows, strict=True)]
    lines[-1] = f"{lines[-1]}{'━' * (inner - len(rows[-1]))}┓"
    return [*lines, f"┗━━{'━' * inner}┛"]
