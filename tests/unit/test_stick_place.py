"""Where a bundle may be written to, and whether it fits."""

import os
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.stick import place as stick_place
from pmx_cluster_tb.artifacts.stick.place import Mount, Stick, linux_mounts, macos_mounts, mount_of, stick_at
from pmx_cluster_tb.artifacts.stick.space import FAT_LARGEST_BYTES, Write, peak_bytes, require_room
from pmx_cluster_tb.problems import BadInput

LINUX = """\
/dev/nvme0n1p2 / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw,nosuid,nodev,size=3270636k,mode=755 0 0
/dev/sdb1 /media/me/Ven\\040toy exfat rw,nosuid,nodev,relatime,uid=1000 0 0
/dev/sdc1 /mnt vfat rw 0 0
/dev/sdd1 /mnt fuseblk rw 0 0
"""
MACOS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
/dev/disk4s1 on /Volumes/Ventoy (exfat, local, nodev, nosuid, noowners)
/dev/disk5s1 on /Volumes/on (old) (msdos, local, nodev, nosuid, noowners)
"""


@pytest.mark.parametrize(
    ("path", "device", "kind"),
    [
        ("/home/me", "/dev/nvme0n1p2", "ext4"),
        ("/media/me/Ven toy", "/dev/sdb1", "exfat"),
        ("/media/me/Ven toy/folder", "/dev/sdb1", "exfat"),
        ("/media/me/Ven", "/dev/nvme0n1p2", "ext4"),
        ("/mnt/a", "/dev/sdd1", "fuseblk"),
    ],
)
def test_mounts_of_linux(path: str, device: str, kind: str) -> None:
    mount = mount_of(Path(path), linux_mounts(LINUX))
    assert mount
    assert (mount.device, mount.kind) == (device, kind)


@pytest.mark.parametrize(
    ("path", "device", "kind"),
    [
        ("/Volumes/Ventoy", "/dev/disk4s1", "exfat"),
        ("/Volumes/on (old)/x", "/dev/disk5s1", "msdos"),
        ("/Users/me", "/dev/disk3s1s1", "apfs"),
    ],
)
def test_mounts_of_macos(path: str, device: str, kind: str) -> None:
    mount = mount_of(Path(path), macos_mounts(MACOS))
    assert mount
    assert (mount.device, mount.kind) == (device, kind)


def test_nothing_is_mounted_at_all() -> None:
    assert mount_of(Path("/a"), []) is None


def test_the_work_tree_of_git_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"is in the work tree of git at `.*`, where hashes"):
        stick_at(tmp_path / "a" / "b")


def test_a_folder_that_may_not_be_searched_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may do everything
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == tmp_path and mode & os.X_OK))
    with pytest.raises(BadInput, match=f"cannot read `{tmp_path}`: Permission denied"):
        stick_at(tmp_path)


def test_the_partition_of_ventoy_itself_is_refused(tmp_path: Path) -> None:
    for name in ("EFI/BOOT/grubx64_real.efi", "ventoy/ventoy.cpio"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    with pytest.raises(BadInput, match="is Ventoy's own partition, which an update of Ventoy rewrites"):
        stick_at(tmp_path)


@pytest.mark.parametrize(
    ("point", "seen"), [("/media/me/Ventoy", True), ("/Volumes/Ventoy 1", True), ("/mnt", False)]
)
def test_ventoy_is_seen_by_the_name_of_its_partition(
    point: str, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stick_place, "_disk", lambda _: None)
    assert stick_place.is_ventoy(Mount("/dev/sdb1", Path(point), "exfat")) is seen


@pytest.mark.parametrize(("device", "seen"), [("/dev/sdb1", True), ("/dev/sdc1", False)])
def test_ventoy_is_seen_by_its_other_partition(
    device: str, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = {
        "sdb1": Path("/sys/block/sdb"),
        "VTOYEFI": Path("/sys/block/sdb"),
        "sdc1": Path("/sys/block/sdc"),
    }
    monkeypatch.setattr(stick_place, "_disk", lambda path: disks[path.name])
    assert stick_place.is_ventoy(Mount(device, Path("/mnt"), "exfat")) is seen


def test_a_folder_of_a_ventoy_stick_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    mount = Mount("/dev/sdb1", tmp_path, "exfat")
    monkeypatch.setattr(stick_place, "mounts", lambda: [mount])
    monkeypatch.setattr(stick_place, "is_ventoy", lambda _: True)
    assert stick_at(tmp_path).is_ventoy
    with pytest.raises(BadInput, match="is a folder of a Ventoy stick") as raised:
        stick_at(tmp_path / "folder")
    assert raised.value.hint == f"`--out {tmp_path}`"


@pytest.mark.parametrize(
    ("writes", "peak"),
    [
        ([], 0),
        ([Write("a", 100)], 4096),
        ([Write("a", 4096), Write("b", 4097)], 12288),
        # each new one is there beside the one that it replaces, one after the other
        ([Write("a", 8192, 8192), Write("b", 8192, 8192)], 8192),
        ([Write("a", 8192, 4096), Write("b", 8192, 4096)], 12288),
    ],
)
def test_how_much_is_in_use_at_most(writes: list[Write], peak: int) -> None:
    assert peak_bytes(writes, 4096) == peak


@pytest.mark.parametrize(("kind", "refused"), [("vfat", True), ("msdos", True), ("exfat", False)])
def test_fat_holds_no_file_of_4_gib(tmp_path: Path, kind: str, refused: bool) -> None:
    stick = Stick(path=tmp_path, mount=Mount("/dev/sdb1", tmp_path, kind), is_ventoy=True)
    assert stick.is_fat is refused
    require_room(stick, [Write("a", 4096)])
    if refused:
        with pytest.raises(BadInput, match=r"`a` would have 4\.29 GB, and .* is FAT, which holds no file of"):
            require_room(stick, [Write("a", FAT_LARGEST_BYTES + 1)])
