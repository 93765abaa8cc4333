"""Three booted nodes and three cables: adjacencies, addresses of both families, a cable cut and put back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from pmx_cluster_tb.model.cluster import Cluster
from tests.clusters import seed_cluster
from tests.nodes import apt, carry, packages, versioned, virtual
from tests.ring.cables import Cable, install_node
from tests.roots.machine import Machine, booted
from tests.roots.recipe import RELEASES
from tests.roots.root import fresh_root
from tests.roots.waiting import wait_for

pytestmark = pytest.mark.root

NAMES = ("pve1", "pve2", "pve3")
CONVERGENCE_SECONDS = 180
"""OpenFabric synchronises with one neighbour at a time, and starts over when that fails."""

Ring = tuple[dict[str, Machine], dict[str, Cable]]


@pytest.fixture(scope="module", params=RELEASES)
def ring(request: pytest.FixtureRequest, finished_roots: Callable[[str], Path]) -> Iterator[Ring]:
    """The seed cluster, booted, with its cables plugged; machines by name, cables by their first node."""
    machines: dict[str, Machine] = {}
    with ExitStack() as stack:
        for name in NAMES:
            root = stack.enter_context(fresh_root(request.param, finished_roots(request.param)))
            install_node(root, virtual(seed_cluster()), name)
            machines[name] = stack.enter_context(booted(root))
        cables = {
            near: Cable(machines[near], "en05", machines[far], "en06")
            for near, far in zip(NAMES, (*NAMES[1:], NAMES[0]), strict=True)
        }
        for cable in cables.values():
            cable.plug()
        for machine in machines.values():
            machine.run(["pmx-ring", "wait"], seconds=180)
        yield machines, cables


@pytest.fixture(autouse=True)
def no_failed_units(ring: Ring) -> Iterator[None]:
    """Whatever a test does, no unit of a node fails."""
    yield
    assert [unit for machine in ring[0].values() for unit in machine.failed_units()] == []


def neighbours(machine: Machine) -> set[str]:
    """The nodes whose adjacency is up."""
    lines = machine.says("vtysh", "-c", "show openfabric neighbor").splitlines()
    return {words[0] for words in map(str.split, lines) if "Up" in words}


def ring_addresses(cluster: Cluster, number: int) -> tuple[str, str]:
    """Both addresses of a node on the ring."""
    assert cluster.ring.ipv4 is not None
    assert cluster.ring.ipv6 is not None
    return str(cluster.ring.ipv4[number]), str(cluster.ring.ipv6[number])


def unreachable(machines: dict[str, Machine], cluster: Cluster) -> list[str]:
    """What does not answer to a packet as long as the MTU, from any node to another."""
    failed = []
    for name, machine in machines.items():
        for node in cluster.nodes:
            for address in ring_addresses(cluster, node.number) if node.name != name else ():
                size = cluster.ring.mtu - (48 if ":" in address else 28)
                ping = ["ping", "-c1", "-W1", "-Mdo", f"-s{size}", address]
                if machine.run(ping, check=False).status != 0:
                    failed.append(f"{name} to {address}")
    return failed


def wait_until_whole(machines: dict[str, Machine], cluster: Cluster) -> None:
    """Wait until each node sees both others and reaches their addresses."""
    expected = {name: {other for other in NAMES if other != name} for name in NAMES}
    wait_for(
        "complete set of adjacencies",
        lambda: {name: neighbours(machine) for name, machine in machines.items()},
        until=lambda seen: seen == expected,
        seconds=CONVERGENCE_SECONDS,
        explain=lambda: machines["pve1"].says("pmx-ring", "status"),
    )
    wait_for(
        "answers to all pings",
        lambda: unreachable(machines, cluster),
        until=lambda failed: not failed,
        seconds=CONVERGENCE_SECONDS,
        explain=lambda: machines["pve1"].says("vtysh", "-c", "show ip route", "-c", "show ipv6 route"),
    )


def test_a_cable_is_cut_and_comes_back(ring: Ring) -> None:
    """Each node reaches both others; without a cable too, over the third node; `pmx-ring status` agrees."""
    machines, cables = ring
    wait_until_whole(machines, seed_cluster())
    assert machines["pve1"].run(["pmx-ring", "status"], check=False).said.count("problem") == 0
    cables["pve1"].unplug()
    wait_for(
        "way round the cut",
        lambda: unreachable(machines, seed_cluster()),
        until=lambda failed: not failed,
        seconds=CONVERGENCE_SECONDS,
    )
    assert "pve2" not in neighbours(machines["pve1"])
    assert machines["pve1"].run(["pmx-ring", "status"], check=False).status == 1
    cables["pve1"].plug()
    wait_until_whole(machines, seed_cluster())


def test_upgrade_to_another_mtu_and_other_addresses(ring: Ring) -> None:
    """Both packages of a changed cluster on all nodes: the ring is whole again, with the new values only."""
    machines, _ = ring
    cluster = virtual(seed_cluster())
    changed = replace(cluster, ring=replace(cluster.ring, mtu=9000, ipv4=IPv4Network("10.9.0.0/24")))
    for name, machine in machines.items():
        fabric, node = packages(changed, name)
        machine.run(apt("install", *carry(machine.root, fabric, versioned(node, "2.0"))))
    for machine in machines.values():
        machine.run(["pmx-ring", "wait"], seconds=180)
    wait_until_whole(machines, changed)
    assert "10.0.0.8" not in machines["pve1"].says("ip", "address", "show", "dev", "lo")
