from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from pmx_cluster_tb.model.cluster import network_entity_title, ring_ipv4, ring_ipv6
from tests.clusters import node, seed_cluster, two_nodes


@pytest.mark.parametrize(
    ("number", "ipv4", "ipv6"), [(1, "10.0.0.81", "fc00::81"), (9, "10.0.0.89", "fc00::89")]
)
def test_a_node_gets_the_network_address_plus_its_number(number: int, ipv4: str, ipv6: str) -> None:
    ring = seed_cluster().ring
    assert ring_ipv4(ring, node(number)) == IPv4Address(ipv4)
    assert ring_ipv6(ring, node(number)) == IPv6Address(ipv6)


def test_a_family_that_the_ring_does_not_have_gives_no_address() -> None:
    ring = seed_cluster().ring
    assert ring_ipv4(replace(ring, ipv4=None), node(1)) is None
    assert ring_ipv6(replace(ring, ipv6=None), node(1)) is None


@pytest.mark.parametrize(("number", "title"), [(1, "49.0000.0000.0001.00"), (9999, "49.0000.0000.9999.00")])
def test_network_entity_title(number: int, title: str) -> None:
    assert network_entity_title(replace(node(1), number=number)) == title


def test_neighbours_go_round_the_ring() -> None:
    cluster = seed_cluster()
    assert [[other.name for other in cluster.neighbours(one)] for one in cluster.nodes] == [
        ["pve3", "pve2"],
        ["pve1", "pve3"],
        ["pve2", "pve1"],
    ]


def test_two_nodes_have_one_neighbour_each() -> None:
    cluster = two_nodes()
    assert [[other.name for other in cluster.neighbours(one)] for one in cluster.nodes] == [
        ["pve2"],
        ["pve1"],
    ]
