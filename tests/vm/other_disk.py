"""Whether a machine on overlays has left its other disks alone: the files below them change in no case."""

import subprocess

from pmx_cluster_tb.machines.hardware import Disk, Hardware
from tests.vm.story import Node


def changed_over(before: Hardware, node: Node) -> list[str]:
    """The serials of the disks but the target that differ from those in `before`, over which they lie."""
    pairs = zip(before.disks, node.machine.hardware.disks, strict=False)
    return [old.serial for old, new in pairs if old.file != node.parts.target and not is_same(old, new)]


def is_same(old: Disk, new: Disk) -> bool:
    """Whether a machine would read the same from both."""
    formats = ["-f", old.image, "-F", new.image]
    ran = subprocess.run(["qemu-img", "compare", "-q", *formats, old.file, new.file], check=False)
    if ran.returncode > 1:
        ran.check_returncode()
    return ran.returncode == 0
