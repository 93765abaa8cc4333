"""The ISO that a story installs from, the stand-in for a release or a genuine one: in what they differ."""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pytest

from pmx_cluster_tb.artifacts.iso.read import iso_members, read_iso
from pmx_cluster_tb.machines.acceleration import is_emulated
from pmx_cluster_tb.machines.hardware import Bus, DirectBoot, Hardware
from tests.vm.internet import internet
from tests.vm.lan import lan
from tests.vm.standin.build import stand_in
from tests.vm.words import GENUINE, STAND_IN, Words

_GENUINE = os.environ.get("PMX_ISO")

RELEASES = (
    (pytest.param("genuine", id=Path(_GENUINE).stem),)
    if _GENUINE
    else ("bookworm", pytest.param("trixie", marks=pytest.mark.full))
)
"""Parameters for tests that run on each medium: what `medium` takes."""


class Network(Protocol):
    """Where the NIC of each machine is: `prefix` starts a program in it, `dns` is its name server."""

    @property
    def prefix(self) -> tuple[str, ...]: ...
    @property
    def dns(self) -> str: ...
    def add(self, name: str) -> str:
        """One more machine; returns the value of QEMU's -netdev for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """An ISO as it was downloaded. `network` makes what its nodes need, with a folder for logs.

    `newest_kernel` is the version that an upgrade brings, where that is known. With `by_loader` QEMU itself
    loads the installer, with a console on the serial line that the ISO's own boot menu does not give it.
    """

    iso: Path
    release: str
    words: Words
    network: Callable[[Path], AbstractContextManager[Network]]
    newest_kernel: str | None
    by_loader: bool
    memory_mib: int
    system_gib: int
    """How much of the disk the system gets."""

    def inserted(self, hardware: Hardware, iso: Path, folder: Path) -> Hardware:
        """The machine with `iso`, which was prepared for it, on its stick; it installs itself when it starts.

        `folder` gets files.
        """
        hardware = replace(hardware, memory_mib=self.memory_mib)
        return loaded(hardware, iso, folder) if self.by_loader else hardware


def loaded(
    hardware: Hardware, iso: Path, folder: Path, *, injected: bytes = b"", words: str = ""
) -> Hardware:
    """The machine with QEMU as the loader of the automatic installation of `iso`, not the ISO's own menu.

    `injected` is an archive that the kernel unpacks over the initial RAM disk, `words` go before those of the
    menu. `folder` gets files.
    """
    members = iso_members(iso, ["/boot/linux26", "/boot/initrd.img", "/boot/grub/grub.cfg"])
    kernel, initrd = folder / "kernel", folder / "initrd"
    kernel.write_bytes(members["/boot/linux26"])
    # the kernel unpacks one archive after the other, each at a multiple of four bytes
    own = members["/boot/initrd.img"]
    initrd.write_bytes(own + bytes(-len(own) % 4) + injected)
    of_emulation = emulation_words(hardware.memory_mib) if is_emulated() else ()
    line = kernel_line(members["/boot/grub/grub.cfg"].decode(), of_emulation)
    boot = DirectBoot(kernel=kernel, initrd=initrd, arguments=f"{words} {line}".lstrip())
    # QEMU's loader is the first to boot, and takes no other one beside it
    disks = tuple(replace(disk, boot=disk.boot or None) for disk in hardware.disks)
    return replace(hardware, disks=disks, kernel=boot)


def removed(hardware: Hardware) -> Hardware:
    """The machine without its stick, and without the disc that Ventoy makes of an ISO on it."""
    disks = tuple(disk for disk in hardware.disks if disk.bus not in {Bus.USB, Bus.CDROM})
    return replace(hardware, disks=disks, kernel=None)


def kernel_line(grub_cfg: str, words: Iterable[str] = ()) -> str:
    """The kernel's words in the menu entry that installs automatically, `words`, and the console's.

    The installer hands words that it does not know on to the system that it installs, as these are.
    """
    found = re.search(r"^\s*linux\s+\S+\s+(.*\bproxmox-start-auto-installer\b.*)$", grub_cfg, re.MULTILINE)
    assert found, "the boot menu of the ISO has no automatic installation"
    own = found[1].split()
    return " ".join([*own, *(word for word in (*words, "console=ttyS0,115200") if word not in own)])


def emulation_words(memory_mib: int) -> tuple[str, ...]:
    """For a kernel on emulated processors; the stand-in's menu has them as well, and says why the last."""
    return "no_timer_check", "mitigations=off", f"mem={memory_mib - 80}M"


def medium(release: str) -> Medium:
    """The ISO that PMX_ISO names, and if there is none, the stand-in on Debian `release`."""
    return genuine(Path(_GENUINE)) if _GENUINE else standing_in(release)


def standing_in(codename: str) -> Medium:
    """The stand-in on Debian `codename`."""
    made = stand_in(codename)
    return Medium(
        iso=made.iso,
        release=made.product.release,
        words=STAND_IN,
        network=lambda folder: lan(made, folder),
        newest_kernel=made.kernels[1],
        by_loader=False,
        memory_mib=1024,
        system_gib=16,
    )


def genuine(iso: Path) -> Medium:
    """An ISO of Proxmox's own."""
    return Medium(
        iso=iso,
        release=read_iso(iso).release,
        words=GENUINE,
        network=lambda _: internet(),
        newest_kernel=None,
        by_loader=True,
        # what Proxmox asks for at least; the disk takes a second kernel and the packages of an upgrade
        memory_mib=2048,
        system_gib=40,
    )
