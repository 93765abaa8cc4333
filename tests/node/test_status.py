"""`pmx-ring status` on a machine made of files."""

import json
from collections.abc import Callable

import pytest

from tests.node.machine import CONTROLLERS, FRR_CONF, Machine

NEIGHBOURS = """\
Area 1:
  System Id           Interface   L  State        Holdtime SNPA
 pve2                en05        2  Up            2        2020.2020.2020
 pve3                en06        2  Up            2        2020.2020.2020
"""


@pytest.fixture
def healthy(machine: Machine) -> Machine:
    machine.put_in_force()
    machine.write("/fake/neighbours", NEIGHBOURS)
    machine.write("/sys/module/thunderbolt_net/parameters/e2e", "N\n")
    machine.forget_calls()
    return machine


def test_all_is_well(healthy: Machine) -> None:
    status, said, wrong = healthy.pmx_ring("status")
    assert (status, wrong) == (0, "")
    assert said.splitlines() == [
        "pve1 in the ring of pvc1: pmx-pvc1-pve1 1.0, pmx-ring 1.0",
        "  en05  up, MTU 4000, neighbour: pve2 (Up)",
        "  en06  up, MTU 4000, neighbour: pve3 (Up)",
        "  lo    10.0.0.81/32",
        "  lo    fc00::81/128",
    ]
    assert healthy.changing_calls() == []


def test_json_says_the_same(healthy: Machine) -> None:
    status, said, _ = healthy.pmx_ring("status", "--json")
    table = json.loads(said)
    assert (status, table["schema"], table["healthy"], table["problems"]) == (0, 1, True, [])
    assert table["addresses"] == {"10.0.0.81/32": True, "fc00::81/128": True}
    assert table["neighbours"][0] == {"node": "pve2", "port": "en05", "state": "Up"}
    assert table["ports"][1] == {
        "name": "en06",
        "path": "pci-0000:ca:00.6",
        "present": True,
        "mtu": 4000,
        "up": True,
        "carrier": True,
    }


def _unplug(machine: Machine) -> None:
    machine.path("/sys/class/net/en06").rename(machine.path("/unplugged"))


WRONG: dict[str, Callable[[Machine], object]] = {
    "the settings are those of `pve1`, this machine is `pve9` by /etc/hostname": lambda machine: (
        machine.write("/etc/hostname", "pve9\n")
    ),
    "the module `thunderbolt` is not loaded": lambda machine: machine.path("/sys/module/thunderbolt").rmdir(),
    "`en06` does not exist: no cable, or nobody at its other end (pci-0000:ca:00.6)": _unplug,
    "the MTU of `en05` is 1500, not 4000": lambda machine: machine.write("/sys/class/net/en05/mtu", "1500\n"),
    "`en05` is down": lambda machine: machine.write("/sys/class/net/en05/flags", "0x1002\n"),
    "`en05` has no link: the other end is down": lambda machine: machine.write(
        "/sys/class/net/en05/carrier", "0\n"
    ),
    "TSO of `en06` is on: what the node forwards crawls, `pmx-ring apply` switches it off": lambda machine: (
        machine.write("/sys/class/net/en06/tso", "1\n")
    ),
    "the controller `0000:ca:00.5` may sleep and miss a cable: `pmx-ring apply` keeps it awake": (
        lambda machine: machine.write(CONTROLLERS.format(5), "auto\n")
    ),
    "lo has no address `fc00::81/128`": lambda machine: machine.write("/fake/lo", "10.0.0.81/32\n"),
    "`net/ipv4/ip_forward` is not 1": lambda machine: machine.write("/proc/sys/net/ipv4/ip_forward", "0\n"),
    "`/etc/network/interfaces` has no `source /etc/network/interfaces.d/*`: no addresses at boot": (
        lambda machine: machine.write(
            "/etc/network/interfaces", "auto lo\nsource /etc/network/interfaces.d/sdn\n"
        )
    ),
    "frr.service does not start at boot": lambda machine: machine.path("/fake/frr-is-enabled").unlink(),
    "fabricd does not run": lambda machine: machine.write("/fake/daemons", " zebra"),
    "FRR runs without `net 49.0000.0000.0001.00` of this node's configuration: `pmx-ring apply` gives it": (
        lambda machine: machine.write(
            "/fake/running-config", machine.read(FRR_CONF).replace(" net 49.0000.0000.0001.00\n", "")
        )
    ),
    "cannot tell whether FRR belongs to Proxmox VE's SDN: /etc/pve is not mounted": lambda machine: (
        machine.write("/usr/bin/pmxcfs", "")
    ),
    "`pve3` is no neighbour": lambda machine: machine.write("/fake/neighbours", NEIGHBOURS[:-60]),
    "settings are noted, but not in force yet": lambda machine: machine.write("/var/lib/pmx-ring/noted", ""),
    "the initramfs does not hold the names of the ports": lambda machine: machine.write(
        "/usr/lib/systemd/network/00-pmx-ring-en05.link", "[Match]\n"
    ),
}


@pytest.mark.parametrize("problem", WRONG)
def test_each_thing_that_is_wrong_is_named(healthy: Machine, problem: str) -> None:
    WRONG[problem](healthy)
    status, said, _ = healthy.pmx_ring("status")
    assert status == 1
    assert f"problem: {problem}" in said.splitlines()


def test_frr_of_sdn_is_a_notice(healthy: Machine) -> None:
    healthy.write("/etc/pve/sdn/fabrics.cfg", "openfabric_fabric: ring\n")
    healthy.write("/fake/neighbours", "")
    healthy.write("/fake/running-config", "")
    status, said, _ = healthy.pmx_ring("status")
    assert status == 0
    assert "notice: FRR belongs to Proxmox VE's SDN because of /etc/pve/sdn/fabrics.cfg: left alone" in said


def test_flow_control_that_waits_for_a_boot_is_a_notice(healthy: Machine) -> None:
    healthy.write("/sys/module/thunderbolt_net/parameters/e2e", "Y\n")
    status, said, _ = healthy.pmx_ring("status")
    assert status == 0
    assert "notice: thunderbolt_net takes the new end-to-end flow control at the next boot" in said


def test_a_failed_apply_is_told_until_one_goes_well(healthy: Machine) -> None:
    healthy.write("/etc/hostname", "pve9\n")
    healthy.pmx_ring("apply")
    healthy.write("/etc/hostname", "pve1\n")
    assert "problem: the last apply failed: the settings are those of `pve1`" in healthy.pmx_ring("status")[1]
    healthy.applied()
    assert healthy.pmx_ring("status")[0] == 0


def test_without_a_nodes_package_there_is_no_status(machine: Machine) -> None:
    machine.uninstall()
    status, said, wrong = machine.pmx_ring("status")
    assert (status, said) == (1, "")
    assert "no package of a node is installed" in wrong
