"""Upgrades of frr, which owns files that pmx-ring writes: they ask nothing and keep the ring."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.artifacts.apt_state import audit, litter, states, version
from tests.clusters import seed_cluster
from tests.nodes import apt, carry, make_node, packages, use_mirror, virtual
from tests.roots.fixtures import MakeRoot
from tests.roots.machine import Machine, booted
from tests.roots.root import Root, fresh_root
from tests.roots.waiting import wait_for

pytestmark = pytest.mark.root

FRR_CONF = "/etc/frr/frr.conf"
NEWER = "99.0-1"
CA_LIST_BEFORE = "/etc/ca-certificates.conf.dpkg-old"
"""What ca-certificates' own postinst keeps when a newer list has other authorities."""

# What is installed of frr once more, as packages with a higher version and a changed `daemons`
REPACK = r"""
set -e
version=$1
for package in frr frr-pythontools; do
    new=$(mktemp -d)
    dpkg -L $package | while read -r path; do [ -d "$path" ] || echo "$path"; done > /list
    tar -cf - -T /list 2>/dev/null | tar -xf - -C "$new"
    mkdir "$new/DEBIAN"
    for part in preinst postinst prerm postrm conffiles; do
        [ ! -e /var/lib/dpkg/info/$package.$part ] || cp /var/lib/dpkg/info/$package.$part "$new/DEBIAN/$part"
    done
    [ ! -e "$new/etc/frr/daemons" ] || echo '# changed by a newer version' >> "$new/etc/frr/daemons"
    {
        echo "Package: $package\nVersion: $version"
        dpkg-query -W -f 'Architecture: ${Architecture}\nMaintainer: ${Maintainer}\n' $package
        dpkg-query -W -f 'Depends: ${Depends}\n' $package | sed 's/frr ([^)]*)/frr/g'
        echo 'Description: repacked'
    } > "$new/DEBIAN/control"
    chmod 755 "$new"
    dpkg-deb -Znone -b "$new" /debs/$package.deb
    rm -r "$new" /list
done
"""
REPACKED = ("/debs/frr.deb", "/debs/frr-pythontools.deb")


@pytest.fixture
def node(root: Root) -> Root:
    """pve1 with both packages and a newer frr to install, not booted yet."""
    make_node(root)
    root.run(["mkdir", "/debs"])
    root.run(["sh", "-c", REPACK, "sh", NEWER])
    root.run(apt("install", *carry(root, *packages(virtual(seed_cluster()), "pve1"))))
    return root


@pytest.fixture
def machine(node: Root) -> Iterator[Machine]:
    """The same, booted, with its settings in force."""
    with booted(node) as machine:
        machine.run(["pmx-ring", "wait"], seconds=180)
        assert is_routed(machine)
        yield machine
        assert machine.failed_units() == []


def is_routed(machine: Machine) -> bool:
    """Whether FRR runs fabricd with this node's identity."""
    return " net 49.0000.0000.0001.00" in machine.says("vtysh", "-c", "show running-config").splitlines()


def test_an_upgrade_of_frr_asks_nothing(machine: Machine) -> None:
    """Although `daemons` changed in it: the file is as frr shipped it, and frr.conf is not frr's any more."""
    ours = machine.says("cat", FRR_CONF)
    machine.run(apt("install", *REPACKED))
    assert states(machine.root) == {"pmx-ring": "ii", "pmx-pvc1-pve1": "ii"}
    assert version(machine.root, "frr") == NEWER
    assert (audit(machine.root), litter(machine.root)) == ("", [])
    assert machine.says("cat", FRR_CONF) == ours
    assert machine.says("stat", "-c", "%U:%G %a", FRR_CONF) == "frr:frr 640"
    assert "changed by a newer version" in machine.says("cat", "/etc/frr/daemons")
    machine.run(["systemctl", "restart", "frr.service"])
    # systemd is told that FRR runs before it has read its configuration
    wait_for("configuration of FRR", lambda: is_routed(machine))


def test_what_is_put_back(machine: Machine, make_root: MakeRoot) -> None:
    """After a purge frr has its own files again, and the service is switched off as the installer left it."""
    machine.run(apt("purge", "pmx-ring"))
    fresh = make_root(machine.root.release)
    assert machine.says("cat", FRR_CONF) == fresh.file(FRR_CONF).read_text().strip()
    assert machine.says("sh", "-c", "ls /etc/frr").split() == sorted(
        path.name for path in fresh.file("/etc/frr").iterdir()
    )
    assert machine.says("systemctl", "is-enabled", "frr.service") == "disabled"
    assert "10.0.0.81" not in machine.says("ip", "-brief", "address", "show", "dev", "lo")
    assert machine.run(["dpkg", "--verify", "frr"]).said == ""


def test_the_shipped_frr_conf_does_not_change_from_release_to_release(bookworm: Root, trixie: Root) -> None:
    """So dpkg has nothing to ask about ours when Proxmox VE 8 becomes 9."""
    assert bookworm.file(FRR_CONF).read_bytes() == trixie.file(FRR_CONF).read_bytes()


@pytest.mark.full
def test_debian_12_becomes_13(finished_roots: Callable[[str], Path]) -> None:
    """A distribution upgrade asks nothing, and the ring is in force afterwards."""
    with fresh_root("bookworm", finished_roots("bookworm"), network=True) as root:
        make_node(root)
        root.run(apt("install", *carry(root, *packages(virtual(seed_cluster()), "pve1"))))
        with booted(root) as machine:
            machine.run(["pmx-ring", "wait"], seconds=180)
        use_mirror(root, "trixie")
        root.run(apt("full-upgrade"), seconds=1800)
        assert version(root, "frr").startswith("10.")
        assert states(root) == {"pmx-ring": "ii", "pmx-pvc1-pve1": "ii"}
        assert (audit(root), [path for path in litter(root) if path != CA_LIST_BEFORE]) == ("", [])
        with booted(root) as machine:
            machine.run(["pmx-ring", "wait"], seconds=180)
            assert is_routed(machine)
            assert machine.failed_units() == []
