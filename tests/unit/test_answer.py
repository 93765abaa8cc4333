"""Answers of every kind, for every installer, before an independent judge."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Interface
from itertools import product
from typing import cast

import pytest

from pmx_cluster_tb.model.cluster import (
    AfterInstall,
    Checksum,
    Cluster,
    Compression,
    Disk,
    DiskModel,
    DiskOptions,
    DiskPath,
    DiskSerials,
    Filesystem,
    Management,
    NicMac,
    NicName,
    ProxmoxVersion,
    Raid,
)
from pmx_cluster_tb.model.inherited import COMPRESSIONS
from pmx_cluster_tb.model.versions import PINS_NAMES
from pmx_cluster_tb.plan.answer import node_answer
from pmx_cluster_tb.plan.types import Answer, Sources, Table
from pmx_cluster_tb.sources import read_sources
from tests.clusters import by_serial, seed_cluster
from tests.unit.answer_rules import VERSIONS, accepted_keys, faults
from tests.vm.standin.installer.answer import read_answer
from tests.vm.standin.installer.machine import checked_pattern

# one glob holds any of them
SERIALS = tuple(f"S7KGNU0X00000{number}" for number in range(1, 7))

DISKS_OF_RAID = {Raid.RAID0: 1, Raid.RAID1: 2, Raid.RAID10: 4, Raid.RAIDZ1: 3, Raid.RAIDZ2: 4, Raid.RAIDZ3: 5}

FILESYSTEMS = [
    (Filesystem.EXT4, None),
    (Filesystem.XFS, None),
    *((Filesystem.ZFS, raid) for raid in Raid),
    *((Filesystem.BTRFS, raid) for raid in (Raid.RAID0, Raid.RAID1, Raid.RAID10)),
]

FINDS: list[DiskModel | DiskPath] = [DiskModel("Samsung SSD_990 PRO"), DiskPath("pci-0000:01:00.0-nvme-1")]

NICS: list[NicMac | NicName] = [NicMac("58:47:ca:00:00:1f"), NicName("enp3s0")]

PINNED = NicMac("58:47:ca:00:00:1f", "lan0")

LVM = [
    DiskOptions(swap_gib=0, root_gib=30, data_gib=0, minfree_gib=8),
    DiskOptions(swap_gib=7.5, root_gib=4, data_gib=1000, minfree_gib=0),
]
ZFS = [
    DiskOptions(ashift=12, arc_max_mib=4096, checksum=Checksum.SHA256, compress=Compression.ZSTD, copies=2),
    *(DiskOptions(compress=compress) for compress in COMPRESSIONS[Filesystem.ZFS]),
    *(DiskOptions(checksum=checksum) for checksum in Checksum),
]
OPTIONS = {
    Filesystem.EXT4: LVM,
    Filesystem.XFS: LVM,
    Filesystem.ZFS: ZFS,
    Filesystem.BTRFS: [DiskOptions(compress=compress) for compress in COMPRESSIONS[Filesystem.BTRFS]],
}

KEYS: list[tuple[str, ...]] = [(), ("ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two")]

# what an answer may hold; every one of them is written for at least one cluster
WRITTEN = {
    "global": {
        "country", "fqdn", "keyboard", "mailto", "timezone", "root-password-hashed", "root-ssh-keys",
        "reboot-on-error", "reboot-mode",
    },
    "network": {"source", "cidr", "dns", "gateway", "filter"},
    "disk-setup": {"filesystem", "filter", "filter-match", "lvm", "zfs", "btrfs"},
    "disk-setup.lvm": {"hdsize", "swapsize", "maxroot", "maxvz", "minfree"},
    "disk-setup.zfs": {"raid", "hdsize", "ashift", "arc-max", "checksum", "compress", "copies"},
    "disk-setup.btrfs": {"raid", "hdsize", "compress"},
    "first-boot": {"source", "ordering"},
}  # fmt: skip


def disks() -> Iterator[Disk]:
    for (filesystem, raid), size in product(FILESYSTEMS, (None, 200, 0.5)):
        serials = SERIALS[: DISKS_OF_RAID[raid] if raid else 1]
        mixed = (*serials[:-1], "WD-WX11A1234567")
        for find in [by_serial(*serials), by_serial(*mixed), *FINDS]:
            yield Disk(find=find, filesystem=filesystem, raid=raid, size_gib=size)


def disks_with_options() -> Iterator[Disk]:
    for filesystem, raid in FILESYSTEMS:
        serials = by_serial(*SERIALS[: DISKS_OF_RAID[raid] if raid else 1])
        for options in OPTIONS[filesystem]:
            yield Disk(find=serials, filesystem=filesystem, raid=raid, size_gib=200, options=options)


def with_disk(disk: Disk, cluster: Cluster) -> Cluster:
    return replace(cluster, nodes=(replace(cluster.nodes[0], disk=disk), *cluster.nodes[1:]))


def clusters(version: ProxmoxVersion) -> Iterator[Cluster]:
    """Every disk; each NIC, end of the installation, LAN family, with and without SSH keys."""
    seed = replace(seed_cluster(), proxmox_ve=version)
    yield from (with_disk(disk, seed) for disk in [*disks(), *disks_with_options()])
    nics = [*NICS, PINNED] if version in PINS_NAMES else NICS
    for nic, after, keys in product(
        nics, AfterInstall, ((), ("ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"))
    ):
        access = replace(seed.access, root_ssh_keys=keys)
        nodes = (replace(seed.nodes[0], nic=nic), *seed.nodes[1:])
        yield replace(seed, nodes=nodes, after_install=after, access=access)
    on_ipv6 = replace(seed.nodes[0], address=IPv6Interface("2001:db8::11/64"))
    lan = Management(gateway=IPv6Address("2001:db8::1"), dns=IPv6Address("2001:db8::53"))
    yield replace(seed, nodes=(on_ipv6, *seed.nodes[1:]), management=lan)


def answer(cluster: Cluster, sources: Sources | None = None) -> Answer:
    return node_answer(cluster, cluster.nodes[0], sources or read_sources())


def at(table: Table, path: str) -> Table:
    for name in path.split("."):
        table = cast("Table", table.get(name, {}))
    return table


@pytest.mark.parametrize("version", ProxmoxVersion)
def test_the_installer_accepts_every_answer(version: ProxmoxVersion) -> None:
    for cluster in clusters(version):
        made = answer(cluster)
        assert faults(version, made.table) == [], cluster.nodes[0]
        assert tomllib.loads(made.text) == made.table
        assert "$$" not in made.text


@pytest.mark.parametrize("version", ProxmoxVersion)
def test_the_stand_in_reads_every_answer(version: ProxmoxVersion) -> None:
    """With every key that is written, as the test below says."""
    installer = str(read_sources().installers[version]["installer"])
    for cluster in clusters(version):
        read = read_answer(answer(cluster).text, installer)
        for wanted in (read.disk_setup["filter"], read.network["filter"]):
            assert all(map(checked_pattern, wanted.values()))


@pytest.mark.parametrize("version", ProxmoxVersion)
def test_every_key_is_written_for_every_installer(version: ProxmoxVersion) -> None:
    tables = [answer(cluster).table for cluster in clusters(version)]
    expected = WRITTEN
    if version in PINS_NAMES:
        pinning = {"network": WRITTEN["network"] | {"interface-name-pinning"}}
        expected = WRITTEN | pinning | {"network.interface-name-pinning": {"enabled", "mapping"}}
    assert {path: set().union(*(at(table, path) for table in tables)) for path in expected} == expected


@pytest.mark.parametrize("version", ProxmoxVersion)
def test_names_are_pinned_where_the_installer_can(version: ProxmoxVersion) -> None:
    can = "network.interface-name-pinning.mapping" in accepted_keys(version)
    assert (version in PINS_NAMES) is can


def test_a_pinned_name() -> None:
    seed = replace(seed_cluster(), proxmox_ve=ProxmoxVersion.V9_1)
    made = answer(replace(seed, nodes=(replace(seed.nodes[0], nic=PINNED), *seed.nodes[1:])))
    assert at(made.table, "network.interface-name-pinning") == {
        "enabled": True,
        "mapping": {"58:47:ca:00:00:1f": "lan0"},
    }
    assert '[network.interface-name-pinning.mapping]\n"58:47:ca:00:00:1f" = "lan0"\n' in made.text


def test_a_nic_that_is_found_by_name_is_not_pinned() -> None:
    for version in ProxmoxVersion:
        made = answer(replace(seed_cluster(), proxmox_ve=version))
        assert "interface-name-pinning" not in made.text


@pytest.mark.parametrize("version", ProxmoxVersion)
def test_accepted_sets_are_those_of_the_real_validators(version: ProxmoxVersion) -> None:
    accepted = cast("Mapping[str, list[str]]", read_sources().installers[version]["accepted"])
    listed = {f"{path}.{key}" for path, keys in accepted.items() for key in keys}
    assert listed | {
        "global",
        "network",
        "disk-setup",
        "post-installation-webhook",
        "first-boot",
    } == accepted_keys(version)


def test_there_is_data_for_exactly_the_supported_versions() -> None:
    assert set(read_sources().installers) == set(ProxmoxVersion) == set(VERSIONS)


@pytest.mark.parametrize("version", ProxmoxVersion)
def test_a_key_that_the_installer_does_not_accept_is_never_written(version: ProxmoxVersion) -> None:
    sources = read_sources()
    installer = sources.installers[version]
    accepted = cast("Mapping[str, list[str]]", installer["accepted"])
    cluster = next(clusters(version))
    for section in ("global", "network", "disk-setup", "first-boot"):
        for key in at(answer(cluster).table, section):
            fewer = {**accepted, section: [other for other in accepted[section] if other != key]}
            installers = {**sources.installers, version: {**installer, "accepted": fewer}}
            with pytest.raises(AssertionError, match="accepts no"):
                answer(cluster, replace(sources, installers=installers))


def nested(path: str, value: object) -> dict[str, object]:
    """A table of tables that has `value` at the dotted `path`."""
    first, _, rest = path.partition(".")
    return {first: nested(rest, value) if rest else value}


def accepted_leaves(version: str) -> set[str]:
    """Accepted keys, but for tables; `fqdn` may be one, but never is here."""
    keys = {key for key in accepted_keys(version) if not key.startswith("global.fqdn.")}
    return {key for key in keys if not any(other.startswith(f"{key}.") for other in keys)}


@pytest.mark.parametrize("version", ProxmoxVersion)
def test_every_accepted_key_is_written_and_every_other_refused(version: ProxmoxVersion) -> None:
    cluster = replace(seed_cluster(), proxmox_ve=version)
    accepted = accepted_leaves(version)
    for leaf in {leaf for other in VERSIONS for leaf in accepted_leaves(other)}:
        sources = replace(read_sources(), base_answer=nested(leaf, "given"))
        if leaf in accepted:
            table, _, key = leaf.rpartition(".")
            assert key in at(answer(cluster, sources).table, table)
        else:
            with pytest.raises(AssertionError, match="accepts no"):
                answer(cluster, sources)


FILTERS = [
    (by_serial("S7[K]1"), {"ID_SERIAL_SHORT": "S7[[]K[]]1"}),
    (DiskModel("Samsung SSD_990 PRO 2TB"), {"ID_MODEL": "Samsung?SSD?990?PRO?2TB"}),
    (DiskModel("HGST HUS722T2TALA604/A,(B)"), {"ID_MODEL": "HGST?HUS722T2TALA604?A??B?"}),
    (DiskPath("pci-0000:01:00.0-ata-1"), {"ID_PATH": "pci-0000:01:00.0-ata-1"}),
]


@pytest.mark.parametrize(("find", "expected"), FILTERS)
def test_disk_filters(find: DiskSerials | DiskModel | DiskPath, expected: dict[str, str]) -> None:
    seed = seed_cluster()
    made = answer(with_disk(replace(seed.nodes[0].disk, find=find), seed))
    assert at(made.table, "disk-setup.filter") == expected


@pytest.mark.parametrize(
    ("nic", "expected"),
    [
        (NicMac("58:47:ca:00:00:1f"), {"ID_NET_NAME_MAC": "enx5847ca00001f"}),
        (NicName("enp3s0"), {"INTERFACE": "enp3s0"}),
    ],
)
def test_nic_filters(nic: NicMac | NicName, expected: dict[str, str]) -> None:
    seed = seed_cluster()
    made = answer(replace(seed, nodes=(replace(seed.nodes[0], nic=nic), *seed.nodes[1:])))
    assert at(made.table, "network.filter") == expected


@pytest.mark.parametrize(
    ("filesystem", "raid", "table"),
    [
        (Filesystem.EXT4, None, "lvm"),
        (Filesystem.XFS, None, "lvm"),
        (Filesystem.ZFS, Raid.RAID1, "zfs"),
        (Filesystem.BTRFS, Raid.RAID1, "btrfs"),
    ],
)
def test_the_size_goes_to_the_table_of_the_file_system(
    filesystem: Filesystem, raid: Raid | None, table: str
) -> None:
    disk = Disk(
        find=by_serial(*(SERIALS[:2] if raid else SERIALS[:1])),
        filesystem=filesystem,
        raid=raid,
        size_gib=200.0,
    )
    setup = at(answer(with_disk(disk, seed_cluster())).table, "disk-setup")
    assert at(setup, table)["hdsize"] == 200
    assert isinstance(at(setup, table)["hdsize"], int)
    assert {"lvm", "zfs", "btrfs"} & setup.keys() == {table}


@pytest.mark.parametrize("version", ProxmoxVersion)
@pytest.mark.parametrize("after_install", AfterInstall)
def test_the_end_of_the_installation(version: ProxmoxVersion, after_install: AfterInstall) -> None:
    made = answer(replace(seed_cluster(), proxmox_ve=version, after_install=after_install))
    powers_off = after_install == "power-off"
    assert at(made.table, "global")["reboot-mode"] == after_install
    assert ("powers off when" in made.text) == powers_off
    assert ("reboots when" in made.text) == (not powers_off)


COMMENTS = [
    (by_serial(*SERIALS[:1]), None, "WIPES the disk with serial S7KGNU0X000001,"),
    (by_serial(*SERIALS[:2]), Raid.RAID1, "WIPES the disks with serials S7KGNU0X000001, S7KGNU0X000002,"),
    (DiskModel("QEMU HARDDISK"), None, "WIPES the first disk of model QEMU HARDDISK,"),
    (DiskModel("QEMU HARDDISK"), Raid.RAID1, "WIPES every disk of model QEMU HARDDISK,"),
    (DiskPath("pci-0000:01:00.0-nvme-1"), None, "WIPES the disk at pci-0000:01:00.0-nvme-1,"),
]


@pytest.mark.parametrize(("find", "raid", "text"), COMMENTS)
def test_the_head_says_what_is_wiped_and_no_secret(
    find: DiskSerials | DiskModel | DiskPath, raid: Raid | None, text: str
) -> None:
    seed = seed_cluster()
    disk = Disk(find=find, filesystem=Filesystem.ZFS if raid else Filesystem.EXT4, raid=raid, size_gib=None)
    head = [line for line in answer(with_disk(disk, seed)).text.splitlines() if line.startswith("#")]
    assert "node pve1 of cluster pvc1" in head[0]
    assert any(text in line for line in head)
    assert not any(seed.access.root_password_hash.crypt in line for line in head)


def test_the_hash_shows_in_no_repr() -> None:
    seed = seed_cluster()
    assert seed.access.root_password_hash.crypt in answer(seed).text
    assert seed.access.root_password_hash.crypt not in repr(answer(seed))


SPOILED = [
    ("8.4", "global.subscription-key", "pve1c-0123456789", "global.subscription-key: unknown"),
    ("9.2", "global.root_ssh_keys", [], "global.root_ssh_keys: unknown"),
    (
        "9.1",
        "network.interface-name-pinning",
        {"enabled": True, "mapping": {"58:47:ca:00:00:1f": "lan-0"}},
        "network.interface-name-pinning.mapping: refused: {'58:47:ca:00:00:1f': 'lan-0'}",
    ),
    ("9.2", "disk-setup.lvm", {"hdsize": 100, "swapsize": 51}, "disk-setup.lvm.swapsize: more than half"),
    ("9.2", "disk-setup.lvm", {"maxvz": 4}, "disk-setup.lvm.maxvz: refused: 4"),
    ("9.2", "disk-setup.filter", {"ID_MODEL": "a**"}, "disk-setup.filter: refused: {'ID_MODEL': 'a**'}"),
    ("9.0", "network.interface-name-pinning", {"enabled": True}, "network.interface-name-pinning: unknown"),
    ("9.2", "disk-setup.zfs", {"raid": "raid1"}, "disk-setup.zfs: not for this file system"),
    ("9.2", "disk-setup.filter", {}, "disk-setup.filter: refused: {}"),
    ("9.2", "disk-setup.filter", {"ID_MODEL": "[a"}, "disk-setup.filter: refused: {'ID_MODEL': '[a'}"),
    ("9.2", "network.cidr", "192.168.178.11", "network.cidr: refused: '192.168.178.11'"),
    ("9.2", "network.gateway", "fd00::1", "network.gateway: of another family"),
    ("9.2", "disk-setup.lvm", {"hdsize": "200"}, "disk-setup.lvm.hdsize: refused: '200'"),
    ("9.2", "disk-setup.filesystem", "zfs", "disk-setup.zfs.raid: missing"),
]


def test_the_judge_counts_disks() -> None:
    seed = seed_cluster()
    disk = Disk(find=by_serial(*SERIALS[:4]), filesystem=Filesystem.ZFS, raid=Raid.RAIDZ3, size_gib=None)
    assert faults("8.4", answer(with_disk(disk, seed)).table) == ["disk-setup.filter: 4 disks for raidz-3"]


@pytest.mark.parametrize(("version", "path", "value", "fault"), SPOILED)
def test_the_judge_finds(version: ProxmoxVersion, path: str, value: object, fault: str) -> None:
    section, key = path.split(".")
    table = answer(replace(seed_cluster(), proxmox_ve=ProxmoxVersion(version))).table
    spoiled = {**table, section: {**at(table, section), key: value}}
    assert fault in faults(version, spoiled)
