"""First boot on real Debian systems under systemd, with real apt and dpkg, and reboots."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.artifacts.apt_state import audit, states
from tests.firstboot.power_on import End, power_on
from tests.firstboot.proxmox import (
    FLAG,
    HOOK,
    KEY,
    NEW_KERNEL,
    OLD_KERNEL,
    example_cluster,
    make_proxmox,
)
from tests.roots.machine import Machine
from tests.roots.recipe import RELEASES
from tests.roots.root import Root, fresh_root
from tests.roots.snapshot import differences
from tests.roots.waiting import wait_for

pytestmark = pytest.mark.root

RECORD = "/var/lib/pmx-ring/first-boot/record.jsonl"


@pytest.fixture(params=RELEASES)
def node(request: pytest.FixtureRequest, finished_roots: Callable[[str], Path]) -> Iterator[Root]:
    """A root like pve1 before its first boot."""
    with fresh_root(request.param, finished_roots(request.param)) as root:
        make_proxmox(root, example_cluster())
        yield root


def events(root: Root, kind: str) -> list[dict[str, object]]:
    lines = root.file(RECORD).read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def look_at_the_ring(machine: Machine) -> None:
    assert "10.0.0.81/32" in machine.says("ip", "-brief", "address", "show", "dev", "lo")
    # FRR runs before it has read its configuration
    wait_for(
        "configuration of FRR",
        lambda: machine.says("vtysh", "-c", "show running-config").splitlines(),
        until=lambda lines: " net 49.0000.0000.0001.00" in lines,
    )
    assert machine.run(["pmx-ring", "apply", "--dry-run"]).stdout == "nothing to change\n"
    assert machine.failed_units() == []


def test_from_a_bare_installation_to_a_finished_node(node: Root) -> None:
    node.write("/copy", node.file(HOOK).read_bytes(), 0o700)
    first = power_on(node)
    assert first.end is End.REBOOT, first
    (reboot,) = events(node, "reboot")
    assert reboot["reason"] == f"kernel {OLD_KERNEL} runs, and {NEW_KERNEL} is the newest installed"
    # the test's package of the kernel brings none
    assert node.file(f"/boot/initrd.img-{NEW_KERNEL}").stat().st_size > 0
    second = power_on(node, look=look_at_the_ring)
    assert (second.end, second.state) == (End.UP, "active"), second
    (finished,) = events(node, "finished")
    assert f"pmx first boot: finished: {finished['settings']}" in second.said
    assert not node.file(FLAG).exists()
    assert b"$6$" not in node.file(HOOK).read_bytes()
    assert states(node) == {"pmx-ring": "ii", "pmx-pvc1-pve1": "ii"}
    assert audit(node) == ""
    assert "thunderbolt0" not in node.file("/etc/network/interfaces").read_text()
    assert node.file("/home/pieter/.ssh/authorized_keys").read_text() == f"{KEY}\n"
    assert "pieter" in node.run(["getent", "group", "sudo"]).stdout
    assert json.loads(node.run(["pmx-ring", "first-boot", "--json"]).stdout)["state"] == "finished"
    before = node.tree()
    again = node.run(["/copy"])
    assert again.stdout.endswith(": nothing to do\n")
    assert {path for path in differences(before, node.tree()) if not path.startswith("/run/")} == set()
    assert power_on(node, look=look_at_the_ring).state == "inactive"
