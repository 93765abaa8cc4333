"""Installations that must not happen: each ends in a shell, and no disk has changed by a byte."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

import pytest

from pmx_cluster_tb.machines.failure import Deadline, MachineFailed
from pmx_cluster_tb.machines.hardware import Firmware, Hardware
from pmx_cluster_tb.machines.machine import Machine
from tests.roots.commands import require
from tests.roots.root import needs_root
from tests.vm.cluster import make_hardware, target_serial
from tests.vm.medium import RELEASES, Medium, medium
from tests.vm.story import bundle, bundled, sha256
from tests.vm.words import ABORTED

pytestmark = [pytest.mark.vm, pytest.mark.root]

_ENDS = timedelta(minutes=10)
_NO_LAN = "user,restrict=on"


@dataclass(frozen=True, slots=True)
class Media:
    """What comes of `bundle`: the ISO of each node, the one for all, and what they are made from."""

    nodes: dict[str, Path]
    shared: Path
    source: Medium


@pytest.fixture(scope="module", params=RELEASES)
def media(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Media:
    needs_root()
    require("xorriso", "qemu-system-x86_64", "qemu-img")
    source = medium(request.param)
    folders = [tmp_path_factory.mktemp(name) for name in ("separate", "shared")]
    nodes = bundle(folders[0], source)
    (shared,) = bundle_shared(folders[1], source).rglob("*VTNORMAL.iso")
    return Media(nodes, shared, source)


def bundle_shared(folder: Path, source: Medium) -> Path:
    """A folder like a stick with one ISO for all nodes, made by the command that users run."""
    return bundled(folder, source, "--layout", "shared")


@contextmanager
def pve1(
    folder: Path, iso: Path, source: Medium | None, firmware: Firmware = Firmware.BIOS
) -> Iterator[Machine]:
    """The machine of pve1, off, with `iso` on its stick; in the end no disk may have changed.

    `iso` was made of `source`; without it the machine goes by the boot menu of `iso` in any case.
    """
    stick = Path(copyfile(iso, folder / "stick.img"))
    hardware, _ = make_hardware("pve1", folder, stick=stick, lan=_NO_LAN, firmware=firmware, cables=False)
    before = {disk.file: sha256(disk.file) for disk in hardware.disks}
    if source is not None:
        hardware = source.inserted(hardware, stick, folder)
    with Machine("pve1", hardware, folder) as machine:
        yield machine
    assert {file: sha256(file) for file in before} == before


def ends_in_a_shell(machine: Machine, why: str) -> None:
    """Switches it on and expects that it gives up, with the pattern `why` as the reason."""
    machine.start()
    machine.console.expect(why, Deadline(_ENDS))
    machine.console.expect(ABORTED, Deadline(_ENDS))
    machine.take_shell(_ENDS)
    assert machine.succeed("cat /proc/mounts").count(" /target") == 0
    assert machine.succeed("vgs --noheadings") == ""


def without(hardware: Hardware, serial: str) -> Hardware:
    return replace(hardware, disks=tuple(disk for disk in hardware.disks if disk.serial != serial))


def test_answer_of_another_node(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.nodes["pve2"], media.source) as machine:
        ends_in_a_shell(machine, media.source.words.no_nic)


def test_target_disk_is_missing(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.nodes["pve1"], media.source, Firmware.UEFI) as machine:
        machine.hardware = without(machine.hardware, target_serial("pve1"))
        ends_in_a_shell(machine, media.source.words.no_disk)


@pytest.mark.full
def test_same_model_with_another_serial(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.nodes["pve1"], media.source) as machine:
        disks = (
            replace(disk, serial="PMXTARGET0") if disk.serial == target_serial("pve1") else disk
            for disk in machine.hardware.disks
        )
        machine.hardware = replace(machine.hardware, disks=tuple(disks))
        ends_in_a_shell(machine, media.source.words.no_disk)


@pytest.mark.full
def test_shared_iso_without_ventoy_has_no_answer(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.shared, media.source) as machine:
        ends_in_a_shell(machine, media.source.words.no_label)


@pytest.mark.full
def test_prepared_iso_that_lost_its_answer(media: Media, tmp_path: Path) -> None:
    iso = Path(copyfile(media.nodes["pve1"], tmp_path / "copy.iso"))
    remove = ["-boot_image", "any", "keep", "-dev", str(iso), "-rm", "/answer.toml", "--"]
    subprocess.run(["xorriso", *remove], check=True, capture_output=True)
    with pve1(tmp_path, iso, media.source) as machine:
        ends_in_a_shell(machine, media.source.words.no_answer)


@pytest.mark.full
def test_iso_that_was_not_prepared_waits_for_somebody(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.source.iso, None) as machine:
        machine.start()
        machine.console.expect(r"Install Proxmox VE \(Terminal UI\)", Deadline(_ENDS))
        with pytest.raises(MachineFailed, match="no `Loading Proxmox`"):
            machine.console.expect("Loading Proxmox", Deadline(timedelta(seconds=30)))


@pytest.mark.full
@pytest.mark.parametrize("firmware", Firmware)
def test_prepared_iso_waits_for_nobody(media: Media, tmp_path: Path, firmware: Firmware) -> None:
    with pve1(tmp_path, media.nodes["pve1"], None, firmware) as machine:
        machine.start()
        machine.console.expect(r"Install Proxmox VE \(Automated\)", Deadline(_ENDS))
        machine.console.expect("Loading Proxmox VE Automatic Installer", Deadline(_ENDS))
