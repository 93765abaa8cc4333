"""Prepared ISOs on file systems that are full, read-only, or clone blocks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.roots.commands import require
from tests.roots.root import needs_root

pytestmark = pytest.mark.root

PROJECT = Path(__file__).parents[2]
ISO_BYTES = 1_500_000_000
CLONE_SECONDS = 1
"""For an ISO of that size, on a machine that does other things too."""

PREAMBLE = """
import json, os, sys, time
from pathlib import Path
from pmx_cluster_tb.artifacts.iso import write as iso_write
from pmx_cluster_tb.artifacts.iso.read import read_iso
from pmx_cluster_tb.progress import unobserved
from tests.artifacts.iso_images import bytes_of, image_of, written_source
folder = Path(sys.argv[1])

def free():
    status = os.statvfs(folder)
    return status.f_bfree * status.f_bsize

def tell(**facts):
    print(json.dumps(facts))
"""


def on_filesystem(tmp_path: Path, mkfs: list[str], size: int, program: str) -> dict[str, object]:
    """Runs `program` with a new file system mounted, which nobody else sees and which ends with it."""
    needs_root()
    require(mkfs[0], "unshare")
    image, folder = tmp_path / "filesystem", tmp_path / "mounted"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run([*mkfs, image], check=True, capture_output=True)
    script = 'mount -o loop "$1" "$2" && exec "$3" -B -c "$4" "$2"'
    alone = ["unshare", "--mount", "--propagation", "private"]
    ran = subprocess.run(
        [*alone, "sh", "-c", script, "sh", image, folder, sys.executable, PREAMBLE + program],
        env={"PYTHONPATH": f"{PROJECT / 'builder'}:{PROJECT}", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, object] = json.loads(ran.stdout)
    return told


def test_blocks_are_cloned_within_a_second(tmp_path: Path) -> None:
    told = on_filesystem(
        tmp_path,
        ["mkfs.xfs", "-q", "-m", "reflink=1"],
        2 * ISO_BYTES,
        f"""
path = written_source(folder / "source.iso").path
with path.open("r+b") as file:
    # blocks as real ones, which take no time to write
    os.posix_fallocate(file.fileno(), 0, {ISO_BYTES})
source = read_iso(path)
os.sync()
before, seconds = free(), []
for mark in "abc":
    began = time.monotonic()
    iso_write.write_image(image_of(source, mark.encode()), folder / f"{{mark}}.iso", unobserved, "")
    seconds.append(time.monotonic() - began)
with (folder / "a.iso").open("rb") as file:
    file.seek(source.size - 10)
    tail = file.read(20).hex()
tell(seconds=min(seconds), used=before - free(), size=source.size, tail=tail)
""",
    )
    assert told["size"] == ISO_BYTES
    assert told["tail"] == (bytes(10) + b"a" * 10).hex()
    assert isinstance(told["used"], int)
    assert told["used"] < 10_000_000
    assert isinstance(told["seconds"], float)
    assert told["seconds"] < CLONE_SECONDS


def test_cloned_files_are_their_images(tmp_path: Path) -> None:
    told = on_filesystem(
        tmp_path,
        ["mkfs.xfs", "-q", "-m", "reflink=1"],
        320_000_000,
        """
source = written_source(folder / "source.iso")
image = image_of(source)
def cloned(*arguments):
    tell(cloned=genuine(*arguments), whole=True)
    return True
genuine, iso_write._is_cloned = iso_write._is_cloned, cloned
iso_write.write_image(image, folder / "a.iso", unobserved, "")
assert (folder / "a.iso").read_bytes() == bytes_of(image)
assert source.path.stat().st_size == source.size
""",
    )
    assert told == {"cloned": True, "whole": True}


@pytest.mark.parametrize(("trouble", "message"), [("full", "No space left"), ("read-only", "Read-only")])
def test_a_file_system_that_takes_no_more(trouble: str, message: str, tmp_path: Path) -> None:
    told = on_filesystem(
        tmp_path,
        ["mkfs.ext4", "-q", "-m", "0"],
        12_000_000,
        f"""
source = written_source(folder / "source.iso")
if {trouble == "read-only"}:
    assert os.system(f"mount -o remount,ro '{{folder}}'") == 0
try:
    for mark in "abc":
        iso_write.write_image(image_of(source), folder / f"{{mark}}.iso", unobserved, "")
except OSError as error:
    tell(error=error.strerror)
""",
    )
    assert str(told["error"]).startswith(message)
