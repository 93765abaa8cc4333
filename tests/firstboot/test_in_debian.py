"""First boot on real Debian systems under systemd, with real apt and dpkg, and reboots."""

import json
from pathlib import Path

import pytest

from tests.artifacts.apt_state import audit, states
from tests.firstboot.proxmox import (
    FLAG,
    HOOK,
    KEY,
    NEW_KERNEL,
    UNIT,
    example_cluster,
    make_proxmox,
)
from tests.roots.machine import Machine, booted
from tests.roots.root import Root
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


def boot(root: Root) -> tuple[str, str]:
    """One boot: how it ended, and what the journal says of it (nothing if it ended with a reboot)."""
    newest = sorted(path.name for path in root.file("/boot").glob("vmlinuz-*"))
    kernels = [name.removeprefix("vmlinuz-") for name in newest]
    root.write(
        "/etc/running-kernel",
        max(kernels, key=lambda one: [int(n) for n in one.split("-")[0].split(".")]) + "\n",
    )
    with booted(root) as machine:
        if not root.file(FLAG).exists():
            return "inactive", ""
        machine.run(["systemctl", "start", "--no-block", UNIT])
        end = ended(machine)
        journal = "" if end == "off" else machine.journal(f"--unit={UNIT}", "--output=cat")
        # the shutdown kills it, seen or not
        return "rebooting" if end != "active" and last_event(root) == "reboot" else end, journal


def test_from_a_bare_installation_to_a_finished_node(node: Root) -> None:
    end, journal = boot(node)
    assert end == "rebooting", journal
    assert [event["reason"] for event in events(node, "reboot")] == [
        f"kernel 6.8.12-4-pve runs, and {NEW_KERNEL} is the newest installed"
    ]
    end, journal = boot(node)
    assert end == "active", journal
    (finished,) = events(node, "finished")
    lines = journal.splitlines()
    assert f"pmx first boot: finished: {finished['settings']}" in lines
    assert not node.file(FLAG).exists()
    assert b"$6$" not in node.file(HOOK).read_bytes()
    assert states(node) == {"pmx-ring": "ii", "pmx-pvc1-pve1": "ii"}
    assert audit(node) == ""
    assert "thunderbolt0" not in node.file("/etc/network/interfaces").read_text()
    assert node.file("/home/pieter/.ssh/authorized_keys").read_text() == f"{KEY}\n"
    assert "pieter" in node.run(["getent", "group", "sudo"]).stdout
    told = node.run(["pmx-ring", "first-boot", "--json"]).stdout
    assert json.loads(told)["state"] == "finished"
