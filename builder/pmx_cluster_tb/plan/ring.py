"""What follows from a node's number: its addresses on the ring and its name in OpenFabric."""

from ipaddress import IPv4Address, IPv6Address

from pmx_cluster_tb.model.cluster import Node, Ring


def ring_ipv4(ring: Ring, node: Node) -> IPv4Address | None:
    """The node's IPv4 address on the ring, or None where the ring has no IPv4."""
    return None if ring.ipv4 is None else ring.ipv4.network_address + node.number


def ring_ipv6(ring: Ring, node: Node) -> IPv6Address | None:
    """The node's IPv6 address on the ring, or None where the ring has no IPv6."""
    return None if ring.ipv6 is None else ring.ipv6.network_address + node.number


def network_entity_title(node: Node) -> str:
    """The node's OpenFabric NET: area 49.0000, a system identifier of its number, selector 00."""
    return f"49.0000.0000.{node.number:04d}.00"
