"""Disk images: empty ones, and overlays that leave what is below them alone."""

import shutil
from dataclasses import replace
from pathlib import Path

from pmx_cluster_tb import process
from pmx_cluster_tb.machines.hardware import Bus, Disk, Hardware
from pmx_cluster_tb.problems import UserError

_FIRMWARE = (
    # Debian's ovmf, then Homebrew's qemu
    (Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),
    (
        Path("/opt/homebrew/share/qemu/edk2-x86_64-code.fd"),
        Path("/opt/homebrew/share/qemu/edk2-i386-vars.fd"),
    ),
    (Path("/usr/local/share/qemu/edk2-x86_64-code.fd"), Path("/usr/local/share/qemu/edk2-i386-vars.fd")),
)


def empty_disk(path: Path, size_gib: int) -> Path:
    """A qcow2 image that takes no room yet."""
    process.run(["qemu-img", "create", "-q", "-f", "qcow2", path, f"{size_gib}G"])
    return path


def overlay(base: Disk, path: Path) -> Disk:
    """`base` as it is now, with all that is written from now on in `path`. `base` must change no more."""
    options = ["-f", "qcow2", "-F", base.image, "-b", str(base.file.resolve())]
    process.run(["qemu-img", "create", "-q", *options, path])
    return replace(base, file=path, image="qcow2")


def overlaid(hardware: Hardware, folder: Path) -> Hardware:
    """`hardware` with overlays in `folder` over all disks that it writes to, and variables of its own."""
    disks = tuple(
        disk if disk.bus is Bus.CDROM else overlay(disk, folder / f"disk{index}.qcow2")
        for index, disk in enumerate(hardware.disks)
    )
    variables = hardware.variables
    if variables is not None:
        variables = Path(shutil.copyfile(variables, folder / "variables.fd"))
    return replace(hardware, disks=disks, variables=variables)


def uefi_code() -> Path:
    """UEFI for QEMU."""
    return _uefi()[0]


def new_uefi_variables(path: Path) -> Path:
    """The variables of a machine that was never started."""
    return Path(shutil.copyfile(_uefi()[1], path))


def _uefi() -> tuple[Path, Path]:
    for code, variables in _FIRMWARE:
        if code.exists() and variables.exists():
            return code, variables
    raise UserError(
        "UEFI firmware for virtual machines is not installed",
        "Debian: `sudo apt install ovmf`; macOS: `brew install qemu`",
    )
