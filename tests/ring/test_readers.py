"""What is generated, read by the programs that it is for, on both releases."""

import json
from dataclasses import replace

import pytest

from pmx_cluster_tb.model.cluster import Cluster
from tests.clusters import seed_cluster, two_nodes
from tests.nodes import apt, carry, make_node, packages
from tests.roots.root import Root

pytestmark = pytest.mark.root

GUI = "auto en05\niface en05 inet manual\n\n"
"""What Proxmox VE's GUI writes into the main file when somebody saves it while a cable is plugged."""


def with_ring(**changes: object) -> Cluster:
    """The seed cluster with other values in its ring."""
    cluster = seed_cluster()
    return replace(cluster, ring=replace(cluster.ring, **changes))  # type: ignore[arg-type]


CLUSTERS = {
    "seed": seed_cluster(),
    "two-nodes": two_nodes(),
    "small-mtu": with_ring(mtu=1280),
    "large-mtu": with_ring(mtu=65522, e2e=True),
    "ipv4-only": with_ring(ipv6=None, e2e=None),
    "ipv6-only": with_ring(ipv4=None),
}


@pytest.fixture
def node(root: Root) -> Root:
    """The seed's pve1 with both packages."""
    return installed(root, seed_cluster())


def installed(root: Root, cluster: Cluster) -> Root:
    """`root` as pve1 of `cluster`."""
    make_node(root)
    root.run(apt("install", *carry(root, *packages(cluster, "pve1"))))
    return root


def stanzas(node: Root) -> dict[str, dict[str, object]]:
    """The settings of each interface, those of its last stanza, as ifupdown2 reads its files."""
    outcome = node.run(["ifquery", "-a", "-o", "json"])
    assert outcome.stderr == ""
    return {one["name"]: one["config"] for one in json.loads(outcome.stdout)}


@pytest.mark.parametrize("in_gui", [False, True], ids=["plain", "after-the-gui"])
def test_ifupdown2(node: Root, in_gui: bool) -> None:
    """Addresses on lo; the MTU of a port whether Proxmox VE's GUI has written of it or not."""
    if in_gui:
        main = node.file("/etc/network/interfaces").read_text()
        node.write("/etc/network/interfaces", main.replace("source", f"{GUI}source"))
    found = stanzas(node)
    assert found["lo"] == {"address": ["10.0.0.81/32", "fc00::81/128"]}
    assert found["vmbr0"]["address"] == "192.168.178.11/24"
    if in_gui:
        assert found["en05"] == {"mtu": "4000"}
    policy = json.loads(node.file("/usr/lib/pmx-ring/ifupdown2-policy.json").read_text())
    assert policy["address"]["iface_defaults"]["en05"] == {"mtu": "4000"}


@pytest.mark.parametrize("name", CLUSTERS)
def test_frr(root: Root, name: str) -> None:
    """vtysh finds no fault with the configuration, whatever the cluster."""
    outcome = installed(root, CLUSTERS[name]).run(["vtysh", "-C", "-f", "/usr/lib/pmx-ring/frr.conf"])
    assert outcome.said == ""


def test_frr_finds_faults(node: Root) -> None:
    """The same reader refuses a word that FRR does not know: the test above can fail."""
    node.run(["sed", "-i", "s/lsp-gen-interval/lsp-gen-intervall/", "/usr/lib/pmx-ring/frr.conf"])
    assert node.run(["vtysh", "-C", "-f", "/usr/lib/pmx-ring/frr.conf"], check=False).status != 0


def test_systemd(node: Root) -> None:
    """systemd knows every setting of our units and finds every program in them."""
    units = node.run(["sh", "-c", "cd /usr/lib/systemd/system && ls -d pmx-ring*.service"]).stdout.split()
    assert "pmx-ring-port@.service" in units
    instances = [unit.replace("@.", "@en05.") for unit in units]
    assert node.run(["systemd-analyze", "verify", "--man=no", *instances]).said == ""


def test_udev_rules(trixie: Root) -> None:
    """udev's own verifier, which Debian 12 has not."""
    node = installed(trixie, seed_cluster())
    for name in ("85-pmx-ring.rules", "85-pmx-ring-power.rules"):
        outcome = node.run(["udevadm", "verify", f"/usr/lib/udev/rules.d/{name}"])
        assert "Fail:    0" in outcome.said


def test_link_files(node: Root) -> None:
    """udev parses the .link files without a word about them."""
    outcome = node.run(["udevadm", "test-builtin", "net_setup_link", "/sys/class/net/lo"])
    for port in ("en05", "en06"):
        path = f"/usr/lib/systemd/network/00-pmx-ring-{port}.link"
        lines = [line for line in outcome.said.splitlines() if path in line]
        assert lines == [f'Parsed configuration file "{path}"']


def test_sysctl(node: Root) -> None:
    """Both sysctl and systemd-sysctl take the settings."""
    keys = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")
    for argv in (
        ["sysctl", "-p", "/usr/lib/sysctl.d/90-pmx-ring.conf"],
        ["/usr/lib/systemd/systemd-sysctl", "--prefix=/net"],
    ):
        for key in keys:
            node.run(["sh", "-c", f"echo 0 > /proc/sys/{key}"])
        assert node.run(argv).stderr == ""
        assert [node.run(["cat", f"/proc/sys/{key}"]).stdout for key in keys] == ["1\n", "1\n"]


@pytest.mark.parametrize(("e2e", "expected"), [(False, ["0"]), (True, ["1"]), (None, [])])
def test_modprobe(root: Root, e2e: bool | None, expected: list[str]) -> None:
    """kmod reads the option of end-to-end flow control, and none where the kernel's default is wanted."""
    lines = installed(root, with_ring(e2e=e2e)).run(["modprobe", "--showconfig"]).stdout.splitlines()
    assert [line for line in lines if "thunderbolt" in line] == [
        f"options thunderbolt_net e2e={value}" for value in expected
    ]


def test_modules_load(node: Root) -> None:
    """systemd-modules-load asks for both modules; it has no right to load any into this machine's kernel."""
    bare = ["setpriv", "--bounding-set=-sys_module", "--inh-caps=-sys_module"]
    outcome = node.run([*bare, "/usr/lib/systemd/systemd-modules-load"], check=False)
    assert outcome.said.splitlines() == [
        f"Failed to find module '{name}'" for name in ("thunderbolt", "thunderbolt_net")
    ]


def test_initramfs(node: Root) -> None:
    """The names of the ports, and the option, are in force before the root file system is."""
    node.run(["mkdir", "-p", "/usr/lib/modules/6.1.0-test"])
    node.run(
        ["touch", "/usr/lib/modules/6.1.0-test/modules.order", "/usr/lib/modules/6.1.0-test/modules.builtin"]
    )
    node.run(["depmod", "6.1.0-test"])
    node.write("/boot/config-6.1.0-test", "CONFIG_RD_GZIP=y\nCONFIG_RD_ZSTD=y\n")
    node.run(["mkinitramfs", "-o", "/tmp/image", "6.1.0-test"])
    held = node.run(["lsinitramfs", "/tmp/image"]).stdout.splitlines()
    for name in ("systemd/network/00-pmx-ring-en05.link", "modprobe.d/pmx-ring.conf"):
        assert [path for path in held if path.endswith(f"lib/{name}")]
