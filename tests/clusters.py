"""Clusters for tests that start behind the model."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Network

from pmx_cluster_tb.model.cluster import (
    THUNDERBOLT_DRIVER,
    Access,
    AfterInstall,
    Cluster,
    Disk,
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
    Ring,
)
from pmx_cluster_tb.model.disk_filter import disks_by_serial

HASH = "$6$tests$" + "a" * 86


def by_serial(*serials: str) -> DiskSerials:
    """The disks with these serials, which one filter can take."""
    disks = disks_by_serial(serials)
    assert disks is not None, serials
    return disks


def port(index: int) -> Port:
    """en05, en06, ... on controllers of the seed cluster's machines."""
    return Port(name=f"en0{5 + index}", path=f"pci-0000:ca:00.{5 + index}", driver=THUNDERBOLT_DRIVER)


def node(number: int, *, ports: int = 2) -> Node:
    """pve<number> of the seed cluster."""
    return Node(
        name=f"pve{number}",
        number=number,
        address=IPv4Interface(f"192.168.178.{10 + number}/24"),
        nic=NicName("enp3s0"),
        disk=Disk(
            find=by_serial(f"S7KGNU0X{number:06d}"), filesystem=Filesystem.EXT4, raid=None, size_gib=200
        ),
        ports=tuple(port(index) for index in range(ports)),
    )


def seed_cluster() -> Cluster:
    """A cluster like the seed."""
    return Cluster(
        name="pvc1",
        domain="fritz.box",
        proxmox_ve=ProxmoxVersion.V9_2,
        after_install=AfterInstall.POWER_OFF,
        locale=Locale(country="nl", keyboard="en-us", timezone="Europe/Amsterdam"),
        access=Access(
            mailto="admin@example.org", root_password_hash=PasswordHash(HASH), root_ssh_keys=(), user=None
        ),
        management=Management(gateway=IPv4Address("192.168.178.1"), dns=IPv4Address("192.168.178.1")),
        ring=Ring(mtu=4000, ipv4=IPv4Network("10.0.0.80/28"), ipv6=IPv6Network("fc00::80/124"), e2e=False),
        extras=Extras(desktop=False, packages=()),
        install=Install(),
        repository=None,
        nodes=tuple(node(number) for number in (1, 2, 3)),
    )


def two_nodes() -> Cluster:
    """The seed cut to two nodes with one cable."""
    return replace(seed_cluster(), nodes=(node(1, ports=1), node(2, ports=1)))


def mac_cluster(name: str = "pvc1", count: int = 3) -> Cluster:
    """A cluster of `count` nodes that are found by MAC address, 58:47:ca:00:00:01 and so on."""
    nodes = (
        replace(node(number), nic=NicMac(f"58:47:ca:00:00:{number:02x}")) for number in range(1, count + 1)
    )
    cluster = seed_cluster()
    ring = replace(cluster.ring, ipv4=IPv4Network("10.0.0.0/24"), ipv6=IPv6Network("fc00::/120"))
    return replace(cluster, name=name, ring=cluster.ring if count <= 14 else ring, nodes=tuple(nodes))
