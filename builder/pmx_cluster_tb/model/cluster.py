"""A cluster whose every value has been checked: what the rest of the program works on.

`pmx_cluster_tb.model.load` is the only maker of these values. Nothing that takes one checks it again.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

IPAddress = IPv4Address | IPv6Address
IPInterface = IPv4Interface | IPv6Interface


class ProxmoxVersion(StrEnum):
    """The installation ISOs that can be served, by Proxmox VE version."""

    V8_4 = "8.4"
    V9_0 = "9.0"
    V9_1 = "9.1"
    V9_2 = "9.2"


class AfterInstall(StrEnum):
    """What the machine does when the installer is done."""

    POWER_OFF = "power-off"
    REBOOT = "reboot"


class Filesystem(StrEnum):
    """File systems that the installer offers for the root disk."""

    EXT4 = "ext4"
    XFS = "xfs"
    ZFS = "zfs"
    BTRFS = "btrfs"


class Raid(StrEnum):
    """RAID levels of the installer, in its lower-case spelling."""

    RAID0 = "raid0"
    RAID1 = "raid1"
    RAID10 = "raid10"
    RAIDZ1 = "raidz-1"
    RAIDZ2 = "raidz-2"
    RAIDZ3 = "raidz-3"


class Compression(StrEnum):
    """What zfs or btrfs compresses with."""

    ON = "on"
    OFF = "off"
    LZJB = "lzjb"
    LZ4 = "lz4"
    ZLE = "zle"
    GZIP = "gzip"
    ZSTD = "zstd"
    ZLIB = "zlib"
    LZO = "lzo"


class Checksum(StrEnum):
    """What zfs makes its checksums with."""

    ON = "on"
    FLETCHER4 = "fletcher4"
    SHA256 = "sha256"


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A crypt(3) hash. Its text is a secret: it shows nowhere but where it is written on purpose."""

    crypt: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """Country (ISO 3166 alpha-2, lower case), keyboard layout and time zone, in the installer's names."""

    country: str
    keyboard: str
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A secondary user with sudo; without a hash only its keys let it in."""

    name: str
    full_name: str
    password_hash: PasswordHash | None
    ssh_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may log in, and where the nodes send their mail."""

    mailto: str
    root_password_hash: PasswordHash
    root_ssh_keys: tuple[str, ...]
    user: User | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Management:
    """The LAN's gateway and name server."""

    gateway: IPAddress
    dns: IPAddress


@dataclass(frozen=True, slots=True)
class DiskSerials:
    """Disks by udev ID_SERIAL_SHORT: one, or several for zfs and btrfs.

    `pmx_cluster_tb.model.disk_filter` makes these values.
    """

    serials: tuple[str, ...]
    found_by: tuple[tuple[str, str], ...]
    """The installer's filter that takes them: udev properties, each with a glob, any of which is enough."""
    strangers: int = 0
    """How many other serials, as long as one of these, that filter could take."""
    some_strangers: tuple[str, ...] = ()
    """All of them, if they are few."""


@dataclass(frozen=True, slots=True)
class DiskModel:
    """The first disk (zfs, btrfs: every disk) of a model, udev ID_MODEL."""

    model: str


@dataclass(frozen=True, slots=True)
class DiskPath:
    """The disk at a place of the machine, udev ID_PATH."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskOptions:
    """What is not left to the installer. Each file system has only some of these; None leaves it to it.

    Of the LVM volumes of ext4 and xfs, `root_gib` and `data_gib` are at most so large, and 0 makes none.
    """

    swap_gib: float | None = None
    root_gib: float | None = None
    data_gib: float | None = None
    minfree_gib: float | None = None
    ashift: int | None = None
    arc_max_mib: int | None = None
    checksum: Checksum | None = None
    compress: Compression | None = None
    copies: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk or disks that the installer wipes, and how it uses them."""

    find: DiskSerials | DiskModel | DiskPath
    filesystem: Filesystem
    raid: Raid | None
    size_gib: float | None
    """How much of each disk Proxmox VE takes; None is all of it."""
    options: DiskOptions = DiskOptions()


@dataclass(frozen=True, slots=True)
class NicMac:
    """The NIC with this MAC address, lower case with colons."""

    mac: str
    pinned_name: str | None = None
    """The name that the installer pins to the MAC address; None leaves the name to systemd."""


@dataclass(frozen=True, slots=True)
class NicName:
    """The NIC with this name during the installation, udev INTERFACE."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A Thunderbolt interface of a node: its name, its controller's udev ID_PATH and its driver."""

    name: str
    path: str
    driver: str


THUNDERBOLT_DRIVER = "thunderbolt-net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine of the ring. `ports` are sorted by name."""

    name: str
    number: int
    address: IPInterface
    nic: NicMac | NicName
    disk: Disk
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """What all nodes of the ring agree on. At least one of the two prefixes is there."""

    mtu: int
    ipv4: IPv4Network | None
    ipv6: IPv6Network | None
    e2e: bool | None
    """End-to-end flow control of thunderbolt_net; None leaves the kernel's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Software beyond a bare node."""

    desktop: bool
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """Where nodes get packages from: URLs of mirrors and of apt's proxy, without a slash at the end."""

    apt_proxy: str | None = None
    proxmox: str | None = None
    debian: str | None = None
    debian_security: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where nodes find new versions, and the armored public key that signs them."""

    url: str
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A whole cluster. `nodes` are sorted by number, whatever their order in the file."""

    name: str
    domain: str
    proxmox_ve: ProxmoxVersion
    after_install: AfterInstall
    locale: Locale
    access: Access
    management: Management
    ring: Ring
    extras: Extras
    install: Install
    repository: Repository | None
    nodes: tuple[Node, ...]
    example: bool = False
    """The seed cluster, which is for looking at: nobody knows its password."""

    def fqdn(self, node: Node) -> str:
        """The node's fully qualified name."""
        return f"{node.name}.{self.domain}"

    def neighbours(self, node: Node) -> Iterator[Node]:
        """The nodes before and after `node` around the ring, by number; a single one in a ring of two."""
        index = bisect_left(self.nodes, node.number, key=lambda other: other.number)
        before, after = self.nodes[index - 1], self.nodes[(index + 1) % len(self.nodes)]
        yield before
        if after is not before:
            yield after


def ring_ipv4(ring: Ring, node: Node) -> IPv4Address | None:
    """The node's IPv4 address on the ring, or None where the ring has no IPv4."""
    return None if ring.ipv4 is None else ring.ipv4.network_address + node.number


def ring_ipv6(ring: Ring, node: Node) -> IPv6Address | None:
    """The node's IPv6 address on the ring, or None where the ring has no IPv6."""
    return None if ring.ipv6 is None else ring.ipv6.network_address + node.number


def network_entity_title(node: Node) -> str:
    """The node's OpenFabric NET: area 49.0000, a system identifier of its number, selector 00."""
    return f"49.0000.0000.{node.number:04d}.00"
