"""What first boot makes of apt's sources and of installed packages, with the real apt of Debian 12 and 13."""

import re

import pytest

from tests.artifacts.apt_state import version
from tests.firstboot.proxmox import HOOK, example_cluster, make_proxmox
from tests.nodes import carry, packages, versioned
from tests.roots.root import Root

pytestmark = pytest.mark.root

_CLUSTER = example_cluster()
_KEYRING = "/usr/share/keyrings/proxmox-archive-keyring.gpg"
_PVE = "http://download.proxmox.com/debian/pve"
_NO_KEY = re.compile("NO_PUBKEY|Missing key")


@pytest.fixture
def node(root: Root) -> Root:
    """A root like pve1 before its first boot."""
    make_proxmox(root, _CLUSTER)
    return root


def _installed(node: Root, ring: str, own: str) -> None:
    carried = packages(_CLUSTER, "pve1")
    others = [versioned(one, new) for one, new in zip(carried, (ring, own), strict=True)]
    node.run(["dpkg", "--install", *carry(node, *others)])


def _versions(node: Root) -> tuple[str, str]:
    ring, own = packages(_CLUSTER, "pve1")
    return version(node, ring.name), version(node, own.name)


@pytest.mark.parametrize("digest", ["0000000000", "ffffffffff"])
def test_another_build_is_replaced(node: Root, digest: str) -> None:
    ring, own = packages(_CLUSTER, "pve1")
    _installed(node, f"{ring.version.split('+')[0]}+{digest}", f"1.0+{digest}")
    node.run([HOOK, "--step", "node-package"])
    assert _versions(node) == (ring.version, own.version)


def test_a_published_revision_stays_beside_another_build(node: Root) -> None:
    ring, _ = packages(_CLUSTER, "pve1")
    _installed(node, f"{ring.version.split('+')[0]}+ffffffffff", "1.1")
    node.run([HOOK, "--step", "node-package"])
    assert _versions(node) == (ring.version, "1.1")


def test_apt_warns_of_nothing_that_first_boot_leaves(node: Root) -> None:
    """Two keys for one target, a key that is not there, Debian's key, and a double with another option."""
    release = node.release
    node.write(_KEYRING, "")
    lines = (
        f"deb {_PVE} {release} pve-no-subscription",
        f"deb [signed-by=/etc/apt/keyrings/gone.gpg] {_PVE} {release} pve-no-subscription",
        f"deb [signed-by={_KEYRING}] {_PVE} {release} pve-no-subscription",
        f"deb [signed-by={_KEYRING} arch=amd64] {_PVE}/ {release} pve-no-subscription",
        f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {_PVE} {release} pve-test",
    )
    node.write("/etc/apt/sources.list.d/all.list", "".join(f"{line}\n" for line in lines))
    assert "E: Conflicting values" in node.run(["apt-get", "indextargets"], check=False).stderr
    node.run([HOOK, "--step", "repositories"])
    update = node.run(["apt-get", "update", "--print-uris"])
    assert update.stderr == ""
    assert f"'{_PVE}/dists/{release}/InRelease'" in update.stdout


def test_what_debians_entries_contradict_is_told_at_once(node: Root) -> None:
    lines = [
        f"deb [signed-by=/{key}.gpg] http://ftp.example.org/debian {node.release} main\n" for key in "ab"
    ]
    node.write("/etc/apt/sources.list", "".join(lines))
    result = node.run([HOOK, "--step", "repositories"], check=False)
    assert result.status == 1
    assert "E: Conflicting values set for option Signed-By regarding source http://ftp.ex" in result.stdout
    assert "trying again" not in result.stdout


def test_an_upgrade_does_not_wait_for_a_key(node: Root) -> None:
    debians = "/usr/share/keyrings/debian-archive-keyring.gpg"
    mirror = f"deb [signed-by={debians}] file:///srv/mirror/debian/pve {node.release}"
    node.run(["sh", "-c", "rm /etc/apt/sources.list.d/*"])
    node.write("/etc/apt/sources.list", f"{mirror} pve-no-subscription\n")
    result = node.run([HOOK, "--step", "upgrade"], check=False)
    assert result.status == 1
    assert _NO_KEY.search(result.stdout)
    assert "trying again" not in result.stdout
