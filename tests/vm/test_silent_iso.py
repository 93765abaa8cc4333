"""The way of a genuine ISO, gone with a stand-in whose boot menu gives it no console on the serial line."""

import os
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import pytest

from pmx_cluster_tb.artifacts.iso.read import read_iso
from tests.roots.commands import run
from tests.vm.finished import is_finished
from tests.vm.journal import failed_units, unexpected_errors
from tests.vm.medium import RELEASES, genuine, standing_in
from tests.vm.story import changed_disks, story

pytestmark = [
    pytest.mark.vm,
    pytest.mark.root,
    pytest.mark.full,
    pytest.mark.skipif("PMX_ISO" in os.environ, reason="takes the stand-in for the genuine ISO that is here"),
]

_MENU = """\
if [ -f auto-installer-mode.toml ]; then
    set timeout-style=menu
    set timeout=10
    menuentry 'Install Proxmox VE (Automated)' --class debian {
        echo        'Loading Proxmox VE Automatic Installer ...'
        linux       /boot/linux26 ro ramdisk_size=16777216 rw quiet splash=silent proxmox-start-auto-installer
        initrd      /boot/initrd.img
    }
fi
"""


def silent(iso: Path, folder: Path) -> Path:
    """A copy of a stand-in with another boot menu."""
    copy = Path(copyfile(iso, folder / iso.name))
    menu = folder / "grub.cfg"
    menu.write_text(_MENU)
    uuid = read_iso(iso).volume.modified
    keep = ["-boot_image", "any", "keep", "-volume_date", "uuid", uuid]
    run(["xorriso", *keep, "-dev", str(copy), "-map", str(menu), "/boot/grub/grub.cfg"])
    return copy


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", ["pve1", "pve2"])
def test_installation_and_first_boot(release: str, name: str, tmp_path: Path) -> None:
    source = standing_in(release)
    # its packages are in the network of the stand-in only
    medium = replace(genuine(silent(source.iso, tmp_path)), network=source.network)
    with story(medium, tmp_path / "story", show=print, names=(name,)) as told:
        node = told.nodes[name]
        told.install(node)
        assert changed_disks(node) == []
        told.first_boot(node)
        is_finished(told, node)
        assert failed_units(node) == []
        assert unexpected_errors(node) == []
