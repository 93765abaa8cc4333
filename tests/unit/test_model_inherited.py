"""What holds for a node: its own disk before the cluster's, and the name of its NIC."""

from pathlib import Path

import pytest

from pmx_cluster_tb.model.cluster import (
    Checksum,
    Compression,
    DiskModel,
    DiskOptions,
    DiskPath,
    Filesystem,
    NicMac,
    NicName,
    Raid,
)
from tests.clusters import by_serial
from tests.unit.test_model_load import changed, cluster


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)


DISKS = [
    ("", '{ serial = "A" }', (by_serial("A"), Filesystem.EXT4, None, None)),
    ("size-gib = 200", '{ serial = "A" }', (by_serial("A"), Filesystem.EXT4, None, 200)),
    (
        "size-gib = 200",
        '{ serial = "A", size-gib = 99.5 }',
        (by_serial("A"), Filesystem.EXT4, None, 99.5),
    ),
    ('model = "M 1"', '{ serial = "A" }', (by_serial("A"), Filesystem.EXT4, None, None)),
    ('model = "M 1"', '{ filesystem = "xfs" }', (DiskModel("M 1"), Filesystem.XFS, None, None)),
    ('path = "pci-1"', "{}", (DiskPath("pci-1"), Filesystem.EXT4, None, None)),
    (
        'filesystem = "zfs"\nraid = "raid0"',
        '{ serials = ["A1", "A2"], raid = "raid1" }',
        (by_serial("A1", "A2"), Filesystem.ZFS, Raid.RAID1, None),
    ),
    (
        'filesystem = "zfs"\nraid = "raid0"',
        '{ serial = "A", filesystem = "ext4" }',
        (by_serial("A"), Filesystem.EXT4, None, None),
    ),
    (
        'filesystem = "zfs"\nraid = "raid0"',
        '{ serial = "A", filesystem = "btrfs" }',
        (by_serial("A"), Filesystem.BTRFS, Raid.RAID0, None),
    ),
]


@pytest.mark.parametrize(("of_cluster", "of_node", "expected"), DISKS)
def test_a_nodes_disk_goes_before_the_clusters(of_cluster: str, of_node: str, expected: object) -> None:
    text = changed(
        ("[ring]\n", f"[disk]\n{of_cluster}\n[ring]\n"), ('{ serial = "S7KGNU0X000001" }', of_node)
    )
    disk = cluster(text).nodes[0].disk
    assert (disk.find, disk.filesystem, disk.raid, disk.size_gib) == expected


OPTIONS = [
    ("swap-gib = 0", '{ serial = "A", root-gib = 30 }', DiskOptions(swap_gib=0, root_gib=30)),
    ("swap-gib = 8\ndata-gib = 0", '{ serial = "A", swap-gib = 0 }', DiskOptions(swap_gib=0, data_gib=0)),
    ("minfree-gib = 8", '{ serial = "A", filesystem = "xfs" }', DiskOptions(minfree_gib=8)),
    (
        'filesystem = "zfs"\nraid = "raid0"\nashift = 12\ncompress = "zstd"\narc-max-mib = 4096',
        '{ serial = "A", copies = 2, checksum = "sha256" }',
        DiskOptions(
            ashift=12, compress=Compression.ZSTD, arc_max_mib=4096, copies=2, checksum=Checksum.SHA256
        ),
    ),
    # what a node's own file system has not does not come from the cluster
    (
        'filesystem = "zfs"\nraid = "raid0"\nashift = 12\ncompress = "zstd"',
        '{ serial = "A", filesystem = "btrfs" }',
        DiskOptions(compress=Compression.ZSTD),
    ),
    (
        'filesystem = "zfs"\nraid = "raid0"\nashift = 12\ncompress = "lz4"',
        '{ serial = "A", filesystem = "btrfs" }',
        DiskOptions(),
    ),
    ("swap-gib = 8", '{ serial = "A", filesystem = "zfs", raid = "raid0" }', DiskOptions()),
]


@pytest.mark.parametrize(("of_cluster", "of_node", "expected"), OPTIONS)
def test_a_nodes_layout_goes_before_the_clusters(
    of_cluster: str, of_node: str, expected: DiskOptions
) -> None:
    text = changed(
        ("[ring]\n", f"[disk]\n{of_cluster}\n[ring]\n"), ('{ serial = "S7KGNU0X000001" }', of_node)
    )
    assert cluster(text).nodes[0].disk.options == expected


@pytest.mark.parametrize(
    ("version", "nic", "pinned"),
    [
        ("9.2", "", "enlan0"),
        ("9.1", "", "enlan0"),
        ("9.1", ", pin = true", "enlan0"),
        ("9.1", ', name = "uplink_1"', "uplink_1"),
        ("9.1", ", pin = false", None),
        ("9.0", "", None),
        ("8.4", "", None),
        ("8.4", ", pin = false", None),
    ],
)
def test_the_name_that_is_pinned(version: str, nic: str, pinned: str | None) -> None:
    mac = "58:47:ca:00:00:11"
    changes = ((f'mac = "{mac}"', f'mac = "{mac}"{nic}'), ('"9.2"', f'"{version}"'))
    made = cluster(changed(*changes))
    assert made.nodes[0].nic == NicMac(mac, pinned)


def test_a_name_alone_is_none_to_pin() -> None:
    text = changed(('mac = "58:47:ca:00:00:11"', 'name = "enp3s0", pin = false'))
    assert cluster(text).nodes[0].nic == NicName("enp3s0")
