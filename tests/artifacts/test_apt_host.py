"""A node's package on another machine: refused at first, never in the way of other packages later."""

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from tests.artifacts.apt_state import audit, changes, states, version
from tests.artifacts.packages import package
from tests.clusters import seed_cluster
from tests.nodes import apt, carry, make_node, packages, versioned, virtual
from tests.roots.machine import Machine, booted
from tests.roots.root import Root

pytestmark = pytest.mark.root

NODE = "pmx-pvc1-pve1"


@pytest.mark.parametrize("host", ["pve2", "pve10", "pve", ""])
def test_first_installation_on_another_host_is_refused(root: Root, host: str) -> None:
    """With a message that says why; apt sets right the state of pmx-ring, which it has not configured yet."""
    make_node(root, host or "pve1")
    root.write("/etc/hostname", host)
    outcome = root.run(apt("install", *carry(root, *packages(seed_cluster(), "pve1"))), check=False)
    assert outcome.status == 100
    assert f"{NODE} belongs on `pve1`, this machine is `{host}`" in outcome.said
    assert "PMX_RING_FORCE_HOST=1" in outcome.said
    root.run(apt("install", "--fix-broken"))
    assert states(root) == {"pmx-ring": "ii"}
    assert audit(root) == ""


@pytest.mark.parametrize("host", ["pve1", "pve1.fritz.box", "PVE1", "# a comment\npve1"])
def test_the_first_label_of_the_name_counts(root: Root, host: str) -> None:
    """As hostname(5) reads the file."""
    make_node(root)
    root.write("/etc/hostname", f"{host}\n")
    root.run(apt("install", *carry(root, *packages(seed_cluster(), "pve1"))))
    assert states(root) == {"pmx-ring": "ii", NODE: "ii"}


def test_a_refused_installation_leaves_the_tree_as_it_was(root: Root) -> None:
    """With pmx-ring there already, nothing at all changes but a note of dpkg's."""
    make_node(root, "pve2")
    ring, node = carry(root, *packages(seed_cluster(), "pve1"))
    root.run(apt("install", ring))
    before = root.tree()
    assert root.run(apt("install", node), check=False).status == 100
    root.run(["dpkg", "--configure", "--pending"])
    assert states(root) == {"pmx-ring": "ii"}
    assert changes(before, root.tree(), database=False) == {}


def test_force(root: Root) -> None:
    """`PMX_RING_FORCE_HOST=1` installs it anyway."""
    make_node(root, "pve2")
    paths = carry(root, *packages(seed_cluster(), "pve1"))
    root.run(apt("install", *paths), env={"PMX_RING_FORCE_HOST": "1"})
    assert states(root) == {"pmx-ring": "ii", NODE: "ii"}


def test_other_packages_of_an_apt_run_on_a_renamed_host(root: Root) -> None:
    """Our upgrade and others' in one run: status 0, nothing left unpacked, and ours can be removed."""
    make_node(root)
    ring, node = packages(seed_cluster(), "pve1")
    others = [package(name=name, version="1") for name in ("aaa-other", "zzz-other")]
    root.run(apt("install", *carry(root, ring, versioned(node, "1.1"), *others)))
    root.write("/etc/hostname", "renamed\n")
    newer = [package(name=name, version="2") for name in ("aaa-other", "zzz-other")]
    root.run(apt("install", *carry(root, ring, versioned(node, "1.2"), *newer)))
    assert {name: version(root, name) for name in (NODE, "aaa-other", "zzz-other")} == {
        NODE: "1.2",
        "aaa-other": "2",
        "zzz-other": "2",
    }
    assert audit(root) == ""
    root.run(apt("purge", NODE, "pmx-ring"))


def test_settings_of_another_host_are_not_put_into_force(root: Root) -> None:
    """After an upgrade on a renamed machine the ring stays as it is, until somebody insists."""
    make_node(root)
    ring, node = packages(virtual(seed_cluster()), "pve1")
    root.run(apt("install", *carry(root, ring, versioned(node, "1.1"))))
    seed = virtual(seed_cluster())
    changed = replace(seed, ring=replace(seed.ring, ipv4=IPv4Network("10.9.0.0/24")))
    with booted(root) as machine:
        machine.run(["pmx-ring", "wait"], seconds=180)
        root.name_host("renamed")
        newer = versioned(packages(changed, "pve1")[1], "1.2")
        machine.run(apt("install", *carry(root, newer)))
        refused = machine.run(["pmx-ring", "wait"], check=False, seconds=180)
        assert refused.status == 1
        assert "`renamed`" in refused.stderr
        assert "10.0.0.81/32" in addresses(machine)
        machine.run(["pmx-ring", "apply", "--force"], seconds=180)
        assert "10.9.0.1/32" in addresses(machine)
        assert "10.0.0.81/32" not in addresses(machine)


def addresses(machine: Machine) -> list[str]:
    """The addresses of the node, as they are in force."""
    return machine.says("ip", "-brief", "address", "show", "dev", "lo").split()
