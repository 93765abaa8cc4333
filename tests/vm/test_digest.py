"""Digests of disks that are large and empty."""

from pathlib import Path

from tests.vm.story import sha256

GIB = 1024**3


def write(path: Path, *places: int) -> Path:
    """A sparse disk with a byte at each of the places."""
    with path.open("wb") as file:
        file.truncate(64 * GIB)
        for place in places:
            file.seek(place)
            file.write(b"x")
    return path


def test_a_byte_that_is_written_shows(tmp_path: Path) -> None:
    disk = write(tmp_path / "disk", 0, 64 * GIB - 1)
    before = sha256(disk)
    with disk.open("r+b") as file:
        file.seek(32 * GIB)
        file.write(b"x")
    assert sha256(disk) != before
    assert sha256(write(tmp_path / "moved", 1, 64 * GIB - 1)) != before


def test_zeros_are_as_good_as_holes(tmp_path: Path) -> None:
    disk = write(tmp_path / "disk", 7 * GIB)
    before = sha256(disk)
    with disk.open("r+b") as file:
        file.seek(7 * GIB - 9 * 1024**2)
        file.write(bytes(5 * 1024**2))
        file.seek(9 * GIB)
        file.write(b"\0")
    assert sha256(disk) == before


def test_the_size_shows(tmp_path: Path) -> None:
    disk = write(tmp_path / "disk")
    before = sha256(disk)
    with disk.open("r+b") as file:
        file.truncate(32 * GIB)
    assert sha256(disk) != before
