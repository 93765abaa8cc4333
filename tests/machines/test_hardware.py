"""QEMU's options, and what nobody may put into them."""

import itertools
from dataclasses import replace
from pathlib import Path

from pmx_cluster_tb.machines.hardware import (
    Bus,
    CablePort,
    Disk,
    Firmware,
    Hardware,
    LanNic,
    options,
    plugged,
    port_path,
)

PORTS = tuple(
    CablePort(name=name, mac=f"52:54:00:00:00:{index}", own=4000 + index, peer=5000 + index)
    for index, name in enumerate(("en05", "en06"), 10)
)
HARDWARE = Hardware(
    disks=(
        Disk(file=Path("/d/other,1.img"), bus=Bus.SATA, serial="OTHER"),
        Disk(file=Path("/d/target.qcow2"), bus=Bus.NVME, serial="TARGET", image="qcow2", boot=1),
        Disk(file=Path("/d/stick.img"), bus=Bus.USB, serial="STICK", boot=0),
        Disk(file=Path("/d/cd.iso"), bus=Bus.CDROM, serial="CD"),
    ),
    nics=(LanNic(mac="52:54:00:00:00:01", backend="user"),),
    ports=PORTS,
)


def devices(hardware: Hardware) -> list[str]:
    """The value of each -device."""
    words = options(hardware, Path("/code.fd"))
    return [value for option, value in itertools.pairwise(words) if option == "-device"]


def test_disks() -> None:
    assert [device for device in devices(HARDWARE) if "serial=" in device] == [
        "ide-hd,bus=ide.0,drive=disk0,serial=OTHER",
        "nvme,drive=disk1,serial=TARGET,bootindex=1",
        "usb-storage,bus=usb.0,drive=disk2,serial=STICK,bootindex=0",
        "ide-cd,bus=ide.1,drive=disk3,serial=CD",
    ]
    words = options(HARDWARE, None)
    assert "if=none,id=disk0,format=raw,cache=unsafe,file=/d/other,,1.img" in words
    assert "if=none,id=disk3,format=raw,cache=unsafe,media=cdrom,readonly=on,file=/d/cd.iso" in words


def test_ports_are_empty_until_something_is_plugged_in() -> None:
    assert [device.partition(",")[0] for device in devices(HARDWARE) if "slot-" in device] == [
        "pcie-root-port",
        "pcie-root-port",
    ]
    assert plugged(PORTS[1]) == {
        "driver": "virtio-net-pci",
        "id": "nic-en06",
        "netdev": "net-en06",
        "bus": "slot-en06",
        "mac": "52:54:00:00:00:11",
    }
    assert [port_path(index) for index in range(2)] == ["pci-0000:01:00.0", "pci-0000:02:00.0"]


def test_only_uefi_has_variables() -> None:
    assert not any("pflash" in word for word in options(HARDWARE, None))
    uefi = replace(HARDWARE, firmware=Firmware.UEFI, variables=Path("/vars.fd"))
    words = options(uefi, Path("/code.fd"))
    assert "if=pflash,unit=0,format=raw,readonly=on,file=/code.fd" in words
    assert "if=pflash,unit=1,format=raw,file=/vars.fd" in words


def test_no_disk_is_without_a_serial_by_its_bus() -> None:
    assert {bus.value for bus in Bus} == {"nvme", "sata", "usb", "cdrom"}
