"""A stick that is read back: as it was written, and with each kind of difference."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.inspect import inspect_artifact
from pmx_cluster_tb.artifacts.inspected import InspectedBundle, InspectedStick
from pmx_cluster_tb.artifacts.stick.files import NotAsWritten
from pmx_cluster_tb.artifacts.stick.write import write_bundle
from pmx_cluster_tb.problems import BadInput, UserError
from pmx_cluster_tb.progress import Progress
from pmx_cluster_tb.view.inspected_text import inspected_text
from tests.artifacts.sticks import FOLDER, asked_bundle, plain, source_iso, use_memory_only, write

ISO = f"{FOLDER}/pmx-pvc1_pve2_proxmox-ve_9.2-1_VTNORMAL.iso"


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_memory_only(monkeypatch)
    write(asked_bundle(source_iso(tmp_path)), tmp_path / "stick")
    return tmp_path / "stick"


def only_bundle(path: Path) -> InspectedBundle:
    """The one bundle that `path` is, or has."""
    inspected = inspect_artifact(path)
    assert isinstance(inspected, InspectedStick)
    (bundle,) = inspected.bundles
    return bundle


def said(path: Path) -> list[str]:
    """What `inspect` says of it."""
    return [str(line) for line in inspected_text(inspect_artifact(path), show_secrets=False)]


@pytest.mark.parametrize("path", [".", FOLDER, f"{FOLDER}/manifest.json"])
def test_a_stick_as_it_was_written(stick: Path, path: str) -> None:
    assert only_bundle(stick / path).is_as_written
    assert said(stick / path)[0] == "bundle pmx-pvc1/: cluster pvc1, Proxmox VE 9.2-1, layout separate"
    assert said(stick / path)[-1] == "all 7 files are there as they were written"


def test_a_pipe_in_place_of_a_file_is_not_read(stick: Path) -> None:
    (stick / ISO).unlink()
    os.mkfifo(stick / ISO)
    assert only_bundle(stick).missing == (ISO,)


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)


NEXT = "next: run the same command as when it was made; it writes only what is not in order"
DIFFERENCES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda stick: (stick / ISO).unlink(), f"{ISO} is missing"),
    "changed": (lambda stick: change(stick / ISO), f"{ISO} is not as it was written"),
    "unnamed": (
        lambda stick: (stick / "ventoy/ventoy.json").write_text("{}"),
        f"{ISO} has no entry in ventoy/ventoy.json",
    ),
    "no ventoy.json": (
        lambda stick: (stick / "ventoy/ventoy.json").unlink(),
        f"{ISO} has no entry in ventoy/ventoy.json",
    ),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_what_is_different_is_named(stick: Path, case: str) -> None:
    action, line = DIFFERENCES[case]
    action(stick)
    assert not only_bundle(stick).is_as_written
    assert line in said(stick)
    assert NEXT in said(stick)


def test_what_was_added_does_no_harm(stick: Path) -> None:
    (stick / FOLDER / "notes").write_text("mine")
    assert only_bundle(stick).is_as_written
    assert NEXT not in said(stick)
    assert f"{FOLDER}/notes was added" in said(stick)


def test_a_run_that_was_cut_off_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_memory_only(monkeypatch)
    stick = tmp_path / "stick"
    stick.mkdir()

    def cut(event: Progress) -> None:
        if "pve3" in event.doing:
            raise NotAsWritten(stick)

    with pytest.raises(UserError):
        write_bundle(asked_bundle(source_iso(tmp_path)), plain(stick), cut)
    assert not only_bundle(stick).is_as_written
    assert "a run was cut off; the next one of `bundle` goes on" in said(stick)


def test_a_damaged_manifest_is_told(stick: Path) -> None:
    path = stick / FOLDER / "manifest.json"
    path.write_text(path.read_text().replace('"isos"', '"osis"'))
    with pytest.raises(BadInput, match=r"manifest\.json` is damaged, or of another version of this program"):
        inspect_artifact(stick)
