"""`iso`: three ISOs prepared, and a whole bundle of them, against copying them and the assistant's procedure.

The ISOs are of the size and layout of the genuine one. Outputs are removed and the disk is idle before each
run; each run ends with its bytes on the disk.
"""

import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pmx_cluster_tb.artifacts.iso.image import prepared_images
from pmx_cluster_tb.artifacts.iso.read import Iso, read_iso
from pmx_cluster_tb.artifacts.iso.write import write_image
from pmx_cluster_tb.plan.bundle import Layout
from pmx_cluster_tb.progress import unobserved
from tests.bench.measure import Sample, Subject, by_turns, summary, timed_call
from tests.bench.report import Finding, Group, ratio
from tests.bench.stick import NODES, sticks, write_anew
from tests.isos import make_iso, proxmox_files

ROUNDS = 5
ISO_BYTES = 1_500_000_000
ISOS = 3

BUNDLE = "bundle of three nodes, read back"
OURS, PLAIN, ASSISTANT = "prepare three ISOs", "cp --reflink=never, sync", "the assistant's procedure"
XORRISO, CLONED = "xorriso's share of it", "prepare three ISOs, blocks cloned"
_MIB = 1024 * 1024
_XFS = ("mkfs.xfs", "-q", "-m", "reflink=1")
_EXT4 = ("mkfs.ext4", "-q", "-m", "0")
_FILES = {
    "answer.toml": b"# an answer\n" * 100,
    "auto-installer-mode.toml": b'mode = "iso"\n',
    "proxmox-first-boot": os.urandom(150_000),
}


def benchmark(
    rounds: int = ROUNDS, iso_bytes: int = ISO_BYTES, nodes: tuple[int, ...] = NODES
) -> tuple[Group, ...]:
    """Measures everything; `nodes` are the sizes of clusters. Needs root, to mount file systems."""
    with TemporaryDirectory(prefix="pmx-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        source = _source(folder, iso_bytes)
        return (
            _copies(folder, source, rounds),
            _clones(folder, source, rounds),
            sticks(source, partial(_mounted, folder, _EXT4), nodes),
        )


def _source(folder: Path, iso_bytes: int) -> Iso:
    noise = folder / "noise"
    with noise.open("wb") as file:
        for _ in range(iso_bytes // _MIB):
            file.write(os.urandom(_MIB))
    iso = make_iso({**proxmox_files(), "pve-base.squashfs": noise}, folder / "source.iso")
    noise.unlink()
    return read_iso(iso)


def _copies(folder: Path, source: Iso, rounds: int) -> Group:
    shares: list[Sample] = []
    subjects = {
        OURS: partial(_fresh, folder, lambda out: _prepare(source, out, shares)),
        PLAIN: partial(_fresh, folder, lambda out: _copy(source, out)),
        BUNDLE: partial(_fresh, folder, lambda out: write_anew(source, Layout.SEPARATE, ISOS, out)),
        ASSISTANT: partial(_fresh, folder, lambda out: _as_the_assistant(source, out)),
    }
    samples = by_turns(subjects, rounds)
    samples[XORRISO] = shares[1:]
    summaries = tuple(summary(what, "wall", runs) for what, runs in samples.items())
    return Group(
        f"{ISOS} ISOs of {source.size / 1e9:.1f} GB",
        summaries,
        (ratio(summaries, OURS, PLAIN, "wall"), ratio(summaries, OURS, ASSISTANT, "wall")),
        tuple(
            Finding(f"{what} : plain copies, median of pairs", _median_of_pairs(samples, what), "")
            for what in (OURS, BUNDLE)
        ),
    )


def _median_of_pairs(samples: Mapping[str, list[Sample]], what: str) -> float:
    pairs = zip(samples[what], samples[PLAIN], strict=True)
    return statistics.median(ours.wall_s / plain.wall_s for ours, plain in pairs)


def _clones(folder: Path, source: Iso, rounds: int) -> Group:
    with _mounted(folder, _XFS, 2 * source.size) as mounted:
        there = mounted / "source.iso"
        shutil.copyfile(source.path, there)
        cloned = read_iso(there)
        subjects: Mapping[str, Subject] = {
            CLONED: partial(_fresh, mounted, lambda out: _prepare(cloned, out, []))
        }
        samples = by_turns(subjects, rounds)
    summaries = tuple(summary(what, "wall", runs) for what, runs in samples.items())
    each = Finding("an ISO", summaries[0].median_ms / ISOS, "ms")
    return Group("the same where the file system clones blocks (xfs)", summaries, findings=(each,))


def _fresh(folder: Path, work: Callable[[Path], None]) -> Sample:
    """Times `work` in a new folder, when nothing is left to write."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    os.sync()
    return timed_call(lambda: work(out))


def _prepare(source: Iso, out: Path, shares: list[Sample]) -> None:
    began = time.perf_counter()
    images = prepared_images(source, [_FILES] * ISOS)
    shares.append(Sample(time.perf_counter() - began, 0))
    for number, image in enumerate(images):
        write_image(image, out / f"{number}.iso", unobserved, "")


def _copy(source: Iso, out: Path) -> None:
    for number in range(ISOS):
        _run("cp", "--reflink=never", source.path, out / f"{number}.iso")
    _run("sync")


def _as_the_assistant(source: Iso, out: Path) -> None:
    """A copy, a look for its UUID, and a run of xorriso for each file, which syncs what it writes."""
    for number in range(ISOS):
        copy = out / f"{number}.iso"
        _run("cp", "--reflink=never", source.path, copy)
        _run("xorriso", "-dev", copy, "-report_system_area", "cmd")
        for name, content in _FILES.items():
            file = out / "file"
            file.write_bytes(content)
            options = ("-boot_image", "any", "keep", "-volume_date", "uuid", source.volume.modified)
            _run("xorriso", *options, "-dev", copy, "-map", file, f"/{name}")


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def _mounted(folder: Path, mkfs: tuple[str, ...], size: int) -> Iterator[Path]:
    """A new file system in a file, with room for more than `size` bytes."""
    image, mounted = folder / "filesystem", folder / "mounted"
    mounted.mkdir(exist_ok=True)
    with image.open("wb") as file:
        file.truncate(size + 400 * _MIB)
    _run(*mkfs, image)
    _run("mount", "-o", "loop", image, mounted)
    try:
        yield mounted
    finally:
        _run("umount", mounted)
        image.unlink()
