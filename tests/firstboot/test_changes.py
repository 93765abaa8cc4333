"""Changes of files: shown as a diff, written whole or not at all."""

import os
from pathlib import Path

import pytest

from firstboot.changes import FileChange, apply_changes, as_diff
from firstboot.step import StepFailed


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o640)
    apply_changes(tmp_path, [FileChange("file", b"old", b"new")])
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "file").stat().st_mode & 0o7777 == 0o640


def test_a_new_file_is_readable_by_all_whatever_the_mask(tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        apply_changes(tmp_path, [FileChange("folder/file", None, b"new")])
    finally:
        os.umask(mask)
    assert (tmp_path / "folder/file").stat().st_mode & 0o7777 == 0o644


def test_a_file_is_removed_and_may_be_gone_already(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    removal = FileChange("file", b"old", None)
    apply_changes(tmp_path, [removal])
    apply_changes(tmp_path, [removal])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("link", ["/srv/kept", "../srv/kept"])
def test_a_link_stays_and_leads_inside_the_root(tmp_path: Path, link: str) -> None:
    (tmp_path / "srv").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "srv/kept").write_bytes(b"old")
    (tmp_path / "etc/file").symlink_to(link)
    apply_changes(tmp_path, [FileChange("etc/file", b"old", b"new")])
    assert (tmp_path / "etc/file").is_symlink()
    assert (tmp_path / "srv/kept").read_bytes() == b"new"


def test_a_failed_write_leaves_what_was_there_and_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"old")

    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StepFailed, match="No space left on device") as failure:
        apply_changes(tmp_path, [FileChange("file", b"old", b"new")])
    assert f"df {tmp_path}" in failure.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_what_a_killed_run_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".file.pmx-first-boot~").write_bytes(b"half")
    apply_changes(tmp_path, [FileChange("file", None, b"new")])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("change", "diff"),
    [
        (FileChange("f", b"a\nb\n", b"a\nc\n"), "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"),
        (FileChange("f", None, b"a\n"), "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n"),
        (FileChange("f", b"a\n", None), "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"),
        (
            FileChange("f", b"a", b"b\n"),
            "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n",
        ),
        (FileChange("f", b"\xe9\n", None), "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-\\xe9\n"),
    ],
)
def test_a_change_is_shown_as_a_diff(change: FileChange, diff: str) -> None:
    assert as_diff(change) == diff
