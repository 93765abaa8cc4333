"""The shared layout's injection in a machine: Ventoy's part is done by a program of our own.

Ventoy unpacks the injection archive into the initial RAM disk, puts the chosen answer beside it, calls one or
two hooks, and then starts the own init: so does `_START`. That Ventoy itself does so, these tests cannot
show.
"""

import gzip
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copy, copyfile

import pytest

from pmx_cluster_tb.artifacts.iso import iso_members
from pmx_cluster_tb.machines.failure import Deadline
from pmx_cluster_tb.machines.hardware import DirectBoot, Firmware
from pmx_cluster_tb.machines.machine import Machine
from tests.roots.commands import require
from tests.roots.root import needs_root
from tests.vm.cluster import make_hardware, target_serial
from tests.vm.standin.build import StandIn, stand_in
from tests.vm.story import sha256
from tests.vm.test_refusals import bundle_shared

pytestmark = [pytest.mark.vm, pytest.mark.root]

_ENDS = timedelta(minutes=10)
_ARGUMENTS = "rdinit=/start no_timer_check console=ttyS0,115200 proxmox-start-auto-installer"
_NORMAL = "live_injection_7ed136ec_7a61_4b54_adc3_ae494d5106ea/hook.sh"
_GRUB2 = "ventoy/hook/debian/ventoy-before-init.sh"
# Ventoy's initial programs see these file systems, and leave none of them mounted
_START = """#!/ventoy/busybox/sh
/ventoy/busybox/busybox mount -t proc proc /proc
/ventoy/busybox/busybox mount -t sysfs sysfs /sys
for hook in {hooks}; do /ventoy/busybox/sh "/$hook" debian; done
/ventoy/busybox/busybox umount /proc /sys
exec /init
"""


@pytest.fixture(scope="module", params=("bookworm", pytest.param("trixie", marks=pytest.mark.full)))
def medium(request: pytest.FixtureRequest) -> StandIn:
    needs_root()
    require("cpio", "busybox", "xorriso", "qemu-system-x86_64", "qemu-img")
    return stand_in(request.param)


@contextmanager
def by_ventoy(
    machine_of: str, chosen: str | None, medium: StandIn, folder: Path, hooks: tuple[str, ...]
) -> Iterator[Machine]:
    """The machine of a node, on, as after Ventoy's menu with the answer of the node `chosen`."""
    stick = bundle_shared(folder, medium)
    iso = next(stick.rglob("*VTNORMAL.iso"))
    archive = next(stick.rglob("injection.tar.gz"))
    answer = next(stick.rglob(f"{chosen}.toml")) if chosen else None
    kernel = _kernel(iso, archive, answer, folder, hooks)
    hardware, parts = make_hardware(
        machine_of,
        folder,
        stick=Path(copyfile(iso, folder / "stick.img")),
        lan="user,restrict=on",
        firmware=Firmware.BIOS,
        cables=False,
    )
    before = {path: sha256(path) for path in (parts.target, parts.other, parts.stick)}
    # QEMU's own loader is the first to boot
    disks = tuple(replace(disk, boot=None) for disk in hardware.disks)
    with Machine(machine_of, replace(hardware, disks=disks, kernel=kernel), folder) as machine:
        machine.start()
        yield machine
    changed = {path for path in before if sha256(path) != before[path]}
    assert changed <= {parts.target}
    assert chosen == machine_of or not changed


def _kernel(
    iso: Path, archive: Path, answer: Path | None, folder: Path, hooks: tuple[str, ...]
) -> DirectBoot:
    members = iso_members(iso, ["/boot/linux26", "/boot/initrd.img"])
    root = folder / "injected"
    with tarfile.open(archive) as packed:
        packed.extractall(root, filter="data")
    programs = root / "ventoy/busybox"
    programs.mkdir(parents=True, exist_ok=True)
    copy("/bin/busybox", programs)
    for name in ("sh", "sed", "grep", "cat", "cp", "mv", "mkdir", "mount", "sleep"):
        (programs / name).symlink_to("busybox")
    if answer is not None:
        copy(answer, root / "ventoy/autoinstall")
    (root / "start").write_text(_START.format(hooks=" ".join(hooks)))
    (root / "start").chmod(0o755)
    names = "\n".join(sorted(str(path.relative_to(root)) for path in root.rglob("*")))
    command = ["cpio", "--quiet", "--create", "--format=newc", "--owner=0:0"]
    injected = subprocess.run(command, cwd=root, input=names.encode(), check=True, stdout=subprocess.PIPE)
    kernel, initrd = folder / "kernel", folder / "initrd"
    kernel.write_bytes(members["/boot/linux26"])
    # the kernel unpacks one archive after the other, each at a multiple of four bytes
    own = members["/boot/initrd.img"]
    initrd.write_bytes(own + bytes(-len(own) % 4) + gzip.compress(injected.stdout, 1))
    return DirectBoot(kernel=kernel, initrd=initrd, arguments=_ARGUMENTS)


@pytest.mark.parametrize(
    "hooks",
    [
        pytest.param((_NORMAL, _GRUB2), id="normal mode"),
        pytest.param((_GRUB2,), id="GRUB2 mode", marks=pytest.mark.full),
    ],
)
def test_right_machine(medium: StandIn, tmp_path: Path, hooks: tuple[str, ...]) -> None:
    with by_ventoy("pve2", "pve2", medium, tmp_path, hooks) as machine:
        machine.console.expect("this machine is node pve2", Deadline(_ENDS))
        found = machine.console.expect(r"disk (/dev/\w+), network interface", Deadline(_ENDS))
        machine.console.expect("extracting the base system", Deadline(_ENDS))
    assert found[1].startswith("/dev/nvme"), f"not the disk with serial {target_serial('pve2')}"


def test_machine_of_another_node(medium: StandIn, tmp_path: Path) -> None:
    with by_ventoy("pve1", "pve2", medium, tmp_path, (_NORMAL, _GRUB2)) as machine:
        machine.console.expect("REFUSED: this machine is not node pve2", Deadline(_ENDS))
        machine.console.expect("Installation refused: no partition labelled PMX-", Deadline(_ENDS))


@pytest.mark.full
def test_nothing_chosen(medium: StandIn, tmp_path: Path) -> None:
    with by_ventoy("pve1", None, medium, tmp_path, (_NORMAL, _GRUB2)) as machine:
        machine.console.expect("no node was chosen", Deadline(_ENDS))
        machine.console.expect("Installation refused: no partition labelled PMX-", Deadline(_ENDS))
