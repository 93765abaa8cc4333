"""Files of prepared ISOs, and the private folder that they are made in."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.iso import write as iso_write
from pmx_cluster_tb.artifacts.iso.image import image_chunks
from pmx_cluster_tb.artifacts.iso.private_folder import private_folder
from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.iso.write import write_image
from pmx_cluster_tb.problems import UserError
from pmx_cluster_tb.progress import Progress, unobserved
from tests.artifacts.iso_images import bytes_of, image_of, written_source

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Iso:
    return written_source(tmp_path / "source.iso")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_the_image_and_private(source: Iso, tmp_path: Path) -> None:
    path, image = tmp_path / "a.iso", image_of(source)
    before = source.path.read_bytes()
    write_image(image, path, unobserved, "")
    assert path.read_bytes() == bytes_of(image)
    assert path.stat().st_mode & 0o777 == 0o600
    assert source.path.read_bytes() == before


@pytest.mark.parametrize("there", ["file", "link"])
def test_what_is_there_is_not_written_to(there: str, source: Iso, tmp_path: Path) -> None:
    path, other = tmp_path / "a.iso", tmp_path / "other"
    other.write_bytes(b"mine")
    if there == "link":
        path.symlink_to(other)
    else:
        path.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        write_image(image_of(source), path, unobserved, "")
    assert path.read_bytes() == other.read_bytes() == b"mine"


def test_progress_counts_bytes(source: Iso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iso_write, "_PIECE_BYTES", 1_000_000)
    monkeypatch.setattr(iso_write, "_is_cloned", lambda *_: False)
    told: list[Progress] = []
    image = image_of(source)
    write_image(image, tmp_path / "a.iso", told.append, "writing a.iso")
    assert [one.done for one in told] == [0, 1_000_000, 2_000_000, 3_000_000, source.size, image.size]
    assert {one.total for one in told} == {image.size}
    assert [one.doing for one in told] == ["writing a.iso"] * 5 + [""]


def test_what_was_copied_is_synced_on_the_way(
    source: Iso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iso_write, "_PIECE_BYTES", 500_000)
    monkeypatch.setattr(iso_write, "_SYNCED_BYTES", 1_000_000)
    monkeypatch.setattr(iso_write, "_is_cloned", lambda *_: False)
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    image = image_of(source)
    write_image(image, tmp_path / "a.iso", unobserved, "")
    assert synced == [1_000_000, 2_000_000, 3_000_000, image.size]


@pytest.mark.parametrize("failing", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, 0])
def test_a_file_system_that_cannot_copy_by_itself(
    failing: int, source: Iso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_arguments: object) -> int:
        if failing:
            raise OSError(failing, os.strerror(failing))
        return 0

    monkeypatch.setattr(os, "copy_file_range", unable)
    monkeypatch.setattr(iso_write, "_is_cloned", lambda *_: False)
    write_image(image_of(source), tmp_path / "a.iso", unobserved, "")
    assert (tmp_path / "a.iso").read_bytes() == bytes_of(image_of(source))


def test_a_source_that_changes_meanwhile_is_noticed(source: Iso, tmp_path: Path) -> None:
    def change(_progress: Progress) -> None:
        os.utime(source.path, ns=(0, 0))

    with pytest.raises(UserError, match=r"source\.iso` was changed while it was copied"):
        write_image(image_of(source), tmp_path / "a.iso", change, "")
    with pytest.raises(UserError, match="was changed while it was copied"):
        list(image_chunks(image_of(source)))


def test_a_source_that_becomes_shorter_is_noticed(
    source: Iso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iso_write, "_is_cloned", lambda *_: False)
    os.truncate(source.path, 100_000)
    with pytest.raises(UserError, match="became shorter"):
        write_image(image_of(source), tmp_path / "a.iso", unobserved, "")


def test_a_private_folder_is_private_and_gone_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with private_folder() as folder:
        (folder / "secret").write_text("x")
        assert folder.stat().st_mode & 0o777 == 0o700
        with private_folder() as other:
            assert other != folder
        assert (folder / "secret").exists()
    assert names(tmp_path) == []


def test_private_folders_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = "import os\nfrom pmx_cluster_tb.artifacts.iso.private_folder import private_folder\n"
    program += "with private_folder() as folder:\n (folder / 'secret').touch()\n os.kill(os.getpid(), 9)\n"
    environment = {"PYTHONPATH": str(PROJECT / "builder"), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-B", "-c", program], env=environment, check=False)
    (left,) = tmp_path.iterdir()
    assert names(left) == ["secret"]
    with private_folder():
        assert not left.exists()
