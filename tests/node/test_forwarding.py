"""Forwarding, and the LAN's router that must not get lost by it."""

import json
from dataclasses import replace

import pytest

from pmx_ring import forwarding
from tests.clusters import seed_cluster
from tests.node.machine import Machine

ACCEPT_RA = "/proc/sys/net/ipv6/conf/vmbr0/accept_ra"
SETTING = "/etc/sysctl.d/90-pmx-ring-accept-ra.conf"
SAID = "let `vmbr0` accept router advertisements while the node forwards"

ADVERTISED_ROUTE = [{"dst": "default", "dev": "vmbr0", "protocol": "ra"}]
STATIC_ROUTE = [{"dst": "default", "dev": "vmbr0", "protocol": "static"}]
DYNAMIC_ADDRESS = [{}, {"ifname": "vmbr0", "addr_info": [{"local": "2001:db8::1", "dynamic": True}]}]


@pytest.fixture
def solicited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(forwarding, "solicit_router", names.append)
    return names


def test_an_advertised_router_is_kept_before_forwarding_goes_on(
    machine: Machine, solicited: list[str]
) -> None:
    machine.write("/fake/default-routes", json.dumps(ADVERTISED_ROUTE))
    said = machine.applied()
    assert said.index(SAID) < said.index("set `net/ipv6/conf/all/forwarding` to 1")
    assert machine.read(ACCEPT_RA) == "2\n"
    assert "net/ipv6/conf/vmbr0/accept_ra = 2\n" in machine.read(SETTING)
    assert solicited == []
    assert machine.applied() == ["nothing to change"]


def test_a_router_that_was_lost_before_is_asked_for(machine: Machine, solicited: list[str]) -> None:
    machine.write("/fake/dynamic-addresses", json.dumps(DYNAMIC_ADDRESS))
    assert SAID in machine.applied()
    assert solicited == ["vmbr0"]


def test_a_router_that_cannot_be_asked_is_no_failure(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_name: str) -> None:
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(forwarding, "solicit_router", unreachable)
    machine.write("/fake/dynamic-addresses", json.dumps(DYNAMIC_ADDRESS))
    assert SAID in machine.applied()
    assert machine.read(ACCEPT_RA) == "2\n"


@pytest.mark.parametrize("accept_ra", ["0\n", "2\n"])
def test_what_the_administrator_chose_stays(machine: Machine, accept_ra: str) -> None:
    machine.write("/fake/default-routes", json.dumps(ADVERTISED_ROUTE))
    machine.write(ACCEPT_RA, accept_ra)
    assert SAID not in machine.applied()
    assert machine.read(ACCEPT_RA) == accept_ra


def test_a_static_route_needs_nothing(machine: Machine) -> None:
    machine.write("/fake/default-routes", json.dumps(STATIC_ROUTE))
    assert SAID not in machine.applied()
    assert not machine.path(SETTING).exists()


def test_interfaces_of_earlier_applies_stay_in_the_setting(machine: Machine) -> None:
    machine.write("/fake/default-routes", json.dumps(ADVERTISED_ROUTE))
    machine.applied()
    machine.write("/proc/sys/net/ipv6/conf/vmbr0.7/accept_ra", "1\n")
    machine.write("/fake/default-routes", json.dumps([{"dev": "vmbr0.7", "protocol": "ra"}]))
    machine.applied()
    settings = machine.read(SETTING).splitlines()[1:]
    assert settings == ["net/ipv6/conf/vmbr0/accept_ra = 2", "net/ipv6/conf/vmbr0.7/accept_ra = 2"]


def test_only_the_families_of_the_ring_are_forwarded(machine: Machine) -> None:
    cluster = seed_cluster()
    machine.install(replace(cluster, ring=replace(cluster.ring, ipv6=None)))
    assert [line for line in machine.applied() if line.startswith("set `net")] == [
        "set `net/ipv4/ip_forward` to 1"
    ]
    assert machine.read("/proc/sys/net/ipv6/conf/all/forwarding") == "0\n"


def test_an_override_of_the_administrator_is_told(machine: Machine) -> None:
    machine.write("/fake/sysctl-is-overridden", "")
    status, _, wrong = machine.pmx_ring("apply")
    assert status == 1
    assert "error: `net/ipv4/ip_forward` is still not 1" in wrong
