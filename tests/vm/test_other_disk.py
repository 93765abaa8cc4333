"""A disk below an overlay, compared with what a machine sees."""

from pathlib import Path

import pytest

from pmx_cluster_tb.machines.hardware import Bus, Disk
from pmx_cluster_tb.machines.images import overlay
from tests.roots.commands import require, run
from tests.vm.kept_disks import write_other_disk
from tests.vm.other_disk import is_same


@pytest.mark.tools
def test_one_byte_that_was_written_over_an_overlay(tmp_path: Path) -> None:
    require("qemu-img")
    write_other_disk(tmp_path / "other.img", "pve1")
    old = Disk(file=tmp_path / "other.img", bus=Bus.SATA, serial="S1")
    new = overlay(old, tmp_path / "overlay.qcow2")
    assert is_same(old, new)
    # qemu-img's neighbour in Debian's qemu-utils
    run(["qemu-io", "-f", "qcow2", "-c", "write -P 1 100000000 1", str(new.file)])
    assert not is_same(old, new)
