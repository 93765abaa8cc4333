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

from pmx_cluster_tb.machines.failure import Deadline
from pmx_cluster_tb.machines.hardware import Firmware
from pmx_cluster_tb.machines.machine import Machine
from tests.roots.commands import require
from tests.roots.root import needs_root
from tests.vm.cluster import make_hardware, target_serial
from tests.vm.medium import RELEASES, Medium, loaded, medium
from tests.vm.story import sha256
from tests.vm.test_refusals import bundle_shared

pytestmark = [pytest.mark.vm, pytest.mark.root]

_ENDS = timedelta(minutes=10)
_WORDS = "rdinit=/start"
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


@pytest.fixture(scope="module", params=RELEASES)
def source(request: pytest.FixtureRequest) -> Medium:
    needs_root()
    require("cpio", "busybox", "xorriso", "qemu-system-x86_64", "qemu-img")
    return medium(request.param)


@contextmanager
def by_ventoy(
    machine_of: str, chosen: str | None, source: Medium, folder: Path, hooks: tuple[str, ...]
) -> Iterator[Machine]:
    """The machine of a node, on, as after Ventoy's menu with the answer of the node `chosen`."""
    stick = bundle_shared(folder, source)
    iso = next(stick.rglob("*VTNORMAL.iso"))
    archive = next(stick.rglob("injection.tar.gz"))
    answer = next(stick.rglob(f"{chosen}.toml")) if chosen else None
    hardware, parts = make_hardware(
        machine_of,
        folder,
        stick=Path(copyfile(iso, folder / "stick.img")),
        lan="user,restrict=on",
        firmware=Firmware.BIOS,
        cables=False,
    )
    before = {path: sha256(path) for path in (parts.target, parts.other, parts.stick)}
    injected = _injected(archive, answer, folder, hooks)
    hardware = loaded(
        replace(hardware, memory_mib=source.memory_mib), iso, folder, injected=injected, words=_WORDS
    )
    with Machine(machine_of, hardware, folder) as machine:
        machine.start()
        yield machine
    changed = {path for path in before if sha256(path) != before[path]}
    assert changed <= {parts.target}
    assert chosen == machine_of or not changed


def _injected(archive: Path, answer: Path | None, folder: Path, hooks: tuple[str, ...]) -> bytes:
    root = folder / "injected"
    with tarfile.open(archive) as tar:
        tar.extractall(root, filter="data")
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
    packed = subprocess.run(command, cwd=root, input=names.encode(), check=True, stdout=subprocess.PIPE)
    return gzip.compress(packed.stdout, 1)


@pytest.mark.parametrize(
    "hooks",
    [
        pytest.param((_NORMAL, _GRUB2), id="normal mode"),
        pytest.param((_GRUB2,), id="GRUB2 mode", marks=pytest.mark.full),
    ],
)
def test_right_machine(source: Medium, tmp_path: Path, hooks: tuple[str, ...]) -> None:
    with by_ventoy("pve1", "pve1", source, tmp_path, hooks) as machine:
        machine.console.expect("this machine is node pve1", Deadline(_ENDS))
        found = machine.console.expect(source.words.disk, Deadline(_ENDS))
        machine.console.expect(source.words.base, Deadline(_ENDS))
    assert found[1].startswith("/dev/nvme"), f"not the disk with serial {target_serial('pve1')}"


def test_machine_of_another_node(source: Medium, tmp_path: Path) -> None:
    with by_ventoy("pve1", "pve2", source, tmp_path, (_NORMAL, _GRUB2)) as machine:
        machine.console.expect("REFUSED: this machine is not node pve2", Deadline(_ENDS))
        machine.console.expect(source.words.no_label, Deadline(_ENDS))


@pytest.mark.full
def test_nothing_chosen(source: Medium, tmp_path: Path) -> None:
    with by_ventoy("pve1", None, source, tmp_path, (_NORMAL, _GRUB2)) as machine:
        machine.console.expect("no node was chosen", Deadline(_ENDS))
        machine.console.expect(source.words.no_label, Deadline(_ENDS))
