"""What a machine is made of, and QEMU's options for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FIRST_PORT_SLOT = 0x10
"""Where the root ports of hot-plugged NICs begin: before them no device opens a PCI bus of its own."""


class Bus(StrEnum):
    """How a disk is attached. virtio-blk is missing: it has no ID_SERIAL_SHORT."""

    NVME = "nvme"
    SATA = "sata"
    USB = "usb"
    CDROM = "cdrom"


class Firmware(StrEnum):
    """What starts the boot loader."""

    BIOS = "bios"
    UEFI = "uefi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk or stick with its content in `file`, `raw` or `qcow2`. The lowest `boot` is tried first."""

    file: Path
    bus: Bus
    serial: str
    image: str = "raw"
    boot: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LanNic:
    """A NIC that is always there. `backend` is the value of QEMU's -netdev without its id, as `user`."""

    mac: str
    backend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CablePort:
    """A place for a NIC that appears when a cable is plugged in, and vanishes with it.

    `own` and `peer` are the UDP ports of both ends on the loopback; not both ends need to be running. UDP
    drops what nobody takes, as a cable does: a full UNIX socket makes QEMU's first thread spin. A frame must
    fit into a datagram, so the greatest MTU is 65493.
    """

    name: str
    mac: str
    own: int
    peer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """A machine. `variables` is the file of UEFI's variables, its own for each machine."""

    disks: tuple[Disk, ...]
    nics: tuple[LanNic, ...] = ()
    ports: tuple[CablePort, ...] = ()
    firmware: Firmware = Firmware.BIOS
    variables: Path | None = None
    memory_mib: int = 1024
    processors: int = 1
    kernel: "DirectBoot | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectBoot:
    """A kernel that QEMU loads itself, without firmware or boot loader of a disk."""

    kernel: Path
    initrd: Path
    arguments: str = "console=ttyS0"


def port_path(index: int) -> str:
    """udev's ID_PATH of the NIC in the port with `index`: each root port opens the next PCI bus."""
    return f"pci-0000:{index + 1:02x}:00.0"


def options(hardware: Hardware, firmware_code: Path | None) -> list[str]:
    """QEMU's options for `hardware`, with no NIC in its ports."""
    return [
        # nobody looks at the screen, but without one GRUB on a BIOS never gets to its menu
        *("-machine", "q35", "-nodefaults", "-display", "none", "-device", "VGA"),
        *("-smp", str(hardware.processors), "-m", str(hardware.memory_mib)),
        *("-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random"),
        *_firmware(hardware, firmware_code),
        *_disks(hardware.disks),
        *_nics(hardware.nics),
        *_ports(hardware.ports),
        *_kernel(hardware.kernel),
    ]


def plugged(port: CablePort) -> dict[str, str]:
    """The NIC in `port`, as QMP's device_add takes it."""
    return {
        "driver": "virtio-net-pci",
        "id": nic_id(port.name),
        "netdev": f"net-{port.name}",
        "bus": f"slot-{port.name}",
        "mac": port.mac,
    }


def nic_id(port: str) -> str:
    """QEMU's name of the NIC in the port named `port`."""
    return f"nic-{port}"


def lan_id(index: int) -> str:
    """QEMU's name of the NIC with `index` that is always there."""
    return f"lan-{index}"


def escaped(path: Path) -> str:
    """`path` as QEMU's comma-separated options take it."""
    return str(path).replace(",", ",,")


def _firmware(hardware: Hardware, code: Path | None) -> Iterator[str]:
    if code is not None and hardware.variables is not None:
        yield from ("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={escaped(code)}")
        yield from ("-drive", f"if=pflash,unit=1,format=raw,file={escaped(hardware.variables)}")


_DEVICES = {Bus.NVME: "nvme", Bus.SATA: "ide-hd", Bus.CDROM: "ide-cd", Bus.USB: "usb-storage,bus=usb.0"}


def _disks(disks: tuple[Disk, ...]) -> Iterator[str]:
    if any(disk.bus is Bus.USB for disk in disks):
        yield from ("-device", "qemu-xhci,id=usb,addr=0x1e")
    sata = iter(range(6))
    for index, disk in enumerate(disks):
        # a test's disks outlive no crash of this machine: `unsafe` leaves out what flushes cost
        media = ",media=cdrom,readonly=on" if disk.bus is Bus.CDROM else ""
        yield "-drive"
        yield f"if=none,id=disk{index},format={disk.image},cache=unsafe{media},file={escaped(disk.file)}"
        place = _DEVICES[disk.bus]
        if disk.bus in {Bus.SATA, Bus.CDROM}:
            place += f",bus=ide.{next(sata)}"
        boot = "" if disk.boot is None else f",bootindex={disk.boot}"
        yield from ("-device", f"{place},drive=disk{index},serial={disk.serial}{boot}")


def _nics(nics: tuple[LanNic, ...]) -> Iterator[str]:
    for index, nic in enumerate(nics):
        yield from ("-netdev", f"{nic.backend},id=net-{lan_id(index)}")
        # no boot over the network: its option ROM costs seconds at each start
        yield "-device"
        yield f"virtio-net-pci,id={lan_id(index)},netdev=net-{lan_id(index)},mac={nic.mac},romfile="


def _ports(ports: tuple[CablePort, ...]) -> Iterator[str]:
    for index, port in enumerate(ports):
        slot = f"id=slot-{port.name},chassis={index + 1},slot={index + 1},addr={FIRST_PORT_SLOT + index:#x}"
        yield from ("-device", f"pcie-root-port,{slot}")
        own = f"local.type=inet,local.host=127.0.0.1,local.port={port.own}"
        peer = f"remote.type=inet,remote.host=127.0.0.1,remote.port={port.peer}"
        yield from ("-netdev", f"dgram,id=net-{port.name},{own},{peer}")


def _kernel(kernel: DirectBoot | None) -> Iterator[str]:
    if kernel is not None:
        yield from ("-kernel", str(kernel.kernel), "-initrd", str(kernel.initrd), "-append", kernel.arguments)
