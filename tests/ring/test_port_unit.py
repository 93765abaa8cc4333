"""The unit of a port under a real systemd and udev: plugged, replugged, triggered, beside ifupdown2."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clusters import seed_cluster
from tests.nodes import packages, virtual
from tests.ring.cables import install_node
from tests.roots.machine import Machine, booted
from tests.roots.recipe import RELEASES
from tests.roots.root import Root, fresh_root
from tests.roots.waiting import wait_for

pytestmark = pytest.mark.root

FRR_CONF = "/etc/frr/frr.conf"
INTERFACES = "/etc/network/interfaces"
UNIT = "pmx-ring-port@en05.service"
PLUG = ["ip", "link", "add", "thunderbolt0", "type", "veth", "peer", "name", "far"]

# At boot, before udev announces devices: a cable that was plugged while the node was off
PLUGGED_AT_BOOT = """\
[Unit]
DefaultDependencies=no
Before=systemd-udev-trigger.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip link add thunderbolt0 type veth peer name far
ExecStart=ip link set far mtu 4000 up
"""


@pytest.fixture(scope="module", params=RELEASES)
def booted_node(request: pytest.FixtureRequest, finished_roots: Callable[[str], Path]) -> Iterator[Machine]:
    """pve1, booted, with its settings in force."""
    with fresh_root(request.param, finished_roots(request.param)) as root:
        install_node(root, virtual(seed_cluster()), "pve1")
        with booted(root) as machine:
            machine.run(["pmx-ring", "wait"], seconds=180)
            yield machine


@pytest.fixture
def machine(booted_node: Machine) -> Iterator[Machine]:
    """The booted node without a cable, as it is left."""
    yield booted_node
    unplug(booted_node)
    assert booted_node.failed_units() == []


def unplug(machine: Machine) -> None:
    """Take the cable away, if there is one, and wait for the end of its unit."""
    machine.run(["ip", "link", "delete", "en05"], check=False)
    wait_for(
        "end of the unit",
        lambda: machine.says("systemctl", "is-active", UNIT),
        until=lambda state: state == "inactive",
        explain=machine.journal,
    )


def wait_until_ready(machine: Machine) -> str:
    """Wait until the port is named, up, and routed; returns the identity of this run of its unit."""
    wait_for(
        "active unit of the port",
        lambda: machine.says("systemctl", "is-active", UNIT),
        until=lambda state: state == "active",
        explain=machine.journal,
    )
    assert link(machine) == "mtu 4000 UP"
    assert {"ip router openfabric 1", "ipv6 router openfabric 1"} <= set(running_lines(machine))
    return machine.properties(UNIT, "InvocationID")["InvocationID"]


def link(machine: Machine) -> str:
    """The MTU of the port, and UP if it is."""
    words = machine.says("ip", "-o", "link", "show", "dev", "en05").split()
    up = "UP" in words[2].strip("<>").split(",")
    return f"mtu {words[words.index('mtu') + 1]} {'UP' if up else 'DOWN'}"


def running_lines(machine: Machine) -> list[str]:
    """What FRR runs with under the port."""
    said = machine.says("vtysh", "-c", "show running-config")
    section = said.partition("interface en05\n")[2].partition("\nexit")[0]
    return [line.strip() for line in section.splitlines()]


ETHTOOL = """\
import sys
sys.path.insert(0, "/usr/lib/pmx-ring")
from pmx_ring.offload import ethtool_value
name, *values = sys.argv[1:]
for value in values:
    ethtool_value(name, 0x1F, int(value))
print(*(ethtool_value(name, get) for get in (0x1E, 0x23, 0x2B)))
"""
"""Gives TSO the values, then says whether TSO, GSO and GRO are on; veth's GRO is not unless asked for."""


def offloads(machine: Machine, name: str, *tso: int) -> str:
    """Whether TSO, GSO and GRO of the interface are on, after TSO was set to each of the values."""
    return machine.says("python3", "-IBc", ETHTOOL, name, *map(str, tso))


def test_tso_is_off_and_only_that(machine: Machine) -> None:
    """For each interface anew, whatever ifupdown2 does; put right by apply."""
    for _ in range(2):
        unplug(machine)
        machine.run(PLUG)
        assert offloads(machine, "far") == "1 1 0"
        wait_until_ready(machine)
        assert offloads(machine, "en05") == "0 1 0"
    machine.run(["ifreload", "-a"], check=False)
    assert offloads(machine, "en05", 1) == "1 1 0"
    assert "problem: TSO of `en05` is on" in machine.run(["pmx-ring", "status"], check=False).stdout
    assert machine.says("pmx-ring", "apply") == "switch off TSO of `en05`"
    assert offloads(machine, "en05") == "0 1 0"


def test_tso_is_on_again_when_the_package_goes(root: Root) -> None:
    """Not only for the next cable."""
    install_node(root, virtual(seed_cluster()), "pve1")
    with booted(root) as machine:
        machine.run(["pmx-ring", "wait"], seconds=180)
        machine.run(PLUG)
        wait_until_ready(machine)
        machine.run(["cp", "-r", "/usr/lib/pmx-ring", "/root"])
        machine.run(["dpkg", "--purge", "pmx-pvc1-pve1", "pmx-ring"])
        assert machine.says("python3", "-IBc", ETHTOOL.replace("/usr/lib", "/root"), "en05") == "1 1 0"


def test_a_controller_is_kept_awake(machine: Machine) -> None:
    """By udev, as soon as it appears; a container has no PCI, so it is an interface here."""
    _, package = packages(seed_cluster(), "pve1")
    (rules,) = (file.content.decode() for file in package.files if file.path.name.endswith("-power.rules"))
    assert 'SUBSYSTEM=="pci", ACTION!="remove", KERNEL=="0000:ca:00.5", ' in rules
    interfaces = rules.replace('"pci"', '"net"').replace("0000:ca:00.5", "controller5")
    machine.run(["tee", "/etc/udev/rules.d/85-test.rules"], stdin=interfaces)
    machine.run(["udevadm", "control", "--reload"])
    machine.run(["ip", "link", "add", "controller5", "type", "veth", "peer", "name", "controller6"])
    machine.run(["udevadm", "settle"])
    controls = [f"/sys/class/net/{name}/power/control" for name in ("controller5", "controller6")]
    assert machine.says("cat", *controls) == "on\nauto"
    machine.run(["rm", "/etc/udev/rules.d/85-test.rules"])
    machine.run(["ip", "link", "delete", "controller5"])


def test_replugged_twice(machine: Machine) -> None:
    """The unit runs once for each time that the interface appears, and ends with it."""
    runs = set()
    for _ in range(3):
        machine.run(PLUG)
        runs.add(wait_until_ready(machine))
        unplug(machine)
    assert len(runs) == 3


def test_unplugged_while_the_unit_runs(machine: Machine) -> None:
    """The unit is ended in the middle of its work, has not failed, and works when the cable is back."""
    for _ in range(5):
        machine.run(PLUG)
        wait_for(
            "start of the unit",
            lambda: machine.says("systemctl", "is-active", UNIT),
            until=lambda state: state in {"activating", "active"},
            explain=machine.journal,
        )
        unplug(machine)
    machine.run(PLUG)
    wait_until_ready(machine)


def test_triggered(machine: Machine) -> None:
    """`udevadm trigger`, as packages of others run it, changes nothing and runs nothing again."""
    machine.run(PLUG)
    first = wait_until_ready(machine)
    for action in ("change", "add"):
        machine.run(["udevadm", "trigger", "--settle", "--subsystem-match=net", f"--action={action}"])
        assert wait_until_ready(machine) == first


def test_frr_comes_up_without_its_configuration(machine: Machine) -> None:
    """As on a busy machine, where watchfrr gives up the script that hands it over: fabricd gets it."""
    machine.run(PLUG)
    wait_until_ready(machine)
    machine.run(["cp", "-p", FRR_CONF, "/root"])
    machine.run(["truncate", "--size=0", FRR_CONF])
    try:
        machine.run(["systemctl", "restart", "frr.service"])
        wait_for(
            "identity of the node in FRR",
            lambda: machine.run(["vtysh", "-c", "show running-config"], check=False).said,
            until=lambda said: " net 49.0000.0000.0001.00" in said,
            explain=machine.journal,
        )
        wait_until_ready(machine)
    finally:
        machine.run(["cp", "-p", "/root/frr.conf", FRR_CONF])
    assert "give FRR its configuration again" in machine.journal("--identifier=pmx-ring")


_ASKS_AGAIN = """#!/bin/sh
/usr/sbin/pmx-ring.real "$@" || exit
if [ "$1" = apply ] && mkdir /run/asked 2>/dev/null; then /usr/sbin/pmx-ring.real request; fi
"""


def test_request_while_the_service_applies(machine: Machine) -> None:
    """A second apt ends while the first one's settings are applied: both are in force when wait returns."""
    machine.run(["mv", "/usr/sbin/pmx-ring", "/usr/sbin/pmx-ring.real"])
    try:
        machine.run(
            ["sh", "-c", 'printf %s "$1" >/usr/sbin/pmx-ring; chmod +x /usr/sbin/pmx-ring', "sh", _ASKS_AGAIN]
        )
        machine.run(["pmx-ring", "request"])
        assert machine.says("pmx-ring", "wait") == "the settings are in force"
        assert machine.run(["test", "-d", "/run/asked"]).status == 0
        assert machine.run(["test", "-e", "/var/lib/pmx-ring/noted"], check=False).status == 1
    finally:
        machine.run(["mv", "/usr/sbin/pmx-ring.real", "/usr/sbin/pmx-ring"])


def test_network_configuration_applied_in_the_gui(machine: Machine) -> None:
    """`ifreload -a` with a bare stanza of the port, then networking restarted: MTU and addresses stay."""
    machine.run(PLUG)
    wait_until_ready(machine)
    by_installer = machine.says("cat", INTERFACES)
    by_gui = by_installer.replace("source", "auto en05\niface en05 inet manual\n\nsource")
    machine.run(["tee", INTERFACES], stdin=f"{by_gui}\n")
    # Debian's own ifupdown2 warns of `bridge-ports none`, Proxmox's does not
    machine.run(["ifreload", "-a"], check=False)
    wait_until_ready(machine)
    machine.run(["systemctl", "restart", "networking.service"])
    wait_until_ready(machine)
    assert {"10.0.0.81/32", "fc00::81/128"} <= set(
        machine.says("ip", "-brief", "address", "show", "lo").split()
    )


def test_plugged_before_boot(root: Root) -> None:
    """The cable is there when the node starts: with the settings only noted, then with them in force."""
    install_node(root, virtual(seed_cluster()), "pve1")
    root.write("/etc/systemd/system/cable.service", PLUGGED_AT_BOOT)
    root.run(["systemctl", "add-wants", "sysinit.target", "cable.service"])
    with booted(root) as machine:
        machine.run(["pmx-ring", "wait"], seconds=180)
        wait_until_ready(machine)
        assert machine.failed_units() == []
    with booted(root) as machine:
        wait_until_ready(machine)
        assert machine.failed_units() == []


# Proxmox VE's cluster file system, which is mounted after FRR has started, and a cable plugged in between
LATE_PMXCFS = """\
[Unit]
After=frr.service

[Service]
Type=oneshot
TimeoutStartSec=60
RemainAfterExit=yes
ExecStart=ip link add thunderbolt0 type veth peer name far
ExecStart=sh -c 'until systemctl is-active pmx-ring-port@en05; do sleep 0.1; done'
ExecStart=install -D /dev/null /etc/pve/.version
"""


def test_configuration_written_by_vtysh_and_pmxcfs_mounted_late(bookworm: Root) -> None:
    """FRR before 10.3 has both families on the port, as soon as one can tell that it is ours."""
    install_node(bookworm, virtual(seed_cluster()), "pve1")
    with booted(bookworm) as machine:
        machine.run(["pmx-ring", "wait"], seconds=180)
        machine.run(["vtysh", "-c", "write memory"])
    bookworm.write("/usr/bin/pmxcfs", "")
    bookworm.write("/etc/systemd/system/pve-cluster.service", LATE_PMXCFS)
    bookworm.run(["systemctl", "add-wants", "multi-user.target", "pve-cluster.service"])
    with booted(bookworm) as machine:
        wait_until_ready(machine)
        assert machine.failed_units() == []


def test_purged_at_once(root: Root) -> None:
    """By the dpkg run after the one that asked for an apply: no unit stays behind, running or failed."""
    install_node(root, virtual(seed_cluster()), "pve1")
    with booted(root) as machine:
        machine.run(["pmx-ring", "wait"], seconds=180)
        again = "dpkg -i /debs/pmx-pvc1-pve1_*.deb && dpkg --purge pmx-pvc1-pve1 pmx-ring"
        machine.run(["sh", "-c", again])
        assert machine.says("systemctl", "list-units", "--all", "--plain", "--no-legend", "pmx-*") == ""
        assert machine.failed_units() == []


def test_lldp(machine: Machine) -> None:
    """lldpd took its file without complaint, and says the port's name and nothing of versions."""
    said = machine.says("lldpcli", "show", "configuration")
    assert "Proxmox VE node" in said
    assert machine.journal("--unit=lldpd", "--priority=warning", "--identifier=lldpcli") in {
        "-- No entries --",
        "",
    }


def test_udev_has_no_complaints(machine: Machine) -> None:
    """Of its rules: udev of Debian 12 has no verifier."""
    machine.run(PLUG)
    wait_until_ready(machine)
    assert "pmx-ring" not in machine.journal("--unit=systemd-udevd", "--priority=warning")
