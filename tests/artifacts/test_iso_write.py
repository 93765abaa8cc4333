"""Files of prepared ISOs: whole or not there, whatever happens."""

import errno
import fcntl
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts import iso_write
from pmx_cluster_tb.artifacts.iso import Iso
from pmx_cluster_tb.artifacts.iso_image import image_chunks
from pmx_cluster_tb.artifacts.iso_write import UNFINISHED_SUFFIX, write_images
from pmx_cluster_tb.artifacts.private_folder import private_folder
from pmx_cluster_tb.problems import UserError
from pmx_cluster_tb.progress import Progress
from tests.artifacts.iso_images import bytes_of, image_of, written_source

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Iso:
    return written_source(tmp_path / "source.iso")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_file_is_its_image_and_private(source: Iso, tmp_path: Path) -> None:
    images = {tmp_path / f"{mark}.iso": image_of(source, mark.encode()) for mark in "abc"}
    write_images(images)
    for path, image in images.items():
        assert path.read_bytes() == bytes_of(image)
        assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["a.iso", "b.iso", "c.iso", "source.iso"]


def test_no_images_are_no_work() -> None:
    write_images({})


def test_an_older_file_is_replaced(source: Iso, tmp_path: Path) -> None:
    path = tmp_path / "a.iso"
    path.write_bytes(b"older, and " * 1_000_000)
    write_images({path: image_of(source)})
    assert path.read_bytes() == bytes_of(image_of(source))


def test_what_a_killed_run_left_is_written_over(source: Iso, tmp_path: Path) -> None:
    left = tmp_path / f"a.iso{UNFINISHED_SUFFIX}"
    left.write_bytes(b"left" * 2_000_000)
    left.chmod(0o644)
    write_images({tmp_path / "a.iso": image_of(source)})
    assert (tmp_path / "a.iso").read_bytes() == bytes_of(image_of(source))
    assert (tmp_path / "a.iso").stat().st_mode & 0o777 == 0o600
    assert not left.exists()


def test_progress_counts_bytes(source: Iso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iso_write, "_PIECE_BYTES", 1_000_000)
    monkeypatch.setattr(iso_write, "_is_cloned", lambda *_: False)
    told: list[Progress] = []
    write_images({tmp_path / f"{mark}.iso": image_of(source) for mark in "ab"}, told.append)
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 2 * source.size, 2 * source.size)
    assert [one.doing for one in told[:3]] == ["a.iso", "b.iso", "a.iso"]
    assert len(told) > 6


@pytest.mark.parametrize("failing", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, 0])
def test_a_file_system_that_cannot_copy_by_itself(
    failing: int, source: Iso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_arguments: object) -> int:
        if failing:
            raise OSError(failing, os.strerror(failing))
        return 0

    monkeypatch.setattr(os, "copy_file_range", unable)
    write_images({tmp_path / "a.iso": image_of(source)})
    assert (tmp_path / "a.iso").read_bytes() == bytes_of(image_of(source))


def test_a_write_error_leaves_what_was_there(
    source: Iso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.iso").write_bytes(b"older")

    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "copy_file_range", full)
    with pytest.raises(OSError, match="No space left"):
        write_images({tmp_path / f"{mark}.iso": image_of(source) for mark in "ab"})
    assert names(tmp_path) == ["a.iso", "source.iso"]
    assert (tmp_path / "a.iso").read_bytes() == b"older"


def test_ctrl_c_leaves_nothing(source: Iso, tmp_path: Path) -> None:
    def interrupt(_progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_images({tmp_path / "a.iso": image_of(source)}, interrupt)
    assert names(tmp_path) == ["source.iso"]


def test_a_source_that_changes_meanwhile_is_noticed(source: Iso, tmp_path: Path) -> None:
    def change(_progress: Progress) -> None:
        os.utime(source.path, ns=(0, 0))

    with pytest.raises(UserError, match=r"source\.iso` was changed while it was copied"):
        write_images({tmp_path / "a.iso": image_of(source)}, change)
    assert names(tmp_path) == ["source.iso"]
    with pytest.raises(UserError, match="was changed while it was copied"):
        list(image_chunks(image_of(source)))


def test_a_source_that_becomes_shorter_is_noticed(source: Iso, tmp_path: Path) -> None:
    os.truncate(source.path, 100_000)
    with pytest.raises(UserError, match="became shorter"):
        write_images({tmp_path / "a.iso": image_of(source)})
    assert names(tmp_path) == ["source.iso"]


def test_two_runs_do_not_write_one_file(source: Iso, tmp_path: Path) -> None:
    other = tmp_path / f"a.iso{UNFINISHED_SUFFIX}"
    other.write_bytes(b"the other's")
    with other.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UserError, match=r"another run is writing `.*/a\.iso`"):
            write_images({tmp_path / "a.iso": image_of(source)})
    assert other.read_bytes() == b"the other's"


def test_a_symbolic_link_is_not_followed(source: Iso, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / f"a.iso{UNFINISHED_SUFFIX}").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        write_images({tmp_path / "a.iso": image_of(source)})
    assert victim.read_bytes() == b"mine"


WRITER = """
import sys
from pathlib import Path
from pmx_cluster_tb.artifacts import iso_write
from pmx_cluster_tb.artifacts.iso import read_iso
from tests.artifacts.iso_images import image_of
iso_write._PIECE_BYTES = 200_000
iso_write._is_cloned = lambda *_: False
source, folder = map(Path, sys.argv[1:])
print("begins", flush=True)
images = {folder / f"{mark}.iso": image_of(read_iso(source), mark.encode()) for mark in "ab"}
while True:
    iso_write.write_images(images)
"""


def kill_at_random_moments(source: Iso, folder: Path, kills: int) -> int:
    """Kills writers; what has a final name must be whole. Returns how many left unfinished files."""
    chance = random.Random(kills)  # noqa: S311 - when to kill
    whole = {f"{mark}.iso": bytes_of(image_of(source, mark.encode())) for mark in "ab"}
    unfinished = 0
    for _ in range(kills):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, source.path, folder],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": f"{PROJECT / 'builder'}:{PROJECT}", "PYTHONDONTWRITEBYTECODE": "1"},
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"begins\n"
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(chance.uniform(0, 0.2))
            writer.send_signal(signal.SIGKILL)
        there = {path.name: path.read_bytes() for path in folder.glob("*.iso")}
        assert there == {name: whole[name] for name in there}
        unfinished += any(folder.glob(f"*{UNFINISHED_SUFFIX}"))
    return unfinished


@pytest.mark.slow
def test_kills_leave_no_file_that_is_not_whole(source: Iso, tmp_path: Path) -> None:
    _kill(source, tmp_path / "out", 10)


@pytest.mark.full
def test_many_kills_leave_no_file_that_is_not_whole(source: Iso, tmp_path: Path) -> None:
    _kill(source, tmp_path / "out", 50)


def _kill(source: Iso, folder: Path, kills: int) -> None:
    folder.mkdir()
    # else no kill hit a run that was writing
    assert kill_at_random_moments(source, folder, kills) > kills // 5
    write_images({folder / f"{mark}.iso": image_of(source) for mark in "ab"})
    assert names(folder) == ["a.iso", "b.iso"]


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
    program = "import os\nfrom pmx_cluster_tb.artifacts.private_folder import private_folder\n"
    program += "with private_folder() as folder:\n (folder / 'secret').touch()\n os.kill(os.getpid(), 9)\n"
    environment = {"PYTHONPATH": str(PROJECT / "builder"), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-B", "-c", program], env=environment, check=False)
    (left,) = tmp_path.iterdir()
    assert names(left) == ["secret"]
    with private_folder():
        assert not left.exists()
