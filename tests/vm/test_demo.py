"""The demonstration, where it cannot begin: what it says, and that it leaves nothing behind."""

import sys
import tempfile
from pathlib import Path

import pytest

from tests.vm import demo
from tests.vm import medium as media
from tests.vm.words import STAND_IN


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where new folders would go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def begun(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit status with `arguments`."""
    monkeypatch.setattr(sys, "argv", ["demo", *arguments])
    return demo.main()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A medium that is there, but is none."""
    made = media.Medium(
        iso=tmp_path / "none.iso",
        release="8.4",
        words=STAND_IN,
        network=lambda _: pytest.fail("a story has begun"),
        newest_kernel=None,
        by_loader=False,
        memory_mib=1024,
        system_gib=16,
    )
    monkeypatch.setattr(demo, "medium", lambda _: made)


@pytest.mark.parametrize("content", [None, b"", b"a list of things to buy"], ids=["none", "empty", "text"])
def test_what_is_no_iso(
    content: bytes | None,
    temporary: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    iso = tmp_path / "proxmox-ve_9.2-1.iso"
    if content is not None:
        iso.write_bytes(content)
    monkeypatch.setenv("PMX_ISO", str(iso))
    monkeypatch.setattr(media, "_GENUINE", str(iso))
    assert begun(monkeypatch) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.startswith(f"error: `{iso}`")) == ("", True)
    assert "hint: " in said.err
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("place", ["file", "file/below"])
def test_folder_that_cannot_be_one(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert begun(monkeypatch, "trixie", str(tmp_path / place)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"\nerror: cannot write to `{tmp_path / place}`: " in said.err
    assert "hint: " in said.err


@pytest.mark.usefixtures("stand_in")
def test_folder_in_the_checkout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What is given relative to where somebody stands would be made elsewhere."""
    assert begun(monkeypatch, "trixie", "some-story") == 2
    said = capsys.readouterr()
    assert (said.out, "`some-story`: must be an absolute path" in said.err) == ("", True)
    assert 'hint: `tests/run python -m tests.vm.demo trixie "$PWD"/some-story`' in said.err
    assert not Path("some-story").exists()


@pytest.mark.usefixtures("stand_in")
def test_full_folder(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "_NEEDED_GIB", 10**9)
    assert begun(monkeypatch) == 2
    assert f"error: `{temporary}` has " in capsys.readouterr().err
    assert list(temporary.iterdir()) == []
