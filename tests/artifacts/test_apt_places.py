"""Installation where nothing must be started or asked: policy-rc.d, other roots, Proxmox VE's installer."""

import pytest

from tests.artifacts.apt_state import audit, changes, litter, states
from tests.clusters import seed_cluster
from tests.nodes import DEBS, apt, carry, make_node, packages, virtual
from tests.roots.machine import booted
from tests.roots.root import Root
from tests.roots.snapshot import Snapshot

pytestmark = pytest.mark.root

NODE = "pmx-pvc1-pve1"


@pytest.fixture
def node(root: Root) -> Root:
    """A root like pve1, that carries both packages."""
    make_node(root)
    carry(root, *packages(virtual(seed_cluster()), "pve1"))
    return root


def install(root: Root, *options: str) -> None:
    """Install what the root carries with dpkg alone."""
    root.run(["sh", "-c", f"dpkg {' '.join(options)} -i {DEBS}/*.deb"])


def test_policy_forbids_to_start_anything(node: Root) -> None:
    """Where policy-rc.d says 101, installation, upgrade and purge work and no service is touched."""
    node.write("/usr/sbin/policy-rc.d", '#!/bin/sh\necho "$@" >> /policy-asked\nexit 101\n', 0o755)
    before = node.tree()
    with booted(node) as machine:
        started = {
            unit: machine.properties(unit, "ActiveEnterTimestampMonotonic") for unit in ("lldpd", "frr")
        }
        machine.run(["sh", "-c", f"apt-get -y -q install {DEBS}/*.deb"])
        after = {unit: machine.properties(unit, "ActiveEnterTimestampMonotonic") for unit in ("lldpd", "frr")}
        assert after == started
        assert machine.says("ip", "-brief", "address", "show", "dev", "lo").find("10.0.0.81") == -1
        assert machine.failed_units() == []
        machine.run(apt("purge", "pmx-ring", NODE))
    assert [path for path in changes(before, node.tree()) if "pmx" in path or "frr" in path] == []


def test_another_root_without_its_own_shell(node: Root) -> None:
    """`dpkg --root --force-script-chrootless`: scripts run outside and reach into $DPKG_ROOT only."""
    node.run(["mkdir", "-p", "/target/etc", "/target/var/lib"])
    node.run(["cp", "-a", "/var/lib/dpkg", "/target/var/lib/"])
    node.run(["mv", "/etc/hostname", "/target/etc/hostname"])
    before = node.tree()
    install(node, "--root=/target", "--force-script-chrootless")
    after = node.tree()
    assert changes(below("/target", before, inside=False), below("/target", after, inside=False)) == {}
    installed = changes(below("/target", before), below("/target", after), database=False)
    assert "/usr/lib/pmx-ring/node.json" in installed
    node.run(["dpkg", "--root=/target", "--force-script-chrootless", "--purge", NODE, "pmx-ring"])
    left = changes(below("/target", before), below("/target", node.tree()), database=False)
    assert [path for path in left if "pmx" in path] == []


def below(folder: str, tree: Snapshot, *, inside: bool = True) -> Snapshot:
    """The part of `tree` below `folder`, or all the rest of it."""
    if inside:
        return {path[len(folder) :]: entry for path, entry in tree.items() if path.startswith(f"{folder}/")}
    return {path: entry for path, entry in tree.items() if not path.startswith(f"{folder}/")}


def test_another_root_with_its_own_shell(node: Root) -> None:
    """`dpkg --root`: the same result as without."""
    node.run(["sh", "-c", "mkdir /target && mount --bind / /target"])
    before = node.tree()
    install(node, "--root=/target")
    assert states(node) == {"pmx-ring": "ii", NODE: "ii"}
    assert (audit(node), litter(node)) == ("", [])
    node.run(["dpkg", "--root=/target", "--purge", NODE, "pmx-ring"])
    assert changes(before, node.tree()) == {}


def test_in_the_installer(node: Root) -> None:
    """While Proxmox VE's installer runs, nothing is put into force; at the next boot it is."""
    node.write("/proxmox_install_mode", "")
    node.run(["sh", "-c", f"apt-get -y -q install {DEBS}/*.deb"])
    assert states(node) == {"pmx-ring": "ii", NODE: "ii"}
    node.run(["rm", "/proxmox_install_mode"])
    with booted(node) as machine:
        machine.run(["pmx-ring", "wait"], seconds=180)
        assert "10.0.0.81/32" in machine.says("ip", "-brief", "address", "show", "dev", "lo")
        assert machine.failed_units() == []
