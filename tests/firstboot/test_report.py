"""The text of what remains for a person, and the disks that it lists."""

import re
import shlex
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from firstboot.steps.disks import Disk, disks
from firstboot.steps.remaining_work import ClusterNode, Situation, remaining_work

_PVE1 = ClusterNode("pve1", ip_address("192.168.178.11"), (ip_address("10.0.0.81"), ip_address("fc00::81")))
_PVE2 = ClusterNode("pve2", ip_address("192.168.178.12"), (ip_address("10.0.0.82"), ip_address("fc00::82")))
_GIB = 1 << 30
_FIRST = Situation(
    cluster="pvc1",
    own=_PVE1,
    first=_PVE1,
    node_count=3,
    ring_networks=(ip_network("10.0.0.80/28"), ip_network("fc00::80/124")),
    disks=(
        Disk("/dev/disk/by-id/nvme-990_PRO_S7KGNU0X000001", 931 * _GIB, 3, 731 * _GIB),
        Disk("/dev/disk/by-id/nvme-990_PRO_S7KGNU0X000009", 1863 * _GIB, 0, 1863 * _GIB),
    ),
)
_SECOND = replace(_FIRST, own=_PVE2)


def _commands(situation: Situation) -> list[str]:
    lines = remaining_work(situation).splitlines()
    return [line.strip() for line in lines if line.startswith("    ") and not line.startswith("    /dev")]


def test_the_first_node() -> None:
    assert _commands(_FIRST) == [
        "pvecm create pvc1 --link0 192.168.178.11 --link1 10.0.0.81",
        "pvecm status",
        "corosync-cfgtool -n",
        "pvesh set /cluster/options --migration type=secure,network=10.0.0.80/28",
        "pvesh create /cluster/firewall/rules --type in --action ACCEPT --enable 1 --source 10.0.0.80/28",
        "pvesh create /cluster/firewall/rules --type in --action ACCEPT --enable 1 --source fc00::80/124",
        "pveceph install --repository no-subscription",
        "pveceph init --network 10.0.0.80/28",
        "pveceph mon create --mon-address 10.0.0.81",
        "pveceph mgr create",
    ]


def test_another_node() -> None:
    assert _commands(_SECOND) == [
        "pvecm add 192.168.178.11 --link0 192.168.178.12 --link1 10.0.0.82",
        "pvecm status",
        "corosync-cfgtool -n",
        "pveceph install --repository no-subscription",
        "pveceph mon create --mon-address 10.0.0.82",
        "pveceph mgr create",
    ]


def test_a_machine_that_replaces_one_joins_the_cluster_that_is_there() -> None:
    first, second = remaining_work(_FIRST), remaining_work(_SECOND)
    assert "Do not,\nif other nodes are in one already: `pvecm delnode pve1` on one of them" in first
    assert first.index("`pvecm add`") < first.index("    pvecm create")
    assert "If a machine called pve2 was in it before, `pvecm delnode pve2` there comes first:" in second


def test_rights_of_the_user_are_left_to_a_person_and_given_once() -> None:
    command = "pveum acl modify / --users pieter@pam --roles Administrator"
    assert command in _commands(replace(_FIRST, user="pieter"))
    assert not [line for line in _commands(_FIRST) if line.startswith("pveum")]
    assert command not in _commands(replace(_SECOND, user="pieter"))


def test_a_ring_with_ipv6_only() -> None:
    own = replace(_PVE1, ring=_PVE1.ring[1:])
    situation = replace(_FIRST, own=own, first=own, ring_networks=_FIRST.ring_networks[1:])
    assert "pvecm create pvc1 --link0 192.168.178.11 --link1 fc00::81" in _commands(situation)
    assert "pveceph init --network fc00::80/124" in _commands(situation)
    assert "10.0.0" not in remaining_work(situation)


def test_two_nodes_get_no_ceph_but_a_word_on_quorum() -> None:
    text = remaining_work(replace(_FIRST, node_count=2))
    assert "QDevice" in text
    assert "pveceph mon" not in text


def test_disks_are_named_with_what_is_free() -> None:
    text = remaining_work(_SECOND)
    assert (
        "990_PRO_S7KGNU0X000001  931.0 GiB, 3 partitions, 731.0 GiB after the last one not partitioned"
        in text
    )
    assert "990_PRO_S7KGNU0X000009  1863.0 GiB, no partitions" in text


def test_a_full_disk_has_nothing_free() -> None:
    text = remaining_work(replace(_FIRST, disks=(Disk("/dev/sda", 100 * _GIB, 1, 1 << 20),)))
    assert "/dev/sda  100.0 GiB, 1 partition\n" in text


@pytest.mark.parametrize("situation", [replace(_FIRST, user="pieter"), _SECOND])
def test_a_terminal_shows_it_and_a_shell_takes_it(situation: Situation) -> None:
    for line in remaining_work(situation).splitlines():
        assert len(line) <= 120
    for command in _commands(situation):
        assert shlex.split(command) == command.split(" ")
        assert not re.search(r"[<>$*?|;&]", command)


def _block(root: Path, name: str, sectors: int, *, removable: int = 0) -> Path:
    folder = root / "sys/block" / name
    folder.mkdir(parents=True)
    (folder / "size").write_text(f"{sectors}\n")
    (folder / "removable").write_text(f"{removable}\n")
    return folder


def _partition(disk: Path, name: str, start: int, sectors: int) -> None:
    folder = disk / name
    folder.mkdir()
    (folder / "partition").write_text("1\n")
    (folder / "start").write_text(f"{start}\n")
    (folder / "size").write_text(f"{sectors}\n")


def test_disks_are_read_from_sysfs(tmp_path: Path) -> None:
    installed = _block(tmp_path, "nvme0n1", 2000)
    _partition(installed, "nvme0n1p1", 34, 16)
    _partition(installed, "nvme0n1p2", 50, 950)
    _block(tmp_path, "nvme1n1", 4000)
    _block(tmp_path, "sda", 100, removable=1)
    _block(tmp_path, "sdb", 0)
    _block(tmp_path, "loop0", 100)
    _block(tmp_path, "dm-0", 100)
    by_id = tmp_path / "dev/disk/by-id"
    by_id.mkdir(parents=True)
    for name, target in (
        ("nvme-eui.0025385", "nvme0n1"),
        ("nvme-990_PRO_S7KGNU0X000001", "nvme0n1"),
        ("nvme-990_PRO_S7KGNU0X000001-part1", "nvme0n1p1"),
    ):
        (by_id / name).symlink_to(f"../../{target}")
    assert disks(tmp_path) == [
        Disk("/dev/disk/by-id/nvme-990_PRO_S7KGNU0X000001", 2000 * 512, 2, 1000 * 512),
        Disk("/dev/nvme1n1", 4000 * 512, 0, 4000 * 512),
    ]
