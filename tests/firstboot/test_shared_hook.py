"""A first-boot file for all nodes becomes the file of the node that it runs on."""

import json
import zipfile
from pathlib import Path

import pytest

from firstboot.archive import BadArchive
from firstboot.installed_hook import remove_other_hook
from firstboot.shared_hook import Candidate, NotOneNode, is_shared, keep_own_part, own_node
from pmx_cluster_tb.artifacts.stick.request import bundle_of
from pmx_cluster_tb.plan.bundle import HOOK_NAME, IsoVersion, Layout
from tests.firstboot.conftest import with_member
from tests.firstboot.node import HOOK, FakeNode
from tests.plans import mac_plan

pytestmark = pytest.mark.slow

ISO = IsoVersion("9.2", "1")
(SHARED_ISO,) = bundle_of(mac_plan(), ISO, Layout.SHARED).isos
SHARED = SHARED_ISO.members[HOOK_NAME]
OWN = {iso.nodes[0]: iso.members[HOOK_NAME] for iso in bundle_of(mac_plan(), ISO, Layout.SEPARATE).isos}
MACS = {f"pve{number}": f"58:47:ca:00:00:0{number}" for number in (1, 2, 3)}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """The file for all nodes, as the installer leaves it."""
    path = tmp_path / "proxmox-first-boot"
    path.write_bytes(SHARED)
    path.chmod(0o700)
    return path


def plug(node: FakeNode, **macs: str) -> None:
    """Gives the node network interfaces with these MAC addresses."""
    node.write("sys/class/net/lo/address", "00:00:00:00:00:00\n")
    for name, mac in macs.items():
        node.write(f"sys/class/net/{name}/address", f"{mac}\n")


@pytest.mark.parametrize("name", MACS)
def test_it_becomes_the_file_that_is_built_for_the_node(node: FakeNode, shared: Path, name: str) -> None:
    plug(node, enp3s0=MACS[name], vmbr0=MACS[name], wlan0="02:00:00:00:00:01")
    keep_own_part(node.system(), shared)
    assert shared.read_bytes() == OWN[name]
    assert shared.stat().st_mode & 0o7777 == 0o700
    assert not is_shared(shared)
    assert [path.name for path in shared.parent.iterdir() if "proxmox-first-boot" in path.name] == [
        shared.name
    ]


def test_nothing_of_other_nodes_stays(node: FakeNode, shared: Path) -> None:
    plug(node, enp3s0=MACS["pve2"])
    keep_own_part(node.system(), shared)
    with zipfile.ZipFile(shared) as archive:
        names = archive.namelist()
        assert json.loads(archive.read("settings.json"))["node"] == "pve2"
    assert not [name for name in names if name.startswith("nodes") or "pve1" in name or "pve3" in name]


def test_it_goes_on_with_its_own_part(node: FakeNode, shared: Path) -> None:
    plug(node, enp3s0=MACS["pve2"])
    node.write("etc/hostname", "pve2\n")
    result = node.first_boot(shared, "--step", "repositories")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "this machine is node `pve2`" in result.stdout
    assert shared.read_bytes() == OWN["pve2"]
    assert (node.root / "var/lib/pmx-ring/first-boot/record.jsonl").exists()
    assert "this machine is node" not in node.first_boot(shared, "--step", "repositories").stdout


def test_the_name_of_the_machine_must_agree_too(node: FakeNode, shared: Path) -> None:
    plug(node, enp3s0=MACS["pve2"])
    node.write("etc/hostname", "pve3\n")
    result = node.first_boot(shared)
    assert result.returncode == 1
    assert "this file is for node `pve2`, and this machine is `pve3` by /etc/hostname" in result.stdout
    assert shared.read_bytes() == SHARED


def test_the_nic_may_be_in_a_bond(node: FakeNode, shared: Path) -> None:
    plug(node, enp3s0="02:00:00:00:00:01", bond0="02:00:00:00:00:01")
    node.write("sys/class/net/enp3s0/bonding_slave/perm_hwaddr", f"{MACS['pve3'].upper()}\n")
    keep_own_part(node.system(), shared)
    assert shared.read_bytes() == OWN["pve3"]


@pytest.mark.parametrize(
    ("macs", "said"),
    [
        ({}, "it has none, and the nodes have pve1 58:47:ca:00:00:01, pve2 58:47:ca:00:00:02"),
        ({"enp3s0": "58:47:ca:00:00:04"}, "it has 58:47:ca:00:00:04, and the nodes have pve1 58:47"),
        ({"a": MACS["pve1"], "b": MACS["pve3"]}, "the network cards of several nodes: pve1, pve3"),
    ],
)
@pytest.mark.parametrize("words", [["fully-up"], ["--dry-run"]])
def test_any_other_machine_is_left_alone(
    node: FakeNode, shared: Path, macs: dict[str, str], said: str, words: list[str]
) -> None:
    plug(node, **macs)
    before = node.tree()
    result = node.first_boot(shared, *words)
    assert result.returncode == 1
    assert said in result.stdout
    assert "hint: correct `nic.mac` in the cluster file and make the stick again" in result.stdout
    assert node.tree() == before
    assert node.all_calls() == []
    assert shared.read_bytes() == SHARED


def test_a_dry_run_tells_and_changes_nothing(node: FakeNode, shared: Path) -> None:
    plug(node, enp3s0=MACS["pve2"])
    result = node.first_boot(shared, "--dry-run")
    assert result.returncode == 0
    assert "this machine is `pve2`; would take what is for pve1, pve3 out of" in result.stdout
    assert shared.read_bytes() == SHARED


def test_a_failed_write_leaves_the_file_for_all(
    node: FakeNode, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    plug(node, enp3s0=MACS["pve2"])
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        keep_own_part(node.system(), shared)
    assert shared.read_bytes() == SHARED
    assert [path.name for path in shared.parent.iterdir() if "proxmox-first-boot" in path.name] == [
        shared.name
    ]


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("nodes.json", b"{"),
        ("nodes.json", b'{"schema": 2, "nodes": []}'),
        ("nodes.json", b'{"schema": 1, "nodes": []}'),
        ("nodes.json", b'{"schema": 1, "nodes": [{"node": "pve2"}]}'),
        ("nodes.json", b'{"schema": 1, "nodes": [{"node": "pve9", "mac": "58:47:ca:00:00:02"}]}'),
        ("nodes/pve2/settings.json", b"{}"),
    ],
)
def test_a_damaged_file_changes_nothing(
    node: FakeNode, shared: Path, tmp_path: Path, member: str, text: bytes
) -> None:
    plug(node, enp3s0=MACS["pve2"])
    damaged = with_member(shared, tmp_path / "damaged", member, text)
    before = damaged.read_bytes()
    result = node.first_boot(damaged, "fully-up")
    assert result.returncode == 1
    assert "hint: copy the file again" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    assert damaged.read_bytes() == before


def test_no_archive_at_all_is_told(tmp_path: Path) -> None:
    path = tmp_path / "hook"
    path.write_bytes(b"#!/usr/bin/python3\n")
    with pytest.raises(BadArchive):
        is_shared(path)


def test_a_copy_that_finishes_replaces_the_installed_file_for_all(node: FakeNode) -> None:
    installed = node.write(HOOK, "", 0o700)
    installed.write_bytes(SHARED)
    remove_other_hook(node.system(), "another run")
    assert installed.read_bytes().startswith(b"#!/bin/sh\n")


def test_the_choice_of_a_node() -> None:
    candidates = [Candidate("a", "58:47:CA:00:00:01"), Candidate("b", "58:47:ca:00:00:02")]
    assert own_node(candidates, ["58:47:ca:00:00:01", "02:00:00:00:00:01"]) == "a"
    with pytest.raises(NotOneNode):
        own_node(candidates, [])
