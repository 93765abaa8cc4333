"""Putting the system on the disk."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .disk_layout import partition_of
from .machine import Disk

TARGET = Path("/target")
_CDROM = Path("/cdrom")
_PARTS = ("dev", "dev/pts", "proc", "sys", "run")
_LEFT_OUT = ("grub-pc", "grub-efi-amd64", "proxmox-secure-boot-support", "amd64-microcode", "intel-microcode")
_LATER = ("/sbin/start-stop-daemon", "/usr/sbin/update-grub", "/usr/sbin/update-initramfs")
_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "HOME": "/root",
}
_DROPPED = ("BOOT_IMAGE=", "root=", "ramdisk_size=", "splash=", "vga=", "proxmox-")
_DROPPED_WORDS = {"ro", "rw", "quiet", "proxdebug", "proxtui", "proxauto"}


@contextmanager
def mounted(disk: Disk) -> Iterator[None]:
    """The target's filesystems below `TARGET`, with those of the running kernel."""
    _run("mount", "/dev/pve/root", TARGET)
    _run("mkdir", "-p", TARGET / "boot/efi")
    _run("mount", partition_of(disk, 2), TARGET / "boot/efi")
    yield
    _run("sync")
    _run("umount", "--recursive", TARGET)


def unpack_base() -> None:
    """Copies the base system."""
    base = Path("/run/base")
    base.mkdir()
    _run("mount", "-t", "squashfs", "-o", "ro,loop", _CDROM / "pve-base.squashfs", base)
    _run("cp", "--archive", "--no-target-directory", base, TARGET)
    _run("umount", base)
    for name in _PARTS:
        (TARGET / name).mkdir(exist_ok=True)
        _run("mount", "--bind", f"/{name}", TARGET / name)


def install_packages(*, first_boot: bool) -> None:
    """Unpacks and configures the packages on the medium, while no service may start."""
    left_out = _LEFT_OUT if first_boot else (*_LEFT_OUT, "proxmox-first-boot")
    write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
    for program in _LATER:
        _divert(program)
    write("/proxmox_install_mode", "")
    folder = TARGET / "tmp/pkg"
    folder.mkdir()
    for deb in sorted((_CDROM / "proxmox/packages").glob("*.deb")):
        if deb.name.partition("_")[0] not in left_out:
            shutil.copy(deb, folder)
    names = [f"/tmp/pkg/{deb.name}" for deb in sorted(folder.iterdir())]
    in_target(
        "dpkg", "--force-depends", "--no-triggers", "--force-unsafe-io", "--force-confold", "--unpack", *names
    )
    in_target("dpkg", "--force-confold", "--force-unsafe-io", "--configure", "--pending")
    shutil.rmtree(folder)
    for program in _LATER:
        _undivert(program)
    for name in ("usr/sbin/policy-rc.d", "proxmox_install_mode"):
        (TARGET / name).unlink()


def _divert(program: str) -> None:
    in_target("dpkg-divert", "--quiet", "--add", "--rename", "--divert", f"{program}.REAL", program)
    write(program, "#!/bin/sh\nexit 0\n", 0o755)


def _undivert(program: str) -> None:
    (TARGET / program.lstrip("/")).unlink()
    in_target("dpkg-divert", "--quiet", "--remove", "--rename", program)


def install_boot_loader(disk: Disk, command_line: str) -> None:
    """Makes the disk boot by BIOS and by UEFI."""
    if words := kept_words(command_line):
        line = f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {" ".join(words)}"\n'
        write("/etc/default/grub.d/installer.cfg", line)
    in_target("grub-install", "--target=i386-pc", "--no-floppy", "--force", disk.device)
    efi = ("--target=x86_64-efi", "--efi-directory=/boot/efi", "--bootloader-id=proxmox", "--no-nvram")
    in_target("grub-install", *efi, "--removable")
    in_target("update-initramfs", "-c", "-k", "all")
    in_target("update-grub")


def kept_words(command_line: str) -> list[str]:
    """The words of the installer's kernel that the installed one gets too: all that are not known."""
    return [
        word for word in command_line.split() if word not in _DROPPED_WORDS and not word.startswith(_DROPPED)
    ]


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Writes a file of the target."""
    file = TARGET / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def in_target(*command: str, given: str = "", extra: Mapping[str, str] | None = None) -> None:
    """Runs a program of the target."""
    _run("chroot", TARGET, *command, given=given, environment={**_ENVIRONMENT, **(extra or {})})


def _run(*command: str | Path, given: str = "", environment: Mapping[str, str] = _ENVIRONMENT) -> None:
    words: Sequence[str | Path] = command
    result = subprocess.run(
        words,
        check=False,
        input=given,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    if result.returncode != 0:
        print(result.stdout, flush=True)
        raise subprocess.CalledProcessError(result.returncode, [str(word) for word in words])
