"""Disks that nothing may write to, as machines of people have them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.roots.commands import require, run

# large enough for the installer to take either
_BYTES = 64 * 1024**3
_MIB = 1024**2
_FILESYSTEM = "256M"

_OTHER = "label: gpt\nstart=2048, size=524288, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4\n"
# Ventoy's layout: the partition with the ISOs, and the one with its programs at the end
_VENTOY = (
    f"label: dos\nstart=2048, size={_BYTES // 512 - 2048 - 65536}, type=7, bootable\nsize=65536, type=ef\n"
)


def write_other_disk(path: Path, name: str) -> None:
    """A disk of somebody on the node `name`, with data in a file system and at its end.

    Its journal is not clean: whoever mounts it writes to it, even for reading only.
    """
    require("debugfs", "mkfs.ext4", "sfdisk")
    content = f"the data of somebody on {name} ".encode()
    block = (content * (_MIB // len(content) + 1))[:_MIB]
    with path.open("wb") as file:
        # before the second partition table, which is the disk's last 17 KiB
        file.seek(_BYTES - 2 * _MIB)
        file.write(block)
        file.truncate(_BYTES)
    run(["sfdisk", "--quiet", str(path)], stdin=_OTHER)
    with TemporaryDirectory() as folder:
        (Path(folder) / "data").write_bytes(block)
        quiet = ["-q", "-F", "-E", f"offset={_MIB}", "-d", folder]
        run(["mkfs.ext4", *quiet, str(path), _FILESYSTEM])
    run(["debugfs", "-w", "-R", "feature needs_recovery", f"{path}?offset={_MIB}"])


def write_ventoy_stick(path: Path) -> None:
    """A stick as Ventoy partitions it; the installer takes it for a disk like others."""
    require("sfdisk")
    with path.open("wb") as file:
        file.seek(_MIB)
        file.write(b"what is on a stick " * 1000)
        file.truncate(_BYTES)
    run(["sfdisk", "--quiet", str(path)], stdin=_VENTOY)
