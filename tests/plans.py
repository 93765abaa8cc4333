"""Plans of the clusters of `tests.clusters`, for tests that start behind planning."""

from functools import cache

from pmx_cluster_tb.plan.cluster_plan import plan_cluster
from pmx_cluster_tb.plan.types import ClusterPlan
from pmx_cluster_tb.sources import read_sources
from tests.clusters import mac_cluster, seed_cluster, two_nodes


@cache
def seed_plan() -> ClusterPlan:
    """The plan of a cluster like the seed."""
    return plan_cluster(seed_cluster(), read_sources())


@cache
def two_node_plan() -> ClusterPlan:
    """The plan of the same cluster, cut to two nodes."""
    return plan_cluster(two_nodes(), read_sources())


@cache
def mac_plan(name: str = "pvc1") -> ClusterPlan:
    """The plan of the same cluster, called `name`, whose nodes are found by MAC address."""
    return plan_cluster(mac_cluster(name), read_sources())
