"""From installation to purge, by apt, in a chroot without systemd: exact trees, no questions, no litter."""

import re
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.compression import compressed
from pmx_cluster_tb.model.cluster import Cluster
from pmx_cluster_tb.plan.types import Package
from tests.artifacts.apt_state import audit, changes, litter, states, version
from tests.clusters import seed_cluster
from tests.nodes import apt, carry, make_node, packages, versioned
from tests.roots.root import Root

pytestmark = pytest.mark.root

NODE = "pmx-pvc1-pve1"
DOWNGRADE = ("--allow-downgrades",)


def changed_cluster() -> Cluster:
    """The seed with another MTU and other addresses."""
    cluster = seed_cluster()
    ring = replace(
        cluster.ring, mtu=9000, ipv4=IPv4Network("10.9.0.0/24"), ipv6=IPv6Network("fd00:9::/64"), e2e=True
    )
    return replace(cluster, ring=ring)


def shrunk_cluster() -> Cluster:
    """The seed without its third node, and with one port on each."""
    cluster = seed_cluster()
    nodes = tuple(replace(node, ports=node.ports[:1]) for node in cluster.nodes[:2])
    return replace(cluster, nodes=nodes)


@pytest.fixture
def node(root: Root) -> Root:
    """A root like pve1 after its installation."""
    make_node(root)
    return root


def revision(cluster: Cluster, number: int) -> tuple[Package, Package]:
    """Both packages of pve1, the node's as revision `number`."""
    ring, package = packages(cluster, "pve1")
    return ring, versioned(package, f"1.{number}")


def installed(root: Root, cluster: Cluster, number: int = 1) -> None:
    """Install both packages in one run of apt."""
    root.run(apt("install", *carry(root, *revision(cluster, number)), options=DOWNGRADE))


def test_all_files_arrive_and_belong_to_dpkg(node: Root) -> None:
    """What the packages ship is there and whole, and all that is new besides is pmx-ring's own state."""
    before = node.tree()
    installed(node, seed_cluster())
    assert states(node) == {"pmx-ring": "ii", NODE: "ii"}
    assert (audit(node), litter(node)) == ("", [])
    both = [compressed(package) for package in revision(seed_cluster(), 1)]
    shipped = {str(file.path) for package in both for file in package.files}
    shipped |= {str(link.path) for package in both for link in package.links}
    after = node.tree()
    added = {path for path in changes(before, after, database=False) if after[path].kind != "d"}
    assert shipped <= added
    assert [path for path in added - shipped if not path.startswith("/var/lib/pmx-ring/")] == []


def test_purge_leaves_the_tree_as_it_was(node: Root) -> None:
    """Every file, mode, owner and link, of packages of others too."""
    before = node.tree()
    installed(node, seed_cluster())
    node.run(apt("purge", "pmx-ring", NODE))
    assert states(node) == {}
    assert changes(before, node.tree()) == {}


def test_removed_and_purged_later(node: Root) -> None:
    """After removal nothing is in force any more, and what is remembered goes with the purge."""
    before = node.tree()
    installed(node, seed_cluster())
    node.run(apt("remove", "pmx-ring"))
    left = changes(before, node.tree(), database=False)
    assert [path for path in left if not path.startswith("/var/lib/pmx-ring")] == []
    if remembered := states(node):
        node.run(["dpkg", "--purge", *remembered])
    assert changes(before, node.tree()) == {}


def test_purge_after_upgrades_leaves_the_tree_as_it_was(node: Root) -> None:
    """Nothing of any revision stays."""
    before = node.tree()
    installed(node, seed_cluster())
    installed(node, changed_cluster(), 2)
    installed(node, shrunk_cluster(), 3)
    node.run(apt("purge", "pmx-ring", NODE))
    assert changes(before, node.tree()) == {}


@pytest.mark.parametrize("cluster", [changed_cluster(), shrunk_cluster()], ids=["changed", "shrunk"])
def test_upgrade_and_downgrade(node: Root, cluster: Cluster) -> None:
    """An upgrade brings exactly what a first installation brings, and a downgrade leads back to it."""
    installed(node, seed_cluster())
    first = node.tree()
    installed(node, cluster, 2)
    assert version(node, NODE) == "1.2"
    assert (audit(node), litter(node)) == ("", [])
    second = node.tree()
    assert changes(first, second)
    installed(node, seed_cluster(), 1)
    assert version(node, NODE) == "1.1"
    assert (audit(node), litter(node)) == ("", [])
    assert changes(first, node.tree()) == {}
    node.run(apt("purge", "pmx-ring", NODE))
    installed(node, cluster, 2)
    assert changes(second, node.tree()) == {}


README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_command_of_the_readme_takes_a_later_build(node: Root) -> None:
    """There and back: versions of `build` do not rise, so one of the two ways is a downgrade to apt."""
    (command,) = re.findall(r"^apt install (.*)$", README, flags=re.MULTILINE)
    for cluster in (seed_cluster(), changed_cluster(), seed_cluster()):
        node.run(["rm", "-rf", "/debs"])
        built = packages(cluster, "pve1")
        carry(node, *built)
        node.run(["sh", "-c", f"cd /debs && apt install --yes {command}"])
        assert [version(node, package.name) for package in built] == [package.version for package in built]
        assert audit(node) == ""


def test_upgrade_from_a_repository(node: Root) -> None:
    """`apt-get upgrade` with a local repository finds the higher revision and takes it."""
    installed(node, seed_cluster())
    carry(node, versioned(revision(changed_cluster(), 2)[1], "1.2"))
    node.run(
        ["sh", "-c", "cd /debs && apt-ftparchive packages . > Packages && apt-ftparchive release . > Release"]
    )
    node.run(["sh", "-c", "echo 'deb [trusted=yes] copy:/debs ./' > /etc/apt/sources.list.d/local.list"])
    node.run(["sh", "-c", ": > /etc/apt/sources.list"])
    node.run(apt("update"))
    node.run(apt("upgrade"))
    assert version(node, NODE) == "1.2"
    assert audit(node) == ""


def test_reinstall_changes_nothing(node: Root) -> None:
    """The same packages once more."""
    installed(node, seed_cluster())
    first = node.tree()
    node.run(apt("install", "--reinstall", *carry(node, *revision(seed_cluster(), 1))))
    assert changes(first, node.tree()) == {}


def test_order_of_installation_does_not_matter(node: Root) -> None:
    """The node's package unpacked before pmx-ring, configured when that arrives."""
    before = node.tree()
    ring, package = carry(node, *revision(seed_cluster(), 1))
    assert node.run(["dpkg", "-i", package], check=False).status != 0
    node.run(["dpkg", "-i", ring])
    node.run(["dpkg", "--configure", "--pending"])
    assert states(node) == {"pmx-ring": "ii", NODE: "ii"}
    one_by_one = node.tree()
    node.run(apt("purge", "pmx-ring", NODE))
    assert changes(before, node.tree()) == {}
    installed(node, seed_cluster())
    assert changes(one_by_one, node.tree(), database=False) == {}


EDITED = (
    "/etc/network/interfaces.d/zz-pmx-ring",
    "/usr/lib/pmx-ring/frr.conf",
    "/usr/lib/systemd/network/00-pmx-ring-en05.link",
)


@pytest.mark.parametrize("path", EDITED)
def test_an_edited_file_brings_no_question(node: Root, path: str) -> None:
    """The next revision replaces it; `sed -i` makes a file of a link."""
    installed(node, seed_cluster())
    node.run(["sed", "-i", "s/4000/1234/; $ a # edited", path])
    installed(node, changed_cluster(), 2)
    assert (audit(node), litter(node)) == ("", [])
    assert "edited" not in node.run(["cat", path]).stdout


def test_a_deleted_file_comes_back(node: Root) -> None:
    """As no conffile would."""
    installed(node, seed_cluster())
    node.run(["rm", *EDITED])
    installed(node, changed_cluster(), 2)
    assert (audit(node), litter(node)) == ("", [])


def test_python_does_not_run_in_the_middle_of_an_upgrade(node: Root) -> None:
    """The packages arrive all the same, and the settings wait for the next boot."""
    paths = carry(node, *revision(seed_cluster(), 1))
    node.run(["mv", "/usr/bin/python3", "/usr/bin/python3.away"])
    node.run(["dpkg", "-i", *paths])
    node.run(["mv", "/usr/bin/python3.away", "/usr/bin/python3"])
    assert states(node) == {"pmx-ring": "ii", NODE: "ii"}
    assert node.file("/var/lib/pmx-ring/noted").exists()
