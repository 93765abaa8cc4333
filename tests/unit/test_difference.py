"""One notion of what differs, for `plan --diff` and for `bundle --node`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.model.cluster import Cluster, Locale, Node
from pmx_cluster_tb.plan.cluster_plan import plan_cluster
from pmx_cluster_tb.plan.difference import Built, BuiltNode, Reach, difference, more_than_local
from pmx_cluster_tb.plan.types import ClusterPlan
from pmx_cluster_tb.sources import read_sources
from tests.clusters import mac_cluster, node, port

Change = Callable[[Cluster], Cluster]


def _ring(**values: object) -> Change:
    return lambda cluster: replace(cluster, ring=replace(cluster.ring, **values))  # type: ignore[arg-type]


def _second(**values: object) -> Change:
    def change(cluster: Cluster) -> Cluster:
        first, second, *rest = cluster.nodes
        return replace(cluster, nodes=(first, replace(second, **values), *rest))  # type: ignore[arg-type]

    return change


CHANGES: dict[str, tuple[Change, dict[str, Reach]]] = {
    "nothing": (lambda cluster: cluster, {}),
    "mtu": (_ring(mtu=9000), dict.fromkeys(("pve1", "pve2", "pve3"), Reach.CLUSTER_WIDE)),
    "prefix": (
        _ring(ipv4=IPv4Network("10.0.0.96/28")),
        dict.fromkeys(("pve1", "pve2", "pve3"), Reach.NAMED),
    ),
    "number": (
        lambda cluster: replace(cluster, nodes=(*cluster.nodes[:2], replace(cluster.nodes[2], number=9))),
        {"pve1": Reach.LOCAL, "pve2": Reach.LOCAL, "pve3": Reach.NAMED},
    ),
    "LAN address of the first": (
        lambda cluster: replace(
            cluster,
            nodes=(
                replace(cluster.nodes[0], address=IPv4Interface("192.168.178.99/24")),
                *cluster.nodes[1:],
            ),
        ),
        {"pve1": Reach.NEW_INSTALLATIONS},
    ),
    "LAN address of another": (
        _second(address=IPv4Interface("192.168.178.99/24")),
        {"pve2": Reach.NEW_INSTALLATIONS},
    ),
    "ports": (_second(ports=(replace(port(0), path="pci-0000:00:0d.2"), port(1))), {"pve2": Reach.LOCAL}),
    "disk": (_second(disk=node(7).disk), {"pve2": Reach.NEW_INSTALLATIONS}),
    "node added": (
        lambda cluster: replace(cluster, nodes=mac_cluster(count=4).nodes),
        {"pve1": Reach.LOCAL, "pve3": Reach.LOCAL},
    ),
    "node added in front": (
        lambda cluster: replace(
            cluster, nodes=(replace(node(4), nic=cluster.nodes[0].nic, number=1), *_renumbered(cluster))
        ),
        dict.fromkeys(("pve1", "pve2", "pve3"), Reach.NAMED),
    ),
    "node removed": (
        lambda cluster: replace(cluster, nodes=cluster.nodes[:2]),
        # two nodes have one neighbour
        {"pve1": Reach.LOCAL, "pve2": Reach.LOCAL},
    ),
    "gateway": (
        lambda cluster: replace(
            cluster, management=replace(cluster.management, gateway=IPv4Address("192.168.178.2"))
        ),
        dict.fromkeys(("pve1", "pve2", "pve3"), Reach.NEW_INSTALLATIONS),
    ),
    "time zone": (
        lambda cluster: replace(
            cluster, locale=Locale(country="nl", keyboard="en-us", timezone="Europe/Berlin")
        ),
        dict.fromkeys(("pve1", "pve2", "pve3"), Reach.NEW_INSTALLATIONS),
    ),
}


def _renumbered(cluster: Cluster) -> list[Node]:
    return [replace(one, number=one.number + 1) for one in cluster.nodes]


def _plan(cluster: Cluster) -> ClusterPlan:
    return plan_cluster(cluster, read_sources())


def _as_built(plan: ClusterPlan) -> Built:
    return Built(
        ring_package=plan.ring_package,
        nodes={
            one.node.name: BuiltNode(
                package=one.package, answer=one.answer.text, first_boot=one.first_boot.table
            )
            for one in plan.nodes
        },
    )


_ORDER = list(Reach)


def _farthest(before: ClusterPlan, after: ClusterPlan) -> dict[str, Reach]:
    """How far the changes of each node reach that is in both."""
    return {
        one.name: max((change.reach for change in one.changes), key=_ORDER.index)
        for one in difference(_as_built(before), after).nodes
        if one.changes
    }


@pytest.mark.parametrize("name", CHANGES)
def test_how_far_a_change_of_the_cluster_reaches(name: str) -> None:
    change, expected = CHANGES[name]
    before, after = _plan(mac_cluster()), _plan(change(mac_cluster()))
    assert _farthest(before, after) == expected


@pytest.mark.parametrize("name", CHANGES)
def test_a_stick_tells_just_those_that_change_by_more_than_a_local_one(name: str) -> None:
    change, _ = CHANGES[name]
    before, after = _plan(mac_cluster()), _plan(change(mac_cluster()))
    reaches = _farthest(before, after)
    known = {one.node.name: more_than_local(one) for one in before.nodes}
    told = {one.node.name for one in after.nodes if known.get(one.node.name, ()) != more_than_local(one)}
    new = {one.node.name for one in after.nodes} - known.keys()
    assert told - new == {node for node, reach in reaches.items() if reach is not Reach.LOCAL}


def test_another_version_of_the_project_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _plan(mac_cluster())
    monkeypatch.setattr(release, "__version__", "9.8.7")
    monkeypatch.setattr(release, "RELEASE_DATE", datetime(2031, 1, 1, tzinfo=UTC))
    after = _plan(mac_cluster())
    assert set(_farthest(before, after).values()) == {Reach.LOCAL}
    assert [*map(more_than_local, after.nodes)] == [*map(more_than_local, before.nodes)]
