"""Addresses in the LAN."""

from pmx_cluster_tb.model.cluster import IPAddress, IPInterface
from pmx_cluster_tb.model.report import Report, shown
from pmx_cluster_tb.model.rules.prefixes import other_prefix_hint, ring_prefixes
from pmx_cluster_tb.model.tables import FileTable


def _reaches(address: IPInterface, gateway: IPAddress) -> bool:
    """Whether the gateway is on the link; a link-local one is on every link of its family."""
    return gateway in address.network or (gateway.is_link_local and gateway.version == address.version)


def _gateway_inside(file: FileTable, report: Report) -> None:
    gateway = file.management and file.management.gateway
    if not gateway:
        return
    for index, node in file.numbered_nodes():
        path = ("node", index, "address")
        if not node.address:
            continue
        if not _reaches(node.address, gateway):
            report.error(path, f"{shown(node.address)} does not contain the gateway {shown(gateway)}")
        elif node.address.ip == gateway:
            report.error(path, f"{shown(node.address)} is the address of the gateway")


def _gateway_is_a_host(file: FileTable, report: Report) -> None:
    gateway = file.management and file.management.gateway
    networks = {node.address.network for _, node in file.numbered_nodes() if node.address}
    for network in networks:
        ends = [network.network_address]
        if network.version == 4:
            ends.append(network.broadcast_address)
        if gateway and gateway in ends and network.num_addresses > 2:
            report.error(
                ("management", "gateway"),
                f"{shown(gateway)} must be a host's address, not an end of the LAN {shown(network)}",
            )


def _one_lan(file: FileTable, report: Report) -> None:
    gateway = file.management and file.management.gateway
    there = [
        (index, node, node.address.network)
        for index, node in file.numbered_nodes()
        if node.address and gateway and _reaches(node.address, gateway)
    ]
    for index, node, network in there[1:]:
        _, first, first_network = there[0]
        if network != first_network:
            report.warning(
                ("node", index, "address"),
                f"{shown(node.address)} has another prefix than {first.called(there[0][0])}: "
                f"{shown(first.address)}",
                "all nodes of one LAN have the same",
            )


def _name_server(file: FileTable, report: Report) -> None:
    dns = file.management and file.management.dns
    path = ("management", "dns")
    gateway = file.management and file.management.gateway
    if gateway and gateway.is_link_local and not report.has(path):
        report.error(
            path,
            f"is required: the gateway {shown(gateway)} is an address of one link, which no resolver takes "
            "without the name of an interface",
            "the router's other address, or a public name server",
        )
    if not dns:
        return
    for index, node in file.numbered_nodes():
        if node.address and node.address.ip == dns:
            report.error(
                path,
                f"{shown(dns)} is {node.called(index)}, which answers nothing while it is being installed",
            )
    for name, prefix in ring_prefixes(file):
        if dns in prefix:
            report.error(
                path,
                f"{shown(dns)} must not be in the ring {shown(prefix)}, which is not up by then",
                other_prefix_hint(file, name, prefix),
            )


RULES = (_gateway_inside, _gateway_is_a_host, _one_lan, _name_server)
