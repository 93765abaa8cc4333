"""Naming and bringing up the ports, at an apply and when a cable is plugged."""

import errno

import pytest

from tests.node.machine import FRR_CONF, SET_TSO, Machine

INTERFACES = "/sys/class/net"


def names(machine: Machine) -> set[str]:
    return {path.name for path in machine.path(INTERFACES).iterdir()}


def router_only(machine: Machine) -> str:
    """What FRR runs with that has lost all lines of its interfaces."""
    return "".join(machine.read(FRR_CONF).partition("router openfabric 1\n net")[1:])


def test_ports_with_each_others_names_are_swapped(machine: Machine) -> None:
    for old, new in (("thunderbolt0", "en06"), ("thunderbolt1", "en05")):
        machine.path(f"{INTERFACES}/{old}").rename(machine.path(f"{INTERFACES}/{new}"))
    assert [line for line in machine.applied() if line.startswith("rename")] == [
        "rename `en05` to `ring0`",
        "rename `en06` to `ring1`",
        "rename `ring0` to `en06`",
        "rename `ring1` to `en05`",
    ]
    assert names(machine) == {"en05", "en06", "enp3s0"}
    assert "ca:00.5" in machine.read(f"{INTERFACES}/en05/udev")


def test_the_name_of_a_port_on_another_controller_is_a_problem(machine: Machine) -> None:
    machine.plug("en05", path="pci-0000:07:00.0")
    status, _, wrong = machine.pmx_ring("apply")
    assert status == 1
    assert "`en05` exists, but not on the controller of that port" in wrong
    assert machine.read(f"{INTERFACES}/en05/mtu") == "1500\n"
    assert "10.0.0.81/32" in machine.addresses()


def test_an_interface_is_a_port_by_its_driver_too(machine: Machine) -> None:
    udev = machine.read(f"{INTERFACES}/thunderbolt0/udev")
    machine.write(f"{INTERFACES}/thunderbolt0/udev", udev.replace("thunderbolt-net", "igc"))
    machine.applied()
    assert names(machine) == {"thunderbolt0", "en06", "enp3s0"}


def test_port_sets_mtu_and_brings_up(machine: Machine) -> None:
    machine.plug("en05")
    assert machine.pmx_ring("port", "en05") == (
        0,
        "set the MTU of `en05` to 4000\nbring up `en05`\nswitch off TSO of `en05`\n",
        "",
    )
    assert machine.pmx_ring("port", "en05") == (0, "", "")


def test_a_driver_whose_tso_cannot_be_asked_for_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.plug("en05")

    def broken(_name: str, _command: int, _value: int = 0) -> int:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("pmx_ring.offload.ethtool_value", broken)
    told = "error: TSO of `en05` cannot be read or switched: Operation not supported\n"
    status, said, wrong = machine.pmx_ring("port", "en05")
    assert (status, said.splitlines()[-1], wrong) == (1, "bring up `en05`", told)


def test_a_driver_that_keeps_tso_does_not_keep_the_port_out_of_the_ring(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.applied()
    lost = machine.read(FRR_CONF).replace("interface en05\n ip router openfabric 1\n", "interface en05\n")
    machine.write("/fake/running-config", lost)
    monkeypatch.setattr("pmx_ring.offload.ethtool_value", _kept)
    status, said, wrong = machine.pmx_ring("port", "en05")
    assert (status, said) == (
        1,
        "switch off TSO of `en05`\nadd `ip router openfabric 1` to `en05` in FRR\n",
    )
    assert "TSO of `en05` cannot be read or switched" in wrong


def test_a_driver_without_tso_lets_the_package_go(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.applied()
    machine.uninstall()

    def fixed(name: str, command: int, value: int = 0) -> int:
        if value:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return machine.ethtool(name, command, value)

    monkeypatch.setattr("pmx_ring.offload.ethtool_value", fixed)
    machine.applied()
    assert machine.state.without_tso == []
    assert machine.applied() == ["nothing to change"]


def _kept(_name: str, command: int, _value: int = 0) -> int:
    if command == SET_TSO:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")
    return 1


def test_port_adds_the_lines_that_frr_lost(machine: Machine) -> None:
    machine.put_in_force()
    lost = machine.read(FRR_CONF).replace("interface en05\n ip router openfabric 1\n", "interface en05\n")
    machine.write("/fake/running-config", lost)
    status, said, _ = machine.pmx_ring("port", "en05")
    assert (status, said) == (0, "add `ip router openfabric 1` to `en05` in FRR\n")
    assert machine.pmx_ring("port", "en05") == (0, "", "")


def test_port_leaves_frr_alone_that_does_not_run_or_belongs_to_sdn(machine: Machine) -> None:
    machine.put_in_force()
    machine.write("/fake/running-config", "")
    machine.write("/etc/pve/sdn/fabrics.cfg", "openfabric_fabric: ring\n")
    assert machine.pmx_ring("port", "en05") == (0, "", "")
    machine.path("/etc/pve/sdn/fabrics.cfg").unlink()
    machine.write("/fake/daemons", " zebra")
    assert machine.pmx_ring("port", "en05") == (0, "", "")


def test_port_does_not_wait_for_pmxcfs_to_know_whose_frr_it_is(machine: Machine) -> None:
    machine.put_in_force()
    machine.write("/fake/running-config", router_only(machine))
    machine.write("/usr/bin/pmxcfs", "")
    assert "to `en05` in FRR" in machine.pmx_ring("port", "en05")[1]
    machine.write("/fake/running-config", "")
    machine.write(FRR_CONF, "! written by somebody else\n")
    machine.write(f"{INTERFACES}/en05/mtu", "1500\n")
    assert machine.pmx_ring("port", "en05") == (0, "set the MTU of `en05` to 4000\n", "")


@pytest.mark.parametrize("command", [("fabric",), ("port", "en05")], ids=" ".join)
def test_fabricd_without_any_configuration_gets_all_of_it(machine: Machine, command: tuple[str, ...]) -> None:
    machine.put_in_force()
    machine.write("/fake/running-config", "log syslog informational\n")
    assert machine.pmx_ring(*command) == (0, "give FRR its configuration again\n", "")
    assert machine.read("/fake/running-config") == machine.read(FRR_CONF)
    assert machine.pmx_ring(*command) == (0, "", "")


def test_what_no_apply_has_accepted_is_not_given(machine: Machine) -> None:
    """An upgrade that was only unpacked, or the package of another node: apply has guards, FRR has none."""
    machine.put_in_force()
    machine.write("/fake/running-config", "")
    payload = machine.read("/usr/lib/pmx-ring/frr.conf")
    machine.write("/usr/lib/pmx-ring/frr.conf", payload.replace("0001.00", "0002.00"))
    assert "give FRR" not in machine.pmx_ring("fabric")[1]
    machine.write("/fake/running-config", "")
    assert "give FRR" not in machine.pmx_ring("port", "en05")[1]
    assert "0002.00" not in machine.read("/fake/running-config")


@pytest.mark.parametrize("command", [("fabric",), ("port", "en05")], ids=" ".join)
def test_fabricd_that_takes_no_configuration_is_told(
    machine: Machine, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.put_in_force()
    machine.write("/fake/running-config", "")
    machine.write("/fake/fail", f"vtysh -f {machine.path('/usr/lib/pmx-ring/frr.conf')}")
    monkeypatch.setattr("pmx_ring.fabric._ATTEMPTS", 2)
    status, said, wrong = machine.pmx_ring(*command)
    assert (status, "error: FRR does not take `net 49.0000.0000.0001.00, " in wrong) == (1, True)
    assert "under `router openfabric 1`" in wrong
    # what its ports need is tried nevertheless
    assert "add `ip router openfabric 1, " in said


def test_fabric_completes_every_port_that_exists(machine: Machine) -> None:
    machine.put_in_force()
    machine.write("/fake/running-config", router_only(machine))
    said = machine.pmx_ring("fabric")[1].splitlines()
    assert [line.rpartition(" to ")[2] for line in said] == ["`lo` in FRR", "`en05` in FRR", "`en06` in FRR"]
    machine.uninstall()
    assert machine.pmx_ring("fabric") == (0, "", "")


def test_fabric_goes_on_with_the_other_ports(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.put_in_force()
    machine.write("/fake/running-config", router_only(machine))
    lines = [line.strip() for line in machine.read(FRR_CONF).partition("interface en05\n")[2].splitlines()]
    refused = " -c ".join(["configure terminal", "interface en05", *lines[: lines.index("exit")]])
    machine.write("/fake/fail", f"vtysh -c {refused}")
    monkeypatch.setattr("pmx_ring.fabric._ATTEMPTS", 1)
    status, said, wrong = machine.pmx_ring("fabric")
    assert (status, "error: FRR does not take" in wrong) == (1, True)
    assert "`en06` in FRR" in said
    assert "interface en06\n ip router openfabric 1\n" in machine.read("/fake/running-config")


def test_port_refuses_what_is_no_port(machine: Machine) -> None:
    assert machine.pmx_ring("port", "en07") == (1, "", "error: `en07` is no port of `pve1`\n")


def test_a_port_that_is_gone_again_is_no_failure(machine: Machine) -> None:
    assert machine.pmx_ring("port", "en05") == (0, "`en05` is gone again\n", "")


VANISHING = [
    f"udevadm info --query=property --path={INTERFACES}/thunderbolt0",
    "ip link set dev thunderbolt0 down",
    "ip link set dev thunderbolt0 name en05",
    "ip link set dev en05 mtu 4000",
    "ip link set dev en05 up",
]


@pytest.mark.parametrize("call", VANISHING)
def test_a_cable_pulled_during_an_apply_is_no_failure(machine: Machine, call: str) -> None:
    machine.write("/fake/vanish", call)
    machine.applied()
    assert names(machine) == {"en06", "enp3s0"}
    assert machine.read(f"{INTERFACES}/en06/mtu") == "4000\n"


@pytest.mark.parametrize("call", VANISHING)
def test_what_fails_while_the_cable_is_there_is_told(machine: Machine, call: str) -> None:
    machine.write("/fake/fail", call)
    status, _, wrong = machine.pmx_ring("apply")
    assert (status, f"error: `{call}` failed" in wrong) == (1, True)


def test_a_cable_pulled_while_frr_is_told_of_it_is_no_failure(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.put_in_force()
    running = machine.read("/fake/running-config").replace("interface en05\n ip router openfabric 1\n", "")
    machine.write("/fake/running-config", running)
    machine.write("/fake/vanish", "vtysh -c configure terminal -c interface en05")
    monkeypatch.setattr("pmx_ring.fabric._ATTEMPTS", 1)
    assert machine.pmx_ring("port", "en05")[0] == 0
    assert "en05" not in names(machine)


def test_of_two_interfaces_on_a_controller_the_named_one_is_the_port(machine: Machine) -> None:
    machine.put_in_force()
    machine.plug("thunderbolt0", 0)
    machine.plug("a0", 0)
    assert machine.applied() == ["nothing to change"]
