"""What remains for a person once the node is finished, as text with commands to paste.

Nothing of it can be done by a node alone: a cluster needs the others, and a disk for Ceph needs a decision.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from firstboot.steps.disks import Disk

_MIB = 1 << 20
_GIB = 1 << 30
_MONITORS = 3


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A node's name, its address in the LAN, and its address in each network of the ring."""

    name: str
    lan: IPv4Address | IPv6Address
    ring: tuple[IPv4Address | IPv6Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the report is about. `first` is the node that makes the cluster, maybe `own` itself.

    `ring_networks` are in the order of the nodes' ring addresses, IPv4 first.
    """

    cluster: str
    own: ClusterNode
    first: ClusterNode
    node_count: int
    ring_networks: tuple[IPv4Network | IPv6Network, ...]
    disks: tuple[Disk, ...]
    user: str = ""
    """The name of the second user, if there is one."""

    @property
    def is_first(self) -> bool:
        """Whether this node makes the cluster."""
        return self.own.name == self.first.name


def remaining_work(situation: Situation) -> str:
    """The text, ready to print; commands start with four spaces."""
    parts = [
        _heading(situation),
        *_cluster(situation),
        *(_after_the_cluster(situation) if situation.is_first else []),
        *_ceph(situation),
        *_disks(situation),
    ]
    return "\n\n".join(parts) + "\n"


def _heading(situation: Situation) -> str:
    return f"What remains for you on {situation.own.name}, as root:"


def _cluster(situation: Situation) -> Iterator[str]:
    # The order decides: without priorities corosync uses the lowest link that works. It wants low latency and
    # no storage traffic beside it, so the LAN comes first and the ring is what it falls back to. Priorities
    # are left out because the manual and the program's own help disagree on which number wins.
    own, first = situation.own, situation.first
    links = f"--link0 {own.lan} --link1 {own.ring[0]}"
    if situation.is_first:
        yield _paragraph(
            "Make the cluster (link 0 is the LAN, link 1 the ring, used when the LAN fails). Do not,\n"
            f"if other nodes are in one already: `pvecm delnode {own.name}` on one of them, if such a\n"
            "machine was in it before; then here `pvecm add`, the LAN address of one, and these links:",
            f"pvecm create {situation.cluster} {links}",
        )
    else:
        yield _paragraph(
            f"Join the cluster, after {first.name} has made it, one node at a time and before this node has\n"
            f"guests. It asks for root's password on {first.name}, and replaces /etc/pve by the cluster's.\n"
            f"If a machine called {own.name} was in it before, `pvecm delnode {own.name}` there comes first:",
            f"pvecm add {first.lan} {links}",
        )
    yield _paragraph("See that both links of all nodes are connected:", "pvecm status", "corosync-cfgtool -n")


def _after_the_cluster(situation: Situation) -> Iterator[str]:
    network = situation.ring_networks[0]
    yield _paragraph(
        "Once, when all nodes have joined, send migrations over the ring:",
        f"pvesh set /cluster/options --migration type=secure,network={network}",
    )
    if situation.user:
        yield _paragraph(
            f"Once, let {situation.user}, who has no rights in Proxmox VE yet, administer the whole cluster:",
            f"pveum acl modify / --users {situation.user}@pam --roles Administrator",
        )
    if situation.node_count < _MONITORS:
        yield _paragraph(
            "Two nodes lose their quorum when one is down: have a third machine vote (`man pvecm`, QDevice)."
        )
    rules = (
        f"pvesh create /cluster/firewall/rules --type in --action ACCEPT --enable 1 --source {network}"
        for network in situation.ring_networks
    )
    yield _paragraph("Only if you turn Proxmox VE's firewall on, let the ring through before:", *rules)


def _ceph(situation: Situation) -> Iterator[str]:
    address, network = situation.own.ring[0], situation.ring_networks[0]
    if situation.node_count < _MONITORS:
        return
    yield _paragraph(
        "For Ceph on the ring, when the node is in the cluster:",
        "pveceph install --repository no-subscription",
        *([f"pveceph init --network {network}"] if situation.is_first else []),
    )
    before = "" if situation.is_first else f", after `pveceph init` on {situation.first.name}"
    monitors = "" if situation.node_count == _MONITORS else f" (on {_MONITORS} of the nodes)"
    yield _paragraph(
        f"Then a monitor and a manager{monitors}{before}:",
        f"pveceph mon create --mon-address {address}",
        "pveceph mgr create",
    )


def _disks(situation: Situation) -> Iterator[str]:
    if situation.disks:
        yield _paragraph(
            "First boot has written to no disk beyond the system on it. They are:",
            *(f"{disk.path}  {_described(disk)}" for disk in situation.disks),
        )
        yield (
            "`pveceph osd create DISK` erases DISK, a whole one or a partition, and gives it to Ceph.\n"
            "A partition in the free space: `sgdisk --largest-new=0 DISK && partprobe DISK`."
        )


def _described(disk: Disk) -> str:
    size = _gibibytes(disk.size_bytes)
    if not disk.partitions:
        return f"{size}, no partitions"
    count = f"{disk.partitions} partition{'s' if disk.partitions > 1 else ''}"
    # partition tables leave about a MiB at the end
    free = f", {_gibibytes(disk.free_bytes)} after the last one not partitioned" * (
        disk.free_bytes > 64 * _MIB
    )
    return f"{size}, {count}{free}"


def _gibibytes(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"


def _paragraph(text: str, *commands: str) -> str:
    return "\n".join([text, *(f"    {command}" for command in commands)])
