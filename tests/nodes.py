"""The seed cluster's packages, and roots that look like the nodes they are made for."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.data import data_folder
from pmx_cluster_tb.model.cluster import Cluster
from pmx_cluster_tb.plan.packages import node_package, ring_package
from pmx_cluster_tb.plan.types import Package, SourceTree
from pmx_cluster_tb.sources import read_tree
from tests.roots.recipe import recipe, transport_options
from tests.roots.root import Root

DEBS = "/debs"
"""Where `carry` puts packages in a root."""

# As the installer writes it, but for the bridge's port: a root has no NIC
_INTERFACES = """\
auto lo
iface lo inet loopback

auto vmbr0
iface vmbr0 inet static
	address 192.168.178.11/24
	bridge-ports none
	bridge-stp off
	bridge-fd 0

source /etc/network/interfaces.d/*
"""


def virtual(cluster: Cluster) -> Cluster:
    """`cluster` with virtual cables for ports, as they exist between containers."""
    nodes = tuple(
        replace(node, ports=tuple(replace(port, driver="veth") for port in node.ports))
        for node in cluster.nodes
    )
    return replace(cluster, nodes=nodes)


@cache
def _source(name: str) -> SourceTree:
    return read_tree(data_folder("debian-src") / name)


def packages(cluster: Cluster, name: str) -> tuple[Package, Package]:
    """pmx-ring, and the package of the node `name`."""
    (node,) = (node for node in cluster.nodes if node.name == name)
    return ring_package(_source("pmx-ring")), node_package(cluster, node, _source("node"))


def versioned(package: Package, version: str) -> Package:
    """`package` as another version: by their digests alone, it is chance which of two is the newer one."""
    fields = tuple((key, version if key == "Version" else value) for key, value in package.fields)
    return replace(package, version=version, fields=fields)


def make_node(root: Root, name: str = "pve1") -> None:
    """Make `root` look like the node `name` right after its installation."""
    root.name_host(name)
    root.write("/etc/hosts", f"127.0.0.1 localhost\n192.168.178.11 {name}.fritz.box {name}\n")
    root.write("/etc/network/interfaces", _INTERFACES)
    root.run(["systemctl", "disable", "--quiet", "frr.service"])


def carry(root: Root, *carried: Package) -> list[str]:
    """Put packages into the root; returns their paths."""
    paths = [f"{DEBS}/{package.file_name}" for package in carried]
    for path, package in zip(paths, carried, strict=True):
        root.write(path, deb_bytes(package, release.RELEASE_DATE))
    return paths


def apt(*arguments: str, options: Sequence[str] = ()) -> list[str]:
    """An apt-get that asks nobody anything."""
    return ["apt-get", "-y", "-q", *options, *arguments]


def use_mirror(root: Root, release: str | None = None) -> None:
    """Have apt in a root with a network find the packages of its release, or of `release`."""
    root.write(
        "/etc/apt/sources.list", "".join(f"{line}\n" for line in recipe(release or root.release).sources)
    )
    root.write("/etc/resolv.conf", Path("/etc/resolv.conf").read_bytes())
    root.write("/etc/apt/apt.conf.d/50transport", "".join(f"{line}\n" for line in transport_options()))
    root.run(apt("update"), seconds=300)
