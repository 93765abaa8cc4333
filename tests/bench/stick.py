"""The second half of `iso`: what a bundle writes to a stick, by layout and number of nodes.

The stick is a file with ext4: the figures tell layouts apart, not sticks. All is read back, as for users.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import product
from pathlib import Path

from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.stick.place import Stick
from pmx_cluster_tb.artifacts.stick.request import Wish, requested_bundle
from pmx_cluster_tb.artifacts.stick.write import write_bundle
from pmx_cluster_tb.plan.bundle import Layout
from pmx_cluster_tb.plan.cluster_plan import plan_cluster
from pmx_cluster_tb.progress import unobserved
from pmx_cluster_tb.sources import read_sources
from tests.bench.report import Finding, Group
from tests.clusters import mac_cluster

NODES = (3, 10)

Mounted = Callable[[int], AbstractContextManager[Path]]
"""Mounts a new file system of a size in bytes."""


def sticks(source: Iso, mounted: Mounted, nodes: tuple[int, ...] = NODES) -> Group:
    """Each bundle once, on an empty stick."""
    findings: list[Finding] = []
    for layout, count in product(Layout, nodes):
        with mounted((count + 1) * source.size) as folder:
            began = time.perf_counter()
            write_anew(source, layout, count, folder)
            seconds = time.perf_counter() - began
            written = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        what = f"{layout}, {count} nodes"
        findings += [
            Finding(what, seconds, "s"),
            Finding(what, written / 1e9, "GB"),
            Finding(what, written / source.size, "times the ISO"),
        ]
    return Group(
        f"bundle from an ISO of {source.size / 1e9:.2f} GB to an empty stick", (), (), tuple(findings)
    )


def write_anew(source: Iso, layout: Layout, count: int, folder: Path) -> None:
    """What the command does for `count` nodes on an empty stick, from the cluster on."""
    plan = plan_cluster(mac_cluster(count=count), read_sources())
    bundle = requested_bundle(plan, source, None, None, Wish(layout=layout))
    write_bundle(bundle, Stick(path=folder, mount=None, is_ventoy=False), unobserved)
