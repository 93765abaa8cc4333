"""The tables of a cluster file: every key with its kind and its description.

What concerns several keys is in `rules/`. A field is None where its key is absent and has no default, or
where the value is wrong and has been reported.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import ClassVar

from pmx_cluster_tb.model.addresses import (
    ADDRESS,
    GATEWAY,
    INTERFACE,
    IPV4_NETWORK,
    IPV6_NETWORK,
    MAC,
    URL,
    NoNetwork,
)
from pmx_cluster_tb.model.cluster import (
    THUNDERBOLT_DRIVER,
    AfterInstall,
    Checksum,
    Compression,
    DiskSerials,
    Filesystem,
    IPAddress,
    IPInterface,
    PasswordHash,
    ProxmoxVersion,
    Raid,
)
from pmx_cluster_tb.model.credentials import HASH, HASH_HINT
from pmx_cluster_tb.model.hardware import (
    CONTROLLER_PATH,
    DISK_MODEL,
    DISK_PATH,
    DRIVER,
    NIC_NAME,
    PORT_NAME,
)
from pmx_cluster_tb.model.kinds import Boolean, Integer, ListOf, Number
from pmx_cluster_tb.model.names import (
    CLUSTER_NAME,
    COUNTRY,
    DOMAIN,
    FILE_NAME,
    FULL_NAME,
    KEYBOARD,
    MAILBOX,
    NODE_NAME,
    PACKAGE_NAME,
    USER_NAME,
)
from pmx_cluster_tb.model.serials import DISK_SERIAL, DISK_SERIALS
from pmx_cluster_tb.model.shape import Shape, TableOf, TablesOf, key
from pmx_cluster_tb.model.ssh_keys import SSH_KEY
from pmx_cluster_tb.model.texts import one_of
from pmx_cluster_tb.model.timezones import TIMEZONE
from pmx_cluster_tb.model.versions import PROXMOX_VERSION

_RAID_WORDS = {
    "mirror": Raid.RAID1,
    "stripe": Raid.RAID0,
    "single": Raid.RAID0,
    "raidz": Raid.RAIDZ1,
}
"""What `zpool` and `mkfs.btrfs` call them."""


_MOST_GIB = 1_048_576

_INSTALLERS_NAMES = {
    "hdsize": "size-gib",
    "swapsize": "swap-gib",
    "maxroot": "root-gib",
    "maxvz": "data-gib",
    "minfree": "minfree-gib",
    "arc-max": "arc-max-mib",
    "arc_max": "arc-max-mib",
    "compression": "compress",
}
"""What answer files and `zfs` call them; the keys here have their units in their names."""


def _plain_passwords(instead: str, *names: str) -> dict[str, tuple[str, str]]:
    message = f"a password must never stand here, only its hash, as `{instead}`"
    return dict.fromkeys(names, (message, HASH_HINT))


def exactly_one(*names: str) -> dict[str, object]:
    """JSON schema for a table that must have one of these keys."""
    return {"oneOf": [{"required": [name]} for name in names]}


class ClusterTable(Shape):
    """The cluster as a whole."""

    name: str | None = key(
        CLUSTER_NAME,
        "Name of the Proxmox cluster: a letter, then letters, digits and hyphens, at most 15.",
        required=True,
    )
    domain: str | None = key(
        DOMAIN, "DNS domain: each node's full name is `<node name>.<domain>`.", required=True
    )
    proxmox_ve: ProxmoxVersion | None = key(
        PROXMOX_VERSION,
        "Version of the installation ISO. It decides which keys the answer files may hold.",
        required=True,
    )
    after_install: AfterInstall | None = key(
        one_of(AfterInstall, "what to do after the installation"),
        "What a machine does when it is installed. `power-off` is the cue to take the stick out, and keeps a "
        "machine that boots from it first from being installed again and again.",
        default=AfterInstall.POWER_OFF,
    )


class LocaleTable(Shape):
    """Country, keyboard and time zone of every node."""

    country: str | None = key(COUNTRY, "ISO 3166 country code, lower case.", required=True)
    keyboard: str | None = key(KEYBOARD, "Keyboard layout, in the installer's names.", default="en-us")
    timezone: str | None = key(TIMEZONE, "Time zone: a name of zone.tab, or UTC.", default="UTC")


class UserTable(Shape):
    """A second user with sudo on every node."""

    MISTAKEN: ClassVar = _plain_passwords("password-hash", "password", "plain-password", "passwd")

    name: str | None = key(USER_NAME, "Name of the user; not one of the system's own.", required=True)
    full_name: str | None = key(FULL_NAME, "Full name, without `:` and `,`.", default="")
    password_hash: PasswordHash | None = key(
        HASH, "crypt(3) hash of the password. With neither a hash nor a hash file only keys let the user in."
    )
    password_hash_file: str | None = key(FILE_NAME, "File with that hash, which only its owner may read.")
    ssh_keys: tuple[str, ...] | None = key(ListOf(SSH_KEY), "OpenSSH public keys of the user.", default=())


class AccessTable(Shape):
    """Who may log in, and where mail goes."""

    MISTAKEN: ClassVar = _plain_passwords(
        "root-password-hash", "root-password", "root_password", "password", "root-password-plain"
    )
    JSON: ClassVar = exactly_one("root-password-hash", "root-password-hash-file")

    mailto: str | None = key(MAILBOX, "Where the nodes send their mail.", required=True)
    root_password_hash: PasswordHash | None = key(
        HASH, "crypt(3) hash of root's password; `pmx-cluster-tb hash-password` makes one."
    )
    root_password_hash_file: str | None = key(
        FILE_NAME, "File with that hash, which only its owner may read. Relative to this file."
    )
    root_ssh_keys: tuple[str, ...] | None = key(
        ListOf(SSH_KEY),
        "OpenSSH public keys of root: the way in over the network when the password is lost.",
        default=(),
    )
    user: UserTable | None = key(TableOf(UserTable), "A second user with sudo.")


class ManagementTable(Shape):
    """The LAN."""

    gateway: IPAddress | None = key(GATEWAY, "The LAN's router, inside every node's LAN.", required=True)
    dns: IPAddress | None = key(ADDRESS, "The LAN's name server; the gateway unless given.")


class DiskTable(Shape):
    """Which disk the installer wipes, and how it is used. A node's own table goes before the cluster's."""

    MISTAKEN: ClassVar = {
        name: (f"is called `{here}` here", f"write `{here}` in place of `{name}`")
        for name, here in _INSTALLERS_NAMES.items()
    }

    filesystem: Filesystem | None = key(
        one_of(Filesystem, "a file system"), "File system of the root disk; ext4 unless given."
    )
    raid: Raid | None = key(
        one_of(Raid, "a RAID level", _RAID_WORDS),
        "RAID level; required for zfs and btrfs, and only for them.",
    )
    size_gib: float | None = key(
        Number(8, _MOST_GIB),
        "How much of each disk Proxmox VE takes, in GiB; the rest stays free, for Ceph say. Default: all.",
    )
    swap_gib: float | None = key(
        Number(0, _MOST_GIB),
        "ext4, xfs: size of the swap volume in GiB; 0 for none, at most half of `size-gib`.",
    )
    root_gib: float | None = key(
        Number(4, _MOST_GIB), "ext4, xfs: the root volume is at most so large, in GiB."
    )
    data_gib: float | None = key(
        Number(0, _MOST_GIB),
        "ext4, xfs: the pool for guests is at most so large, in GiB; 0 for none, else more than 4.",
    )
    minfree_gib: float | None = key(
        Number(0, _MOST_GIB), "ext4, xfs: what stays free in the volume group, in GiB."
    )
    ashift: int | None = key(Integer(9, 16), "zfs: sectors of 2 to the power of this many bytes.")
    arc_max_mib: int | None = key(
        Integer(64, 16_777_216), "zfs: the most memory that its cache takes, in MiB."
    )
    checksum: Checksum | None = key(
        one_of(Checksum, "a kind of checksum"), "zfs: what checksums are made with."
    )
    compress: Compression | None = key(
        one_of(Compression, "a kind of compression"),
        "zfs: on, off, lzjb, lz4, zle, gzip or zstd. btrfs: on, off, zlib, lzo or zstd.",
    )
    copies: int | None = key(Integer(1, 3), "zfs: how often each block is kept.")
    serial: DiskSerials | None = key(
        DISK_SERIAL, "The disk by its serial (udev ID_SERIAL_SHORT): the safe way."
    )
    serials: DiskSerials | None = key(DISK_SERIALS, "All disks by serial, for zfs and btrfs.")
    model: str | None = key(
        DISK_MODEL, "The disk by its model (udev ID_MODEL): the first match, with zfs and btrfs every match."
    )
    path: str | None = key(DISK_PATH, "The disk by its place in the machine (udev ID_PATH).")


FIND_KEYS = ("serial", "serials", "model", "path")
"""The ways to find a disk, of which exactly one must be given."""


class PortTable(Shape):
    """A Thunderbolt port of every node."""

    name: str | None = key(
        PORT_NAME, "Name of the interface: `en` and letters or digits, none of systemd's own.", required=True
    )
    path: str | None = key(
        CONTROLLER_PATH, "udev ID_PATH of its Thunderbolt controller; each port has its own.", required=True
    )
    driver: str | None = key(DRIVER, "Driver, for clusters of virtual machines.", default=THUNDERBOLT_DRIVER)


class RingTable(Shape):
    """What all nodes of the ring agree on."""

    mtu: int | None = key(Integer(1280, 65522), "MTU of the ports, the same on every node.", default=65520)
    ipv4: IPv4Network | NoNetwork | None = key(
        IPV4_NETWORK,
        "IPv4 network of the ring; node number n has its address + n. `none` for a ring without IPv4.",
        default=IPv4Network("10.0.0.80/28"),
    )
    ipv6: IPv6Network | NoNetwork | None = key(
        IPV6_NETWORK,
        "IPv6 network of the ring, /64 or longer; node number n has its address + n. `none` for none.",
        default=IPv6Network("fd00:706d:7800::80/124"),
    )
    e2e: bool | None = key(
        Boolean(), "End-to-end flow control of thunderbolt_net; the kernel's default unless given."
    )
    ports: tuple[PortTable | None, ...] | None = key(
        TablesOf(PortTable),
        "The Thunderbolt ports: two, or one in a ring of two.",
        name="port",
        required=True,
    )


class ExtrasTable(Shape):
    """Software beyond a bare node."""

    desktop: bool | None = key(
        Boolean(), "MATE, Chromium and LightDM on every node; needs `access.user`.", default=False
    )
    packages: tuple[str, ...] | None = key(
        ListOf(PACKAGE_NAME), "Further Debian packages for every node.", default=()
    )


class MirrorTable(Shape):
    """Mirrors, for nodes that cannot or should not reach the archives themselves."""

    proxmox: str | None = key(
        URL, "Mirror of http://download.proxmox.com/debian: it has the folders `pve` and `ceph-<release>`."
    )
    debian: str | None = key(URL, "Mirror of the archive of Debian: it has the folders `dists` and `pool`.")
    debian_security: str | None = key(URL, "Mirror of the archive of its security updates, the same.")


class InstallTable(Shape):
    """Where nodes get packages from."""

    apt_proxy: str | None = key(URL, "Proxy that apt asks, as `http://192.168.178.5:3142`.")
    mirror: MirrorTable | None = key(TableOf(MirrorTable), "Mirrors, of one archive or several.")


class RepositoryTable(Shape):
    """Where nodes find new versions of their packages."""

    url: str | None = key(URL, "http or https URL of the repository, as the nodes reach it.", required=True)
    key_file: str | None = key(
        FILE_NAME,
        "File with the public key that signs the repository. Relative to this file.",
        name="key",
        required=True,
    )


class NicTable(Shape):
    """The NIC that the LAN is plugged into."""

    ONE_OF: ClassVar = ("mac", "name")
    JSON: ClassVar = {"anyOf": [{"required": ["mac"]}, {"required": ["name"]}]}

    mac: str | None = key(MAC, "Its MAC address: the safe way.")
    name: str | None = key(
        NIC_NAME,
        "Its name during the installation. Beside `mac`: the name to pin to it, enlan0 unless given.",
    )
    pin: bool | None = key(
        Boolean(),
        "Whether the installer pins a name to `mac`, so that no new card changes it. Default: from 9.1 on.",
    )


class NodePortTable(Shape):
    """What is different about one port of one node."""

    JSON: ClassVar = {"anyOf": [{"required": ["path"]}, {"required": ["driver"]}]}

    name: str | None = key(PORT_NAME, "Name of the port in `ring.port`.", required=True)
    path: str | None = key(CONTROLLER_PATH, "udev ID_PATH of its Thunderbolt controller on this node.")
    driver: str | None = key(DRIVER, "Its driver on this node.")


class NodeTable(Shape):
    """One machine."""

    name: str | None = key(NODE_NAME, "Host name: letters, digits and hyphens, lower case.", required=True)
    number: int | None = key(
        Integer(1, 9999),
        "Decides the node's ring addresses and its OpenFabric NET. Never change it on a live ring.",
        required=True,
    )
    address: IPInterface | None = key(
        INTERFACE, "Fixed address in the LAN with its prefix, as 192.168.178.11/24.", required=True
    )
    nic: NicTable | None = key(TableOf(NicTable), "The NIC that the LAN is plugged into.", required=True)
    disk: DiskTable | None = key(TableOf(DiskTable), "What is different about this node's disk.")
    ports: tuple[NodePortTable | None, ...] | None = key(
        TablesOf(NodePortTable), "What is different about this node's ports, by name.", name="port"
    )

    def called(self, index: int) -> str:
        """How messages call the node, which is number `index` in the file."""
        return f"node `{self.name}`" if self.name else f"`node[{index}]`"


class FileTable(Shape):
    """One cluster of Proxmox VE nodes on a Thunderbolt ring."""

    cluster: ClusterTable | None = key(TableOf(ClusterTable), "The cluster as a whole.", required=True)
    locale: LocaleTable | None = key(TableOf(LocaleTable), "Country, keyboard, time zone.", required=True)
    access: AccessTable | None = key(TableOf(AccessTable), "Who may log in.", required=True)
    management: ManagementTable | None = key(TableOf(ManagementTable), "The LAN.", required=True)
    disk: DiskTable | None = key(
        TableOf(DiskTable), "Which disk is wiped, and how it is used.", default=DiskTable()
    )
    ring: RingTable | None = key(TableOf(RingTable), "The Thunderbolt ring.", required=True)
    extras: ExtrasTable | None = key(
        TableOf(ExtrasTable), "Software beyond a bare node.", default=ExtrasTable()
    )
    install: InstallTable | None = key(
        TableOf(InstallTable), "Where nodes get packages from.", default=InstallTable()
    )
    repository: RepositoryTable | None = key(TableOf(RepositoryTable), "Where nodes find new versions.")
    nodes: tuple[NodeTable | None, ...] | None = key(
        TablesOf(NodeTable), "The machines, 2 to 250.", name="node", required=True
    )

    def numbered_nodes(self) -> Iterator[tuple[int, NodeTable]]:
        """The nodes that are tables, with their indices in the file."""
        return ((index, node) for index, node in enumerate(self.nodes or ()) if node)
