"""The cluster of the machines: its cluster file, and the machines' hardware to go with it."""

from dataclasses import dataclass, replace
from pathlib import Path

from pmx_cluster_tb.machines.hardware import (
    Bus,
    CablePort,
    Disk,
    Firmware,
    Hardware,
    LanNic,
    port_path,
)
from pmx_cluster_tb.machines.images import empty_disk, new_uefi_variables
from tests.vm.kept_disks import write_other_disk, write_ventoy_stick
from tests.vm.lan import GATEWAY, PREFIX_LENGTH

NAMES = ("pve1", "pve2", "pve3")
PORTS = ("en05", "en06")
DOMAIN = "story.example"
PASSWORD = "in machines only"  # noqa: S105 # they live for minutes, in a network of their own
_HASH = "$6$storystory$wJ3C3NbiJKNje3AV6cPqWDz5RphwJ0DfOupUR.UDPu6XZeeTWJOLneEUXGBDU8qyx9COWiaWOnr7O1jek3o5S0"
USER = "pieter"
RING_IPV4 = "10.0.0.80"
RING_IPV6 = "fd00:706d:7800::80"

TARGET_GIB = 64
TARGET_BUS = {"pve1": Bus.NVME, "pve2": Bus.SATA, "pve3": Bus.SATA}
"""Both kinds; a running machine can be saved where it is not NVMe."""
BY_VENTOY = ("pve3",)
"""The nodes whose installer sees a stick of Ventoy's; for the others the ISO itself is the stick."""
_MTU = 4000
_FIRST_UDP_PORT = 47000

# each cable with the two ends that it connects: node and port
CABLES = (
    (("pve1", "en06"), ("pve2", "en05")),
    (("pve2", "en06"), ("pve3", "en05")),
    (("pve3", "en06"), ("pve1", "en05")),
)

_CLUSTER = """\
[cluster]
name = "story"
domain = "{domain}"
proxmox-ve = "{release}"

[locale]
country = "nl"
timezone = "Europe/Amsterdam"

[access]
mailto = "admin@story.example"
root-password-hash-file = "root.hash"

[access.user]
name = "{user}"
password-hash = "{hash}"

[management]
gateway = "{gateway}"
dns = "{dns}"

[disk]
filesystem = "ext4"
size-gib = {size}

[ring]
mtu = {mtu}
port = [
{ports}
]

[extras]
packages = ["iperf3"]
"""

_NODE = """
[[node]]
name = "{name}"
number = {number}
address = "{address}/{length}"
nic = {{ mac = "{mac}" }}
disk = {{ serial = "{serial}" }}
"""


def number_of(name: str) -> int:
    """1, 2, 3."""
    return NAMES.index(name) + 1


def lan_mac(name: str) -> str:
    """Of the NIC in the LAN."""
    return f"52:54:00:aa:00:{number_of(name):02x}"


def target_serial(name: str) -> str:
    """Of the disk that the node's answer names."""
    return f"PMXTARGET{number_of(name)}"


def ring_addresses(name: str) -> tuple[str, str]:
    """The node's addresses in the ring, IPv4 and IPv6."""
    number = number_of(name)
    return f"10.0.0.{80 + number}", f"fd00:706d:7800::{80 + number}"


def write_cluster(folder: Path, release: str, *, dns: str, system_gib: int) -> Path:
    """A cluster file for Proxmox VE `release`, with the hash of root's password beside it.

    `dns` is the LAN's name server, `system_gib` what the system gets of each disk.
    """
    secret = folder / "root.hash"
    secret.touch(0o600)
    secret.write_text(f"{_HASH}\n")
    ports = "\n".join(
        f'  {{ name = "{name}", path = "{port_path(index)}", driver = "virtio_net" }},'
        for index, name in enumerate(PORTS)
    )
    text = _CLUSTER.format(
        domain=DOMAIN,
        release=release,
        user=USER,
        hash=_HASH,
        gateway=GATEWAY,
        dns=dns,
        size=system_gib,
        mtu=_MTU,
        ports=ports,
    )
    file = folder / "cluster.toml"
    file.write_text(text + "".join(_node(name) for name in NAMES))
    return file


def _node(name: str) -> str:
    number = number_of(name)
    return _NODE.format(
        name=name,
        number=number,
        address=f"192.168.77.{10 + number}",
        length=PREFIX_LENGTH,
        mac=lan_mac(name),
        serial=target_serial(name),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The files behind a machine: the disk to be installed on, one to be left alone, the stick."""

    target: Path
    other: Path
    stick: Path


def make_hardware(
    name: str, folder: Path, *, stick: Path, lan: str, firmware: Firmware, cables: bool = True
) -> tuple[Hardware, Parts]:
    """The machine `name` with the stick in, which boots first; the other disk comes before the right one.

    With `cables` it has UDP ports of its own, so that one of its name can run in a network namespace.
    """
    parts = Parts(target=folder / "target.qcow2", other=folder / "other.img", stick=stick)
    empty_disk(parts.target, TARGET_GIB)
    write_other_disk(parts.other, name)
    disks = (
        Disk(file=parts.other, bus=Bus.SATA, serial=f"PMXOTHER{number_of(name)}"),
        Disk(file=parts.target, bus=TARGET_BUS[name], serial=target_serial(name), image="qcow2", boot=1),
        Disk(file=stick, bus=Bus.USB, serial=f"PMXSTICK{number_of(name)}", boot=0),
    )
    variables = new_uefi_variables(folder / "variables.fd") if firmware is Firmware.UEFI else None
    hardware = Hardware(
        disks=disks,
        nics=(LanNic(mac=lan_mac(name), backend=lan),),
        ports=tuple(_port(name, port) for port in PORTS if cables),
        firmware=firmware,
        variables=variables,
    )
    return hardware, parts


def behind_ventoy(hardware: Hardware, parts: Parts, folder: Path) -> tuple[Hardware, Parts]:
    """The machine as Ventoy leaves it to the installer: the ISO is a disc, the stick a disk like others."""
    stick = folder / "ventoy.img"
    write_ventoy_stick(stick)
    disks = [
        replace(disk, bus=Bus.CDROM, serial="PMXISO") if disk.file == parts.stick else disk
        for disk in hardware.disks
    ]
    serial = next(disk.serial for disk in hardware.disks if disk.file == parts.stick)
    disks.append(Disk(file=stick, bus=Bus.USB, serial=serial))
    return replace(hardware, disks=tuple(disks)), replace(parts, stick=stick)


def _port(name: str, port: str) -> CablePort:
    own = (name, port)
    (peer,) = (ends[1 - ends.index(own)] for ends in CABLES if own in ends)
    index = PORTS.index(port)
    return CablePort(
        name=port,
        mac=f"52:54:00:bb:{number_of(name):02x}:{index:02x}",
        own=_udp_port(own),
        peer=_udp_port(peer),
    )


def _udp_port(end: tuple[str, str]) -> int:
    return _FIRST_UDP_PORT + [one for cable in CABLES for one in cable].index(end)
