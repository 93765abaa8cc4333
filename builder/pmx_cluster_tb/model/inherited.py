"""What holds for one node: what its own tables say goes before what the cluster's say, key by key."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from pmx_cluster_tb.model.cluster import Compression, Filesystem, Raid
from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.tables import FIND_KEYS, DiskTable, FileTable, NodeTable

CLUSTER_DISK: KeyPath = ("disk",)

RAIDS = {
    Filesystem.EXT4: frozenset[Raid](),
    Filesystem.XFS: frozenset[Raid](),
    Filesystem.ZFS: frozenset(Raid),
    Filesystem.BTRFS: frozenset({Raid.RAID0, Raid.RAID1, Raid.RAID10}),
}
"""The RAID levels of each file system; none means that it takes one disk and no level."""


_LVM = frozenset({"swap-gib", "root-gib", "data-gib", "minfree-gib"})
_ZFS = frozenset({"ashift", "arc-max-mib", "checksum", "compress", "copies"})

OPTIONS = {
    Filesystem.EXT4: _LVM,
    Filesystem.XFS: _LVM,
    Filesystem.ZFS: _ZFS,
    Filesystem.BTRFS: frozenset({"compress"}),
}
"""The keys of a disk that are not of every file system, nor about RAID."""

COMPRESSIONS = {
    Filesystem.EXT4: frozenset[Compression](),
    Filesystem.XFS: frozenset[Compression](),
    Filesystem.ZFS: frozenset(Compression) - {Compression.ZLIB, Compression.LZO},
    Filesystem.BTRFS: frozenset(
        {Compression.ON, Compression.OFF, Compression.ZLIB, Compression.LZO, Compression.ZSTD}
    ),
}


def fits(name: str, value: object, filesystem: Filesystem) -> bool:
    """Whether `filesystem` has the key `name` of OPTIONS, or `raid`, with this value."""
    match name:
        case "raid":
            return value in RAIDS[filesystem]
        case "compress":
            return value in COMPRESSIONS[filesystem]
    return name in OPTIONS[filesystem]


@dataclass(frozen=True, slots=True)
class NodeDisk:
    """What holds for the disk of one node: each value with the path that it comes from."""

    owner: str
    own: DiskTable | None
    path: KeyPath
    """Of the node's own table, which may not be there."""
    cluster: DiskTable
    given: Container[KeyPath]
    """The paths that the file gives, right or wrong."""

    def value(self, name: str) -> tuple[Any, KeyPath | None]:
        """The value of the key `name` and where it stands; no place if nowhere, no value if it is wrong."""
        for table, path in ((self.own, self.path), (self.cluster, CLUSTER_DISK)):
            if table and (*path, name) in self.given:
                return getattr(table, name.replace("-", "_")), (*path, name)
        return None, None

    @property
    def filesystem(self) -> Filesystem | None:
        """None if it is wrong."""
        value, place = self.value("filesystem")
        return value if place else Filesystem.EXT4

    def raid(self, filesystem: Filesystem) -> tuple[Raid | None, KeyPath | None]:
        """As `option`."""
        return self.option("raid", filesystem)

    def option(self, name: str, filesystem: Filesystem) -> tuple[Any, KeyPath | None]:
        """As `value`; what the cluster says does not hold for a node whose own file system has it not."""
        value, place = self.value(name)
        own_filesystem = (*self.path, "filesystem") in self.given
        inherited = place == (*CLUSTER_DISK, name)
        if inherited and value is not None and own_filesystem and not fits(name, value, filesystem):
            return None, None
        return value, place

    @property
    def way(self) -> tuple[str, Any, KeyPath] | None:
        """The key by which the disk is found, its value and its place."""
        for table, path in ((self.own, self.path), (self.cluster, CLUSTER_DISK)):
            for name in FIND_KEYS:
                if table and (*path, name) in self.given:
                    return name, getattr(table, name), (*path, name)
        return None


def node_disk(file: FileTable, index: int, node: NodeTable, given: Container[KeyPath]) -> NodeDisk | None:
    """The disk of `node`, which is number `index` in the file; None where one of the tables is none."""
    path: KeyPath = ("node", index, "disk")
    if file.disk is None or (node.disk is None and path in given):
        return None
    return NodeDisk(node.called(index), node.disk, path, file.disk, given)


def node_disks(file: FileTable, given: Container[KeyPath]) -> Iterator[NodeDisk]:
    """The disk of each node whose tables are tables."""
    disks = (node_disk(file, index, node, given) for index, node in file.numbered_nodes())
    return (disk for disk in disks if disk)


@dataclass(frozen=True, slots=True)
class NodePort:
    """A port of the ring as it is on one node; a value is None where it is wrong or missing."""

    name: str | None
    path: str | None
    place: KeyPath
    """Where the path stands: at the node's own table or, where the ring's holds, at the node's ports."""
    driver: str | None


def node_ports(file: FileTable, index: int, node: NodeTable) -> Iterator[NodePort]:
    """The ports of the ring as they are on `node`, which is number `index` in the file."""
    ports: KeyPath = ("node", index, "port")
    own = {port.name: (at, port) for at, port in enumerate(node.ports or ()) if port}
    for port in file.ring.ports if file.ring and file.ring.ports else ():
        if port is None:
            continue
        at, mine = own.get(port.name, (0, None))
        yield NodePort(
            name=port.name,
            path=(mine and mine.path) or port.path,
            place=(*ports, at, "path") if mine and mine.path else ports,
            driver=(mine and mine.driver) or port.driver,
        )
