"""From tables without an error to the `Cluster` that they describe."""

from collections.abc import Container
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeVar

from pmx_cluster_tb.model.cluster import (
    Access,
    Cluster,
    Disk,
    DiskModel,
    DiskOptions,
    DiskPath,
    DiskSerials,
    Extras,
    Filesystem,
    Install,
    Locale,
    Management,
    NicMac,
    NicName,
    Node,
    PasswordHash,
    Port,
    ProxmoxVersion,
    Repository,
    Ring,
    User,
)
from pmx_cluster_tb.model.hardware import LAN_NAME
from pmx_cluster_tb.model.inherited import OPTIONS, NodeDisk, NodePort, node_disk, node_ports
from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.tables import (
    AccessTable,
    FileTable,
    InstallTable,
    ManagementTable,
    MirrorTable,
    NicTable,
    NodeTable,
    RingTable,
    UserTable,
)
from pmx_cluster_tb.model.versions import PINS_NAMES

T = TypeVar("T")


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


def cluster_of(file: FileTable, files: Files, given: Container[KeyPath], *, example: bool = False) -> Cluster:
    """The cluster that `file`, which has no error and gives the paths `given`, describes."""
    cluster, locale, extras = there(file.cluster), there(file.locale), there(file.extras)
    nodes = (_node(file, index, node, given) for index, node in file.numbered_nodes())
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
        install=_install(there(file.install)),
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


def _install(install: InstallTable) -> Install:
    mirror = install.mirror or MirrorTable()
    return Install(
        apt_proxy=install.apt_proxy,
        proxmox=mirror.proxmox,
        debian=mirror.debian,
        debian_security=mirror.debian_security,
    )


def _repository(file: FileTable, files: Files) -> Repository | None:
    if file.repository is None:
        return None
    return Repository(url=there(file.repository.url), key=there(files.repository_key))


def _node(file: FileTable, index: int, node: NodeTable, given: Container[KeyPath]) -> Node:
    assert node.address is not None  # noqa: S101 - mypy joins the union in `there`
    return Node(
        name=there(node.name),
        number=there(node.number),
        address=node.address,
        nic=_nic(there(node.nic), there(there(file.cluster).proxmox_ve)),
        disk=_disk(there(node_disk(file, index, node, given))),
        ports=tuple(sorted(map(_port, node_ports(file, index, node)), key=lambda port: port.name)),
    )


def _nic(nic: NicTable, version: ProxmoxVersion) -> NicMac | NicName:
    if not nic.mac:
        return NicName(there(nic.name))
    pins = version in PINS_NAMES and nic.pin is not False
    return NicMac(nic.mac, (nic.name or LAN_NAME) if pins else None)


def _disk(disk: NodeDisk) -> Disk:
    filesystem = there(disk.filesystem)
    return Disk(
        find=_found_by(disk),
        filesystem=filesystem,
        raid=disk.raid(filesystem)[0],
        size_gib=disk.value("size-gib")[0],
        options=_options(disk, filesystem),
    )


def _options(disk: NodeDisk, filesystem: Filesystem) -> DiskOptions:
    names = OPTIONS[filesystem]
    return DiskOptions(**{name.replace("-", "_"): disk.option(name, filesystem)[0] for name in names})


def _found_by(disk: NodeDisk) -> DiskSerials | DiskModel | DiskPath:
    match there(disk.way):
        case "model", model, _:
            return DiskModel(model)
        case "path", path, _:
            return DiskPath(path)
        case _, serials, _:
            assert isinstance(serials, DiskSerials)  # noqa: S101 - as `there`
            return serials


def _port(port: NodePort) -> Port:
    return Port(name=there(port.name), path=there(port.path), driver=there(port.driver))
