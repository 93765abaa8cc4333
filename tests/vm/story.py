"""From a cluster file and an ISO to three nodes in a ring, on machines that nobody touches.

`Story` is one telling: make the sticks, `install` each node, let `first_boot` finish it, and then the ring's
fortunes. Tests and the demonstration call its parts; mutations start from what an earlier part left.
"""

import errno
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.hardware import Firmware
from pmx_cluster_tb.machines.machine import Machine
from tests.roots.commands import require
from tests.roots.root import needs_root
from tests.vm.cluster import (
    BY_VENTOY,
    NAMES,
    PASSWORD,
    Parts,
    behind_ventoy,
    make_hardware,
    write_cluster,
)
from tests.vm.ends import finish, installed
from tests.vm.lan import GATEWAY
from tests.vm.medium import Medium, Network, removed
from tests.vm.milestones import Milestones

INSTALLS = timedelta(minutes=25)
FINISHES = timedelta(minutes=40)
STARTS = timedelta(minutes=10)
HEALS = timedelta(minutes=3)
_CUT_AGAIN = timedelta(seconds=1)

_BLOCK_BYTES = 4 * 1024**2

FIRMWARE = {"pve1": Firmware.BIOS, "pve2": Firmware.UEFI, "pve3": Firmware.BIOS}
"""Both ways to start: nodes of one cluster need not be alike."""


@dataclass
class Node:
    """A machine of the story, and what is behind its disks."""

    machine: Machine
    parts: Parts
    untouched: dict[Path, str]

    @property
    def name(self) -> str:
        return self.machine.name


@dataclass
class Story:
    """One telling, with everything that it leaves in `folder`."""

    folder: Path
    medium: Medium
    nodes: dict[str, Node]
    milestones: Milestones
    broken: str = ""

    def each(self, part: Callable[[Node], None]) -> None:
        """Has all nodes go through `part`, side by side; the first failure is raised when all have ended.

        An interruption is a power cut for all of them: nobody waits for half an hour of deadlines.
        """
        parts: list[Future[None]] = []
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            try:
                with uninterrupted():
                    parts.extend(pool.submit(part, node) for node in self.nodes.values())
                for ended in parts:
                    ended.result()
            except KeyboardInterrupt:
                going_on = set(parts)
                while going_on:  # a part may have been about to switch its machine on
                    for node in self.nodes.values():
                        node.machine.crash()
                    going_on = wait(going_on, timeout=_CUT_AGAIN.total_seconds()).not_done
                raise

    def install(self, node: Node) -> None:
        """From the stick to a machine that has switched itself off."""
        node.machine.start()
        self.milestones.tell(node.name, "switched on with the stick in")
        installed(node.machine, self.medium.words, INSTALLS)
        node.machine.wait_off(STARTS)
        self.milestones.tell(node.name, "is off: the stick comes out")
        unplug_stick(node)

    def first_boot(self, node: Node) -> None:
        """From the first start without the stick to the word that only a success prints, and a root shell."""
        node.machine.start()
        finish(node.machine, PASSWORD, FINISHES)
        log_in(node)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds back a SIGINT until the end; threads and programs that are started meanwhile never get one.

    A pool that is interrupted while it starts a thread does not know it, and does not wait for it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unplug_stick(node: Node) -> None:
    """The machine starts without its stick from now on."""
    node.machine.hardware = removed(node.machine.hardware)


def log_in(node: Node) -> None:
    """A root shell on the node's console."""
    node.machine.log_in("root", PASSWORD, STARTS)


@contextmanager
def story(
    medium: Medium,
    folder: Path,
    *,
    show: Callable[[str], None] = lambda _: None,
    names: tuple[str, ...] = NAMES,
) -> Iterator[Story]:
    """The machines of a story, off, with `medium` on their sticks; the end of it is a power cut for all.

    Fails then if one of them has written to a disk that it has to leave alone, whatever else went wrong.
    """
    needs_root()
    require("xorriso", "qemu-system-x86_64", "qemu-img")
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        network = stack.enter_context(medium.network(folder))
        told = Milestones(show)
        isos = bundle(folder, medium, dns=network.dns)
        told.tell("", f"`bundle` has made {len(isos)} ISOs")
        nodes = {}
        for name in names:
            node = make_node(name, folder / name, isos[name], medium, network=network, milestones=told)
            nodes[name] = node
        stack.callback(_nothing_else_was_written, nodes.values())
        for node in nodes.values():
            stack.enter_context(node.machine)
        yield Story(folder, medium, nodes, told)


def bundle(folder: Path, medium: Medium, *, dns: str = GATEWAY) -> dict[str, Path]:
    """The prepared ISO of each node, made by the command that users run."""
    isos = sorted(bundled(folder, medium, dns=dns).rglob("*.iso"))
    found = {name: iso for name in NAMES for iso in isos if name in iso.name}
    assert sorted(found) == sorted(NAMES), isos
    return found


def bundled(folder: Path, medium: Medium, *options: str, dns: str = GATEWAY) -> Path:
    """The folder that `pmx-cluster-tb bundle` with `options` has filled as it fills a stick."""
    file = write_cluster(folder, medium.release, dns=dns, system_gib=medium.system_gib)
    out = folder / "stick"
    out.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pmx_cluster_tb", "bundle", str(file)]
    ran = subprocess.run(
        [*command, "--iso", str(medium.iso), "--out", str(out), *options],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "builder")},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise MachineFailed(f"`bundle` failed:\n{ran.stdout}{ran.stderr}")
    return out


def make_node(
    name: str, folder: Path, iso: Path, medium: Medium, *, network: Network, milestones: Milestones
) -> Node:
    """The machine `name`, with the ISO on a stick that can be written to."""
    folder.mkdir(parents=True, exist_ok=True)
    stick = Path(copyfile(iso, folder / "stick.img"))
    hardware, parts = make_hardware(name, folder, stick=stick, lan=network.add(name), firmware=FIRMWARE[name])
    if name in BY_VENTOY:
        hardware, parts = behind_ventoy(hardware, parts, folder)
    hardware = medium.inserted(hardware, stick, folder)
    machine = Machine(name, hardware, folder, prefix=network.prefix, listener=milestones.listener(name))
    return Node(machine, parts, {path: sha256(path) for path in (parts.other, parts.stick)})


def _nothing_else_was_written(nodes: Iterable[Node]) -> None:
    changed = {node.name: disks for node in nodes if (disks := changed_disks(node))}
    if changed:
        raise MachineFailed(f"disks that had to stay as they were have changed: {changed}")


def changed_disks(node: Node) -> list[str]:
    """Which of the disks that nothing may write to have changed."""
    return [path.name for path, digest in node.untouched.items() if sha256(path) != digest]


def sha256(path: Path) -> str:
    """Of a disk's size and of its blocks that are not all zero, with their places: it is large and empty."""
    size = path.stat().st_size
    digest = hashlib.sha256(f"{size}\n".encode())
    with path.open("rb") as file:
        for place in _written_blocks(file.fileno(), size):
            block = os.pread(file.fileno(), _BLOCK_BYTES, place)
            if block.count(0) != len(block):
                digest.update(f"{place}\n".encode() + block)
    return digest.hexdigest()


def _written_blocks(file: int, size: int) -> Iterator[int]:
    """Where the blocks of a file begin that are no holes."""
    place = 0
    while place < size:
        try:
            found = os.lseek(file, place, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        place = found - found % _BLOCK_BYTES
        yield place
        place += _BLOCK_BYTES
