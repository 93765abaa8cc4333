"""Thunderbolt ports, of the ring and of single nodes."""

from collections.abc import Iterable

from pmx_cluster_tb.model.inherited import node_ports
from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Report, listed, shown
from pmx_cluster_tb.model.tables import FileTable, NodeTable, PortTable
from pmx_cluster_tb.model.texts import did_you_mean


def _how_many(file: FileTable, report: Report) -> None:
    if not file.ring or file.ring.ports is None or not file.nodes or len(file.nodes) < 2:
        return
    nodes, ports = len(file.nodes), len(file.ring.ports)
    if nodes == 2 and ports != 1:
        report.error(
            ("ring", "port"),
            f"two nodes must have one port, not {ports}: the driver supports one cable between two machines",
        )
    if nodes > 2 and ports != 2:
        report.error(
            ("ring", "port"), f"{nodes} nodes must have two ports, not {ports}: to the next on either side"
        )


def _distinct(file: FileTable, report: Report) -> None:
    ports = _ring_ports(file)
    _report_same_names(((("ring", "port", index), port.name) for index, port in ports), report)
    paths = ((("ring", "port", index, "path"), port.name, port.path) for index, port in ports)
    _report_same_controllers(paths, report)


def _ring_ports(file: FileTable) -> list[tuple[int, PortTable]]:
    ports = file.ring.ports if file.ring and file.ring.ports else ()
    return [(index, port) for index, port in enumerate(ports) if port]


def _report_same_names(named: Iterable[tuple[KeyPath, str | None]], report: Report) -> None:
    seen: set[str] = set()
    for path, name in named:
        if name and name in seen:
            report.error((*path, "name"), f"{shown(name)} is the name of another port already")
        seen.add(name or "")


def _report_same_controllers(
    ports: Iterable[tuple[KeyPath, str | None, str | None]], report: Report, where: str = ""
) -> None:
    first: dict[str, str | None] = {}
    for path, name, controller in ports:
        if not controller:
            continue
        if controller in first:
            report.error(
                path,
                f"{shown(controller)} is already the controller of port {shown(first[controller])}{where}: "
                "two ports of one controller have one path, by which they cannot be told apart",
                "use ports of two controllers: `readlink -f /sys/bus/thunderbolt/devices/domain*` shows them",
            )
        first.setdefault(controller, name)


def _node_ports(file: FileTable, report: Report) -> None:
    ports = _ring_ports(file)
    names = [port.name for _, port in ports if port.name]
    all_known = bool(names) and file.ring is not None and len(names) == len(file.ring.ports or ())
    for index, node in file.numbered_nodes():
        if not node.ports:
            continue
        path: KeyPath = ("node", index, "port")
        own = [((*path, position), port) for position, port in enumerate(node.ports) if port]
        _report_same_names(((at, port.name) for at, port in own), report)
        for at, port in own:
            if not report.has((*at, "path")) and not report.has((*at, "driver")):
                report.error(at, "must have `path` or `driver`: what is different on this node")
            if all_known and port.name and port.name not in names:
                hint = did_you_mean(port.name, names)
                report.error(
                    (*at, "name"),
                    f"{shown(port.name)} must be a port of `ring.port`: {listed(names, 'or')}",
                    hint,
                )
        _merged_controllers(file, index, node, report)


def _merged_controllers(file: FileTable, index: int, node: NodeTable, report: Report) -> None:
    """Reports ports that share a controller only because of what this node says of them."""
    # those of the ring first, so that the node's own is reported
    ports = sorted(node_ports(file, index, node), key=lambda port: port.place)
    if any(port.place[-1] == "path" for port in ports):
        controllers = dict.fromkeys((port.place, port.name, port.path) for port in ports)
        _report_same_controllers(controllers, report, f" of {node.called(index)}")


RULES = (_how_many, _distinct, _node_ports)
