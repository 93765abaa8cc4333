"""The whole plan of a cluster."""

from pmx_cluster_tb.model.cluster import Cluster, Node
from pmx_cluster_tb.plan.answer import node_answer
from pmx_cluster_tb.plan.first_boot import first_boot_settings
from pmx_cluster_tb.plan.packages import node_package, ring_package
from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan, Package, Sources


def plan_cluster(cluster: Cluster, sources: Sources) -> ClusterPlan:
    """Everything that is made from `cluster`: the same cluster and sources give the same plan, anywhere."""
    ring = ring_package(sources.ring)
    nodes = tuple(_node_plan(cluster, node, ring, sources) for node in cluster.nodes)
    return ClusterPlan(cluster=cluster, ring_package=ring, nodes=nodes)


def _node_plan(cluster: Cluster, node: Node, ring: Package, sources: Sources) -> NodePlan:
    package = node_package(cluster, node, sources.node)
    return NodePlan(
        node=node,
        package=package,
        answer=node_answer(cluster, node, sources),
        first_boot=first_boot_settings(cluster, node, (ring, package)),
    )
