"""From tables without an error to the `Cluster` that they describe."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeVar

from pmx_cluster_tb.model.cluster import (
    Access,
    Cluster,
    Disk,
    DiskModel,
    DiskPath,
    DiskSerials,
    Extras,
    Filesystem,
    Locale,
    Management,
    NicMac,
    NicName,
    Node,
    PasswordHash,
    Port,
    Raid,
    Repository,
    Ring,
    User,
)
from pmx_cluster_tb.model.tables import (
    AccessTable,
    DiskTable,
    FileTable,
    ManagementTable,
    NicTable,
    NodePortTable,
    NodeTable,
    PortTable,
    RingTable,
    UserTable,
)

T = TypeVar("T")

RAIDS = {
    Filesystem.EXT4: frozenset[Raid](),
    Filesystem.XFS: frozenset[Raid](),
    Filesystem.ZFS: frozenset(Raid),
    Filesystem.BTRFS: frozenset({Raid.RAID0, Raid.RAID1, Raid.RAID10}),
}
"""The RAID levels of each file system; none means that it takes one disk and no level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What stands in the files that a cluster file names; None where it names none or it was refused."""

    root_password_hash: PasswordHash | None = None
    user_password_hash: PasswordHash | None = None
    repository_key: bytes | None = None


def there(value: T | None) -> T:
    """`value`, which an error would have been reported for if it were missing."""
    assert value is not None, "a file without errors has every value"  # noqa: S101
    return value


def cluster_of(file: FileTable, files: Files, *, example: bool = False) -> Cluster:
    """The cluster that `file`, which has no error, describes."""
    cluster, locale, extras = there(file.cluster), there(file.locale), there(file.extras)
    nodes = (_node(there(node), file) for node in there(file.nodes))
    return Cluster(
        name=there(cluster.name),
        domain=there(cluster.domain),
        proxmox_ve=there(cluster.proxmox_ve),
        after_install=there(cluster.after_install),
        locale=Locale(
            country=there(locale.country),
            keyboard=there(locale.keyboard),
            timezone=there(locale.timezone),
        ),
        access=_access(there(file.access), files),
        management=_management(there(file.management)),
        ring=_ring(there(file.ring)),
        extras=Extras(desktop=there(extras.desktop), packages=there(extras.packages)),
        repository=_repository(file, files),
        nodes=tuple(sorted(nodes, key=lambda node: node.number)),
        example=example,
    )


def _access(access: AccessTable, files: Files) -> Access:
    return Access(
        mailto=there(access.mailto),
        root_password_hash=there(access.root_password_hash or files.root_password_hash),
        root_ssh_keys=there(access.root_ssh_keys),
        user=_user(access.user, files) if access.user else None,
    )


def _user(user: UserTable, files: Files) -> User:
    return User(
        name=there(user.name),
        full_name=there(user.full_name),
        password_hash=user.password_hash or files.user_password_hash,
        ssh_keys=there(user.ssh_keys),
    )


def _management(management: ManagementTable) -> Management:
    gateway = management.gateway
    assert gateway is not None  # noqa: S101 - mypy joins the union in `there`
    return Management(gateway=gateway, dns=management.dns or gateway)


def _ring(ring: RingTable) -> Ring:
    return Ring(
        mtu=there(ring.mtu),
        ipv4=ring.ipv4 if isinstance(ring.ipv4, IPv4Network) else None,
        ipv6=ring.ipv6 if isinstance(ring.ipv6, IPv6Network) else None,
        e2e=ring.e2e,
    )


def _repository(file: FileTable, files: Files) -> Repository | None:
    if file.repository is None:
        return None
    return Repository(url=there(file.repository.url), key=there(files.repository_key))


def _node(node: NodeTable, file: FileTable) -> Node:
    assert node.address is not None  # noqa: S101 - mypy joins the union in `there`
    return Node(
        name=there(node.name),
        number=there(node.number),
        address=node.address,
        nic=_nic(there(node.nic)),
        disk=_disk(there(file.disk), node.disk),
        ports=_ports(there(there(file.ring).ports), node),
    )


def _nic(nic: NicTable) -> NicMac | NicName:
    return NicMac(nic.mac) if nic.mac else NicName(there(nic.name))


def _disk(cluster: DiskTable, node: DiskTable | None) -> Disk:
    filesystem = (node and node.filesystem) or cluster.filesystem or Filesystem.EXT4
    find = (_way(node) if node else None) or _way(cluster)
    assert find is not None  # noqa: S101 - mypy joins the union in `there`
    inherited_raid = cluster.raid if cluster.raid in RAIDS[filesystem] else None
    return Disk(
        find=find,
        filesystem=filesystem,
        raid=(node and node.raid) or inherited_raid,
        size_gib=(node and node.size_gib) or cluster.size_gib,
    )


def _way(disk: DiskTable) -> DiskSerials | DiskModel | DiskPath | None:
    if disk.serial:
        return DiskSerials((disk.serial,))
    if disk.serials:
        return DiskSerials(disk.serials)
    if disk.model:
        return DiskModel(disk.model)
    return DiskPath(disk.path) if disk.path else None


def _ports(ports: tuple[PortTable | None, ...], node: NodeTable) -> tuple[Port, ...]:
    own = {there(port).name: there(port) for port in node.ports or ()}
    return tuple(sorted((_port(there(port), own) for port in ports), key=lambda port: port.name))


def _port(port: PortTable, own: dict[str | None, NodePortTable]) -> Port:
    mine = own.get(port.name)
    return Port(
        name=there(port.name),
        path=there((mine and mine.path) or port.path),
        driver=there((mine and mine.driver) or port.driver),
    )
