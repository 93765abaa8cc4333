"""First boot on real Debian systems under systemd, with real apt and dpkg, and reboots."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.artifacts.apt_state import audit, states
from tests.firstboot.proxmox import (
    FLAG,
    HOOK,
    KEY,
    NEW_KERNEL,
    OLD_KERNEL,
    UNIT,
    example_cluster,
    make_proxmox,
)
from tests.roots.machine import Machine, booted
from tests.roots.root import Root
from tests.roots.snapshot import differences
from tests.roots.waiting import wait_for

pytestmark = pytest.mark.root

RECORD = "/var/lib/pmx-ring/first-boot/record.jsonl"


@pytest.fixture
def node(root: Root) -> Root:
    """A root like pve1 before its first boot."""
    make_proxmox(root, example_cluster())
    return root


def events(root: Root, kind: str) -> list[dict[str, object]]:
    lines = root.file(RECORD).read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def last_event(root: Root) -> str:
    lines = root.file(RECORD).read_text().splitlines() if root.file(RECORD).exists() else []
    return str(json.loads(lines[-1])["event"]) if lines else ""


def ended(machine: Machine) -> str:
    """`active` or `failed` once the unit has ended, `off` when the machine has."""

    def state() -> str:
        if not Path(f"/proc/{machine.leader}/root/usr").exists():
            return "off"
        return machine.properties(UNIT, "ActiveState").get("ActiveState", "off")

    ends = {"active", "failed", "off", "inactive"}
    return wait_for(
        "end of first boot",
        state,
        until=lambda now: now in ends,
        seconds=60,
        explain=lambda: machine.journal(f"--unit={UNIT}", "--output=cat"),
    )


def boot(root: Root, look: Callable[[Machine], None] = lambda _: None) -> tuple[str, str]:
    """One boot: how first boot ended, and what the journal says of it; `look` at the machine then."""
    kernels = [path.name.removeprefix("vmlinuz-") for path in root.file("/boot").glob("vmlinuz-*")]
    newest = max(kernels, key=lambda kernel: [int(number) for number in re.findall(r"\d+", kernel)])
    root.write("/etc/running-kernel", f"{newest}\n")
    with booted(root) as machine:
        machine.run(["systemctl", "start", "--no-block", UNIT])
        end = ended(machine)
        journal = "" if end == "off" else machine.journal(f"--unit={UNIT}", "--output=cat")
        if end != "active" and last_event(root) == "reboot":
            return "rebooting", journal  # the shutdown kills it, seen or not
        look(machine)
        return end, journal


def look_at_the_ring(machine: Machine) -> None:
    assert "10.0.0.81/32" in machine.says("ip", "-brief", "address", "show", "dev", "lo")
    assert " net 49.0000.0000.0001.00" in machine.says("vtysh", "-c", "show running-config").splitlines()
    assert machine.run(["pmx-ring", "apply", "--dry-run"]).stdout == "nothing to change\n"
    assert machine.failed_units() == []


def test_from_a_bare_installation_to_a_finished_node(node: Root) -> None:
    node.write("/copy", node.file(HOOK).read_bytes(), 0o700)
    end, journal = boot(node)
    assert end == "rebooting", journal
    (reboot,) = events(node, "reboot")
    assert reboot["reason"] == f"kernel {OLD_KERNEL} runs, and {NEW_KERNEL} is the newest installed"
    end, journal = boot(node, look_at_the_ring)
    assert end == "active", journal
    (finished,) = events(node, "finished")
    assert f"pmx first boot: finished: {finished['settings']}" in journal.splitlines()
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
    assert boot(node, look_at_the_ring)[0] == "inactive"
