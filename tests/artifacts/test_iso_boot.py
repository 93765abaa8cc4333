"""Prepared ISOs boot from BIOS and from UEFI, as a disc and as a stick, up to their menu."""

import time
from pathlib import Path

import pexpect
import pytest

from pmx_cluster_tb.artifacts.iso.image import prepared_images
from pmx_cluster_tb.artifacts.iso.read import read_iso
from pmx_cluster_tb.artifacts.iso.write import write_image
from pmx_cluster_tb.progress import unobserved
from tests.isos import proxmox_iso
from tests.roots.commands import require

pytestmark = pytest.mark.tools

FIRMWARE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
SECONDS = 240
"""Without hardware help, on a busy machine."""

DRIVES = {
    "disc": ["-cdrom", "{iso}"],
    "stick": [
        "-drive", "if=none,id=stick,format=raw,readonly=on,file={iso}",
        "-device", "qemu-xhci", "-device", "usb-storage,drive=stick,bootindex=0",
    ],
}  # fmt: skip
FIRMWARES = {"bios": [], "uefi": ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE}"]}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("xorriso")
    path = tmp_path_factory.mktemp("boot") / "prepared.iso"
    (image,) = prepared_images(read_iso(proxmox_iso()), [{"auto-installer-mode.toml": b'mode = "iso"\n'}])
    write_image(image, path, unobserved, "")
    return path


def menu(iso: Path, firmware: str, drive: str) -> str:
    """What GRUB shows on the serial line until the last entry of its menu is there."""
    require("qemu-system-x86_64")
    assert FIRMWARE.is_file(), "apt-get install ovmf"
    options = ["-machine", "q35,accel=tcg", "-m", "512", "-net", "none", "-display", "none", "-no-reboot"]
    options += ["-serial", "stdio", "-monitor", "none", *FIRMWARES[firmware]]
    options += [option.format(iso=iso) for option in DRIVES[drive]]
    machine = pexpect.spawn(
        "qemu-system-x86_64",
        options,
        timeout=SECONDS,
        encoding="utf-8",
        codec_errors="replace",
    )
    try:
        # UEFI's own text comes first
        machine.expect(r"GNU GRUB")
        machine.expect(r"\(Graphical\)")
        return str(machine.before)
    finally:
        machine.close(force=True)


@pytest.mark.parametrize("drive", DRIVES)
@pytest.mark.parametrize("firmware", FIRMWARES)
def test_the_menu_of_a_prepared_iso_begins_with_the_automated_installation(
    firmware: str, drive: str, prepared: Path
) -> None:
    began = time.monotonic()
    assert "Install Proxmox VE (Automated)" in menu(prepared, firmware, drive)
    print(f"{firmware} {drive}: menu after {time.monotonic() - began:.0f} s")


def test_the_menu_of_the_source_does_not() -> None:
    assert "Automated" not in menu(proxmox_iso(), "bios", "disc")
