"""The smallest guest that behaves: Debian's kernel and busybox, up in seconds."""

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

from pmx_cluster_tb.machines.hardware import CablePort, DirectBoot, Hardware
from tests.isos import cpio
from tests.vm.standin.build import stand_in

_MODULES = (
    "kernel/drivers/virtio/virtio.ko",
    "kernel/drivers/virtio/virtio_ring.ko",
    "kernel/drivers/virtio/virtio_pci_modern_dev.ko",
    "kernel/drivers/virtio/virtio_pci_legacy_dev.ko",
    "kernel/drivers/virtio/virtio_pci.ko",
    "kernel/net/core/failover.ko",
    "kernel/drivers/net/net_failover.ko",
    "kernel/drivers/net/virtio_net.ko",
    "kernel/drivers/scsi/scsi_common.ko",
    "kernel/drivers/scsi/scsi_mod.ko",
    "kernel/drivers/ata/libata.ko",
    "kernel/drivers/ata/libahci.ko",
    "kernel/drivers/ata/ahci.ko",
    "kernel/crypto/crct10dif_common.ko",
    "kernel/lib/crc-t10dif.ko",
    "kernel/lib/crc64.ko",
    "kernel/lib/crc64-rocksoft.ko",
    "kernel/block/t10-pi.ko",
    "kernel/drivers/scsi/sd_mod.ko",
)
"""In the order in which they need each other."""

# busybox's reboot and poweroff send these signals to the first process
_INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
for module in {modules}; do insmod "/$module"; done
ip link set lo up
trap 'reboot -f' TERM
trap 'poweroff -f' USR2
while :; do
    setsid getty -L 115200 ttyS0 vt100 &
    wait $!
done
"""


def micro_hardware(folder: Path, ports: tuple[CablePort, ...] = ()) -> Hardware:
    """A machine that boots the guest, without any disk; root has no password. It knows SATA disks."""
    parts = stand_in("bookworm").mirror.parent
    (kernel,) = (parts / "kernel/boot").glob("vmlinuz-*")
    initrd = folder / "micro.img"
    initrd.write_bytes(gzip.compress(cpio(dict(_files(parts, kernel))), 1))
    boot = DirectBoot(kernel=kernel, initrd=initrd, arguments="console=ttyS0 quiet no_timer_check")
    return Hardware(disks=(), ports=ports, kernel=boot, memory_mib=256)


def _files(parts: Path, kernel: Path) -> Iterator[tuple[str, bytes]]:
    modules = parts / "kernel/lib/modules" / kernel.name.removeprefix("vmlinuz-")
    names = [Path(name).name for name in _MODULES]
    for path, name in zip(_MODULES, names, strict=True):
        yield name, (modules / path).read_bytes()
    yield "init", _INIT.format(modules=" ".join(names)).encode()
    yield "bin/busybox", (parts / "busybox").read_bytes()
    for folder in ("proc", "sys", "dev", "tmp", "root"):
        yield f"{folder}/.here", b""
    yield "etc/passwd", b"root::0:0:root:/root:/bin/sh\n"


def interfaces(said: str) -> set[str]:
    """The names in what `ls /sys/class/net` printed, without the loopback."""
    return set(said.split()) - {"lo"}


def free_udp_ports() -> tuple[int, int]:
    """Two that nobody on the loopback has at the moment."""
    with (
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as other,
    ):
        for bound in (one, other):
            bound.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
