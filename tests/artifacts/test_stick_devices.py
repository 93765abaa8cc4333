"""Bundles on real file systems: exFAT, FAT, one that is full, and some that do not do what they are told."""

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.stick import readback as stick_readback
from pmx_cluster_tb.artifacts.stick import write as stick_module
from pmx_cluster_tb.artifacts.stick.files import TEMPORARY_SUFFIX, NotAsWritten
from pmx_cluster_tb.artifacts.stick.place import stick_at
from pmx_cluster_tb.artifacts.stick.wipe import wipe_bundles
from pmx_cluster_tb.plan.bundle import Layout
from pmx_cluster_tb.problems import BadInput, UserError
from tests.artifacts.sticks import (
    appended_images,
    asked_bundle,
    changed_plan,
    content_of,
    source_iso,
    write,
)
from tests.roots.commands import require, run
from tests.roots.root import needs_root
from tests.roots.waiting import wait_for

pytestmark = pytest.mark.root

FAULTY_STICK = Path(__file__).with_name("faulty_stick.py")
DEBIANS_PYTHON = "/usr/bin/python3"
SOURCE_BYTES = 5_000_000


@pytest.fixture(autouse=True)
def without_xorriso(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_root()
    monkeypatch.setattr(stick_module, "prepared_images", appended_images)


@pytest.fixture
def iso(tmp_path: Path) -> Iso:
    return source_iso(tmp_path, SOURCE_BYTES)


@contextmanager
def loop_device(image: Path) -> Iterator[str]:
    device = run(["losetup", "--find", "--show", str(image)]).stdout.strip()
    try:
        yield device
    finally:
        run(["losetup", "--detach", device])


@contextmanager
def mounted(point: Path, *command: str) -> Iterator[Path]:
    point.mkdir(exist_ok=True)
    run([*command, str(point)])
    try:
        yield point
    finally:
        run(["umount", str(point)])


def image_of(path: Path, mebibytes: int) -> Path:
    with path.open("xb") as file:
        file.truncate(mebibytes * 1024**2)
    return path


def test_exfat(iso: Iso, tmp_path: Path) -> None:
    """Written, renewed, written in the other layout and wiped, with the stick pulled out and in between."""
    require("mkfs.exfat", "mount.exfat-fuse", "losetup")
    image, point = image_of(tmp_path / "image", 64), tmp_path / "stick"
    run(["mkfs.exfat", "-L", "Ventoy", str(image)])
    with loop_device(image) as device:
        bundles = [
            asked_bundle(iso),
            asked_bundle(iso, plan=changed_plan("pve2"), renewed="pve2"),
            asked_bundle(iso, Layout.SHARED),
        ]
        for bundle in bundles:
            with mounted(point, "mount.exfat-fuse", device):
                manifest = write(bundle, point).manifest
            with mounted(point, "mount.exfat-fuse", device):
                there = content_of(point)
            listed = {one.path: one.sha256 for one in manifest.isos}
            listed |= {one.path: one.sha256 for one in manifest.files}
            assert listed == {path: sha256(there.get(path, b"")).hexdigest() for path in listed}
            run(["fsck.exfat", "-n", str(image)])
        with mounted(point, "mount.exfat-fuse", device):
            wipe_bundles(point)
            assert list(point.iterdir()) == []


def test_fat(iso: Iso, tmp_path: Path) -> None:
    """All names and contents of a bundle come back from a FAT32 file system."""
    require("mformat", "mcopy")
    image, point = image_of(tmp_path / "image", 300), tmp_path / "stick"
    run(["mformat", "-i", str(image), "-F", "::"])
    for layout in Layout:
        write(asked_bundle(iso, layout), point)
    there = content_of(point)
    run(["mcopy", "-s", "-i", str(image), *map(str, sorted(point.iterdir())), "::"])
    back = tmp_path / "back"
    back.mkdir()
    run(["mcopy", "-s", "-n", "-i", str(image), "::*", str(back)])
    assert content_of(back) == there


def test_a_stick_that_becomes_full(iso: Iso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("mkfs.ext4", "losetup")
    image, point = image_of(tmp_path / "image", 12), tmp_path / "stick"
    run(["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", str(image)])
    with loop_device(image) as device, mounted(point, "mount", device):
        lost = {path.name for path in point.iterdir()}
        with pytest.raises(BadInput, match=r"has 1\d\.\d MB free, and 1\d\.\d MB are needed"):
            write(asked_bundle(iso), point)
        assert {path.name for path in point.iterdir()} == lost
        # as if somebody else filled it meanwhile
        monkeypatch.setattr(stick_module, "require_room", lambda *_: None)
        with pytest.raises(UserError, match="No space left on device"):
            write(asked_bundle(iso), point)
        assert len([path for path in content_of(point) if "_VTNORMAL" in path]) == 2
        assert [path for path in content_of(point) if path.endswith(TEMPORARY_SUFFIX)] == []
        wipe_bundles(point)
        assert {path.name for path in point.iterdir()} == lost


@contextmanager
def faulty_stick(folder: Path, fault: str) -> Iterator[Path]:
    """A stick with a fault, whose content is in `folder/content`; the kernel keeps what it was given."""
    content, point = folder / "content", folder / "stick"
    for path in (content, point):
        path.mkdir(exist_ok=True)
    argv = [DEBIANS_PYTHON, str(FAULTY_STICK), str(content), fault, str(point), "-f", "-o", "kernel_cache"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as server:
        try:
            wait_for("mounted stick", lambda: point.is_mount() or server.poll() is not None, seconds=30)
            assert server.poll() is None, (
                f"{server.stderr and server.stderr.read()}\napt-get install python3-fuse"
            )
            yield point
        finally:
            run(["umount", "--lazy", str(point)], check=False)
            # namespaces that were made meanwhile keep it mounted
            server.terminate()
            server.wait(30)


@pytest.mark.parametrize("direct", [True, False], ids=["past the cache", "from an emptied cache"])
def test_a_corrupted_byte_is_found(
    iso: Iso, tmp_path: Path, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not direct:
        monkeypatch.setattr(stick_readback, "_DIRECT", 0)
    with faulty_stick(tmp_path, "corrupt") as point:
        with pytest.raises(NotAsWritten, match="does not read back as it was written"):
            write(asked_bundle(iso), point)
        assert [path for path in content_of(tmp_path / "content") if path.endswith("_VTNORMAL.iso")] == []


def test_only_a_read_past_the_cache_finds_it(iso: Iso, tmp_path: Path) -> None:
    """The fault is of the medium: without forgetting, the kernel gives back what it was given."""
    with faulty_stick(tmp_path, "corrupt") as point:
        content = iso.path.read_bytes()
        (point / "file").write_bytes(content)
        assert (point / "file").read_bytes() == content
        wanted = sha256(content).hexdigest()
        assert stick_readback.sha256_on_medium(point / "file", lambda _: None, "") != wanted


@pytest.mark.parametrize("attempt", range(3))
def test_a_stick_that_fails(iso: Iso, tmp_path: Path, attempt: int) -> None:
    written = random.randrange(1, 3 * SOURCE_BYTES)  # noqa: S311 - no secret
    print(f"attempt {attempt}: fails after {written} bytes")
    with faulty_stick(tmp_path, f"eio:{written}") as point:
        with pytest.raises(UserError, match=r"cannot write .*: Input/output error") as raised:
            write(asked_bundle(iso), point)
        assert "the stick was pulled out, or it is broken" in raised.value.hint
        assert [path for path in content_of(tmp_path / "content") if path.endswith(TEMPORARY_SUFFIX)] == []
    with faulty_stick(tmp_path, "none") as point:
        manifest = write(asked_bundle(iso), point).manifest
        there = content_of(tmp_path / "content")
        assert [one.path for one in manifest.isos if sha256(there[one.path]).hexdigest() != one.sha256] == []


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        ("full:7000000", "No space left on device", "take a larger one"),
        ("largest:4000000", "File too large", "FAT32 holds no file of 4 GiB"),
    ],
)
def test_what_a_stick_refuses(iso: Iso, tmp_path: Path, fault: str, message: str, hint: str) -> None:
    with faulty_stick(tmp_path, fault) as point:
        with pytest.raises(UserError, match=message) as raised:
            write(asked_bundle(iso), point)
        assert hint in raised.value.hint
        there = content_of(tmp_path / "content")
        assert [path for path in there if path.endswith(TEMPORARY_SUFFIX)] == []
        assert all(len(content) > SOURCE_BYTES for path, content in there.items() if "VTNORMAL" in path)


def test_the_type_of_a_mounted_stick_is_known(tmp_path: Path) -> None:
    with faulty_stick(tmp_path, "none") as point:
        stick = stick_at(point)
        assert stick.mount
        assert (stick.mount.point, stick.mount.kind) == (point, "fuse.faulty_stick.py")
        assert not stick.is_fat
