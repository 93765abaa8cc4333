"""Installations that must not happen: each ends in a shell, and no disk has changed by a byte."""

import os
import subprocess
import sys
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
from tests.roots.commands import require, run
from tests.roots.root import needs_root
from tests.vm.cluster import make_hardware, target_serial, write_cluster
from tests.vm.standin.build import StandIn, stand_in
from tests.vm.story import bundle, sha256

pytestmark = [pytest.mark.vm, pytest.mark.root]

RELEASES = ("bookworm", pytest.param("trixie", marks=pytest.mark.full))
_ENDS = timedelta(minutes=10)
_NO_LAN = "user,restrict=on"


@dataclass(frozen=True, slots=True)
class Media:
    """What comes of `bundle`: the ISO of each node, the one for all, and the one that they are made from."""

    nodes: dict[str, Path]
    shared: Path
    plain: Path


@pytest.fixture(scope="module", params=RELEASES)
def media(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Media:
    needs_root()
    require("xorriso", "qemu-system-x86_64", "qemu-img")
    medium = stand_in(request.param)
    folders = [tmp_path_factory.mktemp(name) for name in ("separate", "shared")]
    nodes = bundle(folders[0], medium, None)
    (shared,) = bundle_shared(folders[1], medium).rglob("*VTNORMAL.iso")
    return Media(nodes, shared, medium.iso)


def bundle_shared(folder: Path, medium: StandIn) -> Path:
    """A folder like a stick with one ISO for all nodes, made by the command that users run."""
    file = write_cluster(folder, medium.product.release)
    out = folder / "stick"
    out.mkdir()
    options = ["--iso", str(medium.iso), "--out", str(out), "--layout", "shared"]
    builder = str(Path(__file__).parents[2] / "builder")
    command = [sys.executable, "-m", "pmx_cluster_tb", "bundle", str(file), *options]
    run(command, env={**os.environ, "PYTHONPATH": builder})
    return out


@contextmanager
def pve1(folder: Path, iso: Path, firmware: Firmware = Firmware.BIOS) -> Iterator[Machine]:
    """The machine of pve1, off, with `iso` on its stick; in the end no disk may have changed."""
    stick = Path(copyfile(iso, folder / "stick.img"))
    hardware, _ = make_hardware("pve1", folder, stick=stick, lan=_NO_LAN, firmware=firmware, cables=False)
    before = {disk.file: sha256(disk.file) for disk in hardware.disks}
    with Machine("pve1", hardware, folder) as machine:
        yield machine
    assert {file: sha256(file) for file in before} == before


def ends_in_a_shell(machine: Machine, why: str) -> None:
    """Switches it on and expects that it refuses, because of `why`."""
    machine.start()
    machine.console.expect(f"Installation refused: {why}", Deadline(_ENDS))
    machine.console.expect("Installation aborted", Deadline(_ENDS))
    machine.take_shell(_ENDS)
    assert machine.succeed("cat /proc/mounts").count(" /target") == 0
    assert machine.succeed("vgs --noheadings") == ""


def without(hardware: Hardware, serial: str) -> Hardware:
    return replace(hardware, disks=tuple(disk for disk in hardware.disks if disk.serial != serial))


def test_answer_of_another_node(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.nodes["pve2"]) as machine:
        ends_in_a_shell(machine, "no network interface found that matches")


def test_target_disk_is_missing(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.nodes["pve1"], Firmware.UEFI) as machine:
        machine.hardware = without(machine.hardware, target_serial("pve1"))
        ends_in_a_shell(machine, "no disk found that matches")


@pytest.mark.full
def test_same_model_with_another_serial(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.nodes["pve1"]) as machine:
        disks = (
            replace(disk, serial="PMXTARGET0") if disk.serial == target_serial("pve1") else disk
            for disk in machine.hardware.disks
        )
        machine.hardware = replace(machine.hardware, disks=tuple(disks))
        ends_in_a_shell(machine, "no disk found that matches")


def test_shared_iso_without_ventoy_has_no_answer(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.shared) as machine:
        ends_in_a_shell(machine, "no partition labelled PMX-")


@pytest.mark.full
def test_prepared_iso_that_lost_its_answer(media: Media, tmp_path: Path) -> None:
    iso = Path(copyfile(media.nodes["pve1"], tmp_path / "copy.iso"))
    remove = ["-boot_image", "any", "keep", "-dev", str(iso), "-rm", "/answer.toml", "--"]
    subprocess.run(["xorriso", *remove], check=True, capture_output=True)
    with pve1(tmp_path, iso) as machine:
        ends_in_a_shell(machine, "no answer: ")


@pytest.mark.full
def test_iso_that_was_not_prepared_waits_for_somebody(media: Media, tmp_path: Path) -> None:
    with pve1(tmp_path, media.plain) as machine:
        machine.start()
        machine.console.expect(r"Install Proxmox VE \(Terminal UI\)", Deadline(_ENDS))
        with pytest.raises(MachineFailed, match="no `looking for the medium`"):
            machine.console.expect("looking for the medium", Deadline(timedelta(seconds=30)))
