"""Bundles on a stick: what is written, what is left, and what is refused before anything is written."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.stick import digests as stick_digests
from pmx_cluster_tb.artifacts.stick import files as stick_files
from pmx_cluster_tb.artifacts.stick import readback as stick_readback
from pmx_cluster_tb.artifacts.stick import write as stick_module
from pmx_cluster_tb.artifacts.stick.files import TEMPORARY_SUFFIX, NotAsWritten, locked
from pmx_cluster_tb.artifacts.stick.manifest import read_bundle_manifest
from pmx_cluster_tb.plan.bundle import Layout
from pmx_cluster_tb.problems import BadInput, UserError
from pmx_cluster_tb.progress import Progress
from tests.artifacts.sticks import (
    FOLDER,
    asked_bundle,
    changed_plan,
    content_of,
    source_iso,
    use_memory_only,
    write,
)

OWN = {"holiday.iso": b"mine", "ventoy/theme.txt": b"mine", f"{FOLDER}/notes": b"mine"}
OWN_JSON = {
    "control": [{"VTOY_DEFAULT_SEARCH_ROOT": "/"}],
    "menu_alias": [{"image": "/holiday.iso", "alias": "H"}],
}


@pytest.fixture(autouse=True)
def memory_only(monkeypatch: pytest.MonkeyPatch) -> None:
    use_memory_only(monkeypatch)


@pytest.fixture
def iso(tmp_path: Path) -> Iso:
    return source_iso(tmp_path)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """With files of its owner, and a ventoy.json."""
    top = tmp_path / "stick"
    for path, content in OWN.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(content)
    (top / "ventoy/ventoy.json").write_text(json.dumps(OWN_JSON))
    return top


def is_own(stick: Path) -> bool:
    """Whether what the owner had is there as it was, and his entries of ventoy.json."""
    files = all((stick / path).read_bytes() == content for path, content in OWN.items())
    entries = json.loads((stick / "ventoy/ventoy.json").read_text())
    return (
        files
        and entries["control"] == OWN_JSON["control"]
        and OWN_JSON["menu_alias"][0] in entries["menu_alias"]
    )


@pytest.mark.parametrize("layout", Layout)
def test_everything_planned_is_there_as_the_manifest_says(iso: Iso, stick: Path, layout: Layout) -> None:
    bundle = asked_bundle(iso, layout)
    written = write(bundle, stick)
    there, manifest = content_of(stick), written.manifest
    assert manifest.complete
    assert manifest.claimed == ()
    assert manifest.paths | OWN.keys() | {f"{FOLDER}/manifest.json", "ventoy/ventoy.json"} == there.keys()
    listed = {one.path: (one.size, one.sha256) for one in manifest.isos}
    listed |= {one.path: (one.size, one.sha256) for one in manifest.files}
    assert listed == {path: (len(there[path]), sha256(there[path]).hexdigest()) for path in listed}
    assert written.paths == {one.path for one in bundle.plan.isos}
    assert written.others == (f"{FOLDER}/notes",)
    assert json.loads(there[f"{FOLDER}/manifest.json"]) == json.loads(json.dumps(manifest.as_json()))
    assert is_own(stick)


@pytest.mark.parametrize("layout", Layout)
def test_the_digest_of_the_source_is_found_while_the_first_iso_is_written(
    iso: Iso, stick: Path, layout: Layout
) -> None:
    known = write(asked_bundle(iso, layout), stick.with_name("known")).manifest
    seen = set()

    def look(_: Progress) -> None:
        manifest = read_bundle_manifest(stick / FOLDER)
        assert manifest
        seen.add((manifest.source.sha256, len(manifest.isos)))

    assert write(replace(asked_bundle(iso, layout), iso_sha256=None), stick, look).manifest == known
    assert seen == {("", 0), *((known.source.sha256, count) for count in range(1, len(known.isos)))}


def test_an_image_whose_digest_cannot_be_found_gets_no_name(
    iso: Iso, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source was changed by the time that the thread came to its end."""

    def changed(*_: object) -> Iterator[bytearray]:
        raise UserError("was changed while it was copied")
        yield bytearray()

    monkeypatch.setattr(stick_digests, "image_chunks", changed)
    with pytest.raises(UserError, match="was changed while it was copied"):
        write(asked_bundle(iso), stick)
    assert [path for path in content_of(stick) if "VTNORMAL" in path] == []


def test_the_checksums_are_those_of_the_files(iso: Iso, stick: Path) -> None:
    manifest = write(asked_bundle(iso, Layout.SHARED), stick).manifest
    lines = (stick / FOLDER / "VENTOY_CHECKSUM").read_text().splitlines()
    sums = {f"{FOLDER}/{name}": digest for digest, name in (line.split("  ") for line in lines)}
    assert sums.keys() == manifest.paths - {f"{FOLDER}/VENTOY_CHECKSUM"}
    for path, digest in sums.items():
        assert sha256((stick / path).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("layout", Layout)
def test_the_manifest_holds_no_secret(iso: Iso, stick: Path, layout: Layout) -> None:
    write(asked_bundle(iso, layout), stick)
    assert b"$6$" not in (stick / FOLDER / "manifest.json").read_bytes()


def test_what_is_unchanged_is_read_and_not_written(iso: Iso, stick: Path) -> None:
    write(asked_bundle(iso), stick)
    before = {path: path.stat().st_mtime_ns for path in (stick / FOLDER).glob("*.iso")}
    done: set[str] = set()
    written = write(asked_bundle(iso), stick, lambda event: done.add(event.doing.split()[0]))
    assert written.paths == frozenset()
    assert written.manifest.complete
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert done == {"reading"}


def test_only_what_changed_is_written(iso: Iso, stick: Path) -> None:
    write(asked_bundle(iso), stick)
    written = write(asked_bundle(iso, plan=changed_plan("pve2")), stick)
    assert [path for path in written.paths if "pve2" not in path] == []
    assert len(written.paths) == 1


@pytest.mark.parametrize("offset", [0, 4096, -1])
def test_an_iso_that_lost_a_byte_on_the_stick_is_written_again(iso: Iso, stick: Path, offset: int) -> None:
    good = content_of_isos(stick, write(asked_bundle(iso), stick).paths)
    path = sorted(good)[1]
    damaged = bytearray(good[path])
    damaged[offset] ^= 1
    (stick / path).write_bytes(damaged)
    assert write(asked_bundle(iso), stick).paths == {path}
    assert content_of_isos(stick, good) == good


def content_of_isos(stick: Path, paths: "dict[str, bytes] | frozenset[str]") -> dict[str, bytes]:
    return {path: (stick / path).read_bytes() for path in paths}


def test_another_iso_release_takes_the_place_of_the_first(iso: Iso, stick: Path) -> None:
    first = write(asked_bundle(iso), stick).manifest
    second = write(asked_bundle(replace(iso, iso_release="2")), stick).manifest
    assert not {one.path for one in first.isos} & {one.path for one in second.isos}
    assert (
        second.paths | OWN.keys() | {f"{FOLDER}/manifest.json", "ventoy/ventoy.json"}
        == content_of(stick).keys()
    )


@pytest.mark.parametrize(("before", "after"), [tuple(Layout), tuple(reversed(Layout))])
def test_one_layout_takes_the_place_of_the_other(
    iso: Iso, stick: Path, before: Layout, after: Layout
) -> None:
    write(asked_bundle(iso, before), stick)
    write(asked_bundle(iso, after), stick)
    fresh = stick.with_name("fresh")
    write(asked_bundle(iso, after), fresh)
    mine = {path: content for path, content in content_of(stick).items() if path not in OWN}
    mine.pop("ventoy/ventoy.json")
    assert mine == {path: content for path, content in content_of(fresh).items() if path in mine}
    assert is_own(stick)


def test_nothing_in_ventoy_json_names_what_is_not_there(iso: Iso, stick: Path) -> None:
    """At no moment: looked at whenever something is written."""
    write(asked_bundle(iso), stick)
    seen = []

    def look(_: Progress) -> None:
        entries = json.loads((stick / "ventoy/ventoy.json").read_text())
        named = [one["image"] for one in entries["menu_alias"] if one["image"].startswith(f"/{FOLDER}")]
        seen.append(all((stick / path[1:]).exists() for path in named))

    write(asked_bundle(replace(iso, iso_release="2")), stick, look)
    assert seen
    assert all(seen)


def test_a_shared_iso_never_meets_older_answers(iso: Iso, stick: Path) -> None:
    write(asked_bundle(iso, Layout.SHARED), stick)

    def look(event: Progress) -> None:
        if event.doing.startswith("reading"):
            return
        entries = json.loads((stick / "ventoy/ventoy.json").read_text())
        assert "auto_install" not in entries
        assert "injection" not in entries

    assert write(asked_bundle(iso, Layout.SHARED, changed_plan("pve1")), stick, look).manifest.complete
    # the answer is no part of that ISO: make it another one
    assert write(asked_bundle(replace(iso, iso_release="2"), Layout.SHARED), stick, look).paths
    assert "injection" in json.loads((stick / "ventoy/ventoy.json").read_text())


def test_a_shared_iso_that_stays_never_offers_newer_answers_under_older_names(
    iso: Iso, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line of the menu says which disks are wiped, and the answers alone decide that."""
    write(asked_bundle(iso, Layout.SHARED), stick)
    before = (stick / "ventoy/ventoy.json").read_bytes()
    seen = []

    def write_and_look(path: Path, content: bytes) -> None:
        stick_files.write_file(path, content)
        if path.parent.name == "nodes":
            seen.append(json.loads((stick / "ventoy/ventoy.json").read_text()))

    monkeypatch.setattr(stick_module, "write_file", write_and_look)
    assert write(asked_bundle(iso, Layout.SHARED, changed_plan("pve1")), stick).paths == frozenset()
    assert [one for one in seen if one != OWN_JSON] == []
    assert len(seen) == 3
    assert (stick / "ventoy/ventoy.json").read_bytes() == before


def test_ventoy_json_stays_its_owners(iso: Iso, stick: Path) -> None:
    """On a file system that knows owners, where root makes the bundle."""
    path = stick / "ventoy/ventoy.json"
    path.chmod(0o664)
    os.chown(path, -1, next(iter(os.getgroups()), os.getegid()))
    before = path.stat()
    write(asked_bundle(iso), stick)
    write(asked_bundle(iso, plan=changed_plan("pve2")), stick)
    after = path.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert {file.stat().st_mode & 0o777 for file in (stick / FOLDER).glob("pmx-*")} == {0o600}


def test_the_menu_never_tells_old_disks_of_a_new_iso(iso: Iso, stick: Path) -> None:
    write(asked_bundle(iso), stick)
    seen = []

    def look(event: Progress) -> None:
        if not event.doing.startswith("reading"):
            seen.append(json.loads((stick / "ventoy/ventoy.json").read_text()))

    write(asked_bundle(iso, plan=changed_plan("pve2")), stick, look)
    assert seen
    assert [one for one in seen if one != OWN_JSON] == []
    assert len(json.loads((stick / "ventoy/ventoy.json").read_text())["menu_alias"]) == 5


@pytest.mark.parametrize("layout", Layout)
def test_the_line_that_does_nothing_is_there_before_any_that_wipes(
    iso: Iso, stick: Path, layout: Layout
) -> None:
    def look(event: Progress) -> None:
        if event.doing.startswith("writing"):
            images = sorted(path.name for path in (stick / FOLDER).iterdir() if "iso" in path.suffix)
            assert images[0] == f"00-{FOLDER}-does-nothing.iso"
            assert (stick / FOLDER / f"{images[0]}.vcfg").exists()

    assert write(asked_bundle(iso, layout), stick, look).paths


def test_temporary_files_of_a_cut_are_removed(iso: Iso, stick: Path) -> None:
    left = stick / FOLDER / f"pmx-pvc1_pve1.iso{TEMPORARY_SUFFIX}"
    left.write_bytes(b"half")
    write(asked_bundle(iso), stick)
    assert not left.exists()


def test_a_damaged_manifest_is_replaced(iso: Iso, stick: Path) -> None:
    write(asked_bundle(iso), stick)
    (stick / FOLDER / "manifest.json").write_bytes(b"\0" * 100)
    assert write(asked_bundle(iso), stick).manifest.complete
    assert is_own(stick)


def test_too_little_room_is_told_before_anything_is_written(
    iso: Iso, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(stick)
    values = list(real)
    values[4] = 900_000 // real.f_frsize
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(values))
    before = content_of(stick)
    with pytest.raises(BadInput, match=r"has 0\.9 MB free, and \d\.\d MB are needed"):
        write(asked_bundle(iso), stick)
    assert content_of(stick) == before


ERRORS: dict[int, str] = {
    errno.ENOSPC: "take a larger one",
    errno.EIO: "the stick was pulled out, or it is broken",
    errno.ENOTCONN: "the stick was pulled out",
    errno.EFBIG: "FAT32 holds no file of 4 GiB",
    errno.EROFS: "mount the stick writable",
}


@pytest.mark.parametrize("number", ERRORS)
@pytest.mark.parametrize("call", [1, 3, 8])
def test_an_error_of_the_stick_is_told_and_the_next_run_goes_on(
    iso: Iso, stick: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: int
) -> None:
    monkeypatch.setattr(os, "fsync", failing(os.fsync, call, number))
    with pytest.raises(UserError, match=f"cannot write `{stick}`") as raised:
        write(asked_bundle(iso), stick)
    assert (raised.value.status, ERRORS[number] in raised.value.hint) == (1, True)
    assert [path for path in content_of(stick) if path.endswith(TEMPORARY_SUFFIX)] == []
    monkeypatch.undo()
    use_memory_only(monkeypatch)
    assert write(asked_bundle(iso), stick).manifest.complete
    assert is_own(stick)


def failing(real: Callable[[int], None], call: int, number: int) -> Callable[[int], None]:
    left = [call]

    def fail(descriptor: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(number, os.strerror(number))
        real(descriptor)

    return fail


def test_what_does_not_read_back_gets_no_name(iso: Iso, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = stick_readback.blocks_on_medium

    def one_bit_off(path: Path) -> Iterator[memoryview]:
        for block in real(path):
            other = bytearray(block)
            other[-1] ^= ".iso" in path.name
            yield memoryview(other)

    for module in (stick_module, stick_readback):
        monkeypatch.setattr(module, "blocks_on_medium", one_bit_off)
    with pytest.raises(NotAsWritten, match="does not read back as it was written"):
        write(asked_bundle(iso), stick)
    assert [path for path in content_of(stick) if ".iso" in path and path not in OWN] == []


def test_a_second_run_at_the_same_time_is_refused(iso: Iso, stick: Path) -> None:
    with locked(stick), pytest.raises(UserError, match="another run writes to"):
        write(asked_bundle(iso), stick)


@pytest.mark.parametrize("node", ["pve1", "pve3"])
def test_a_stick_that_is_unmounted_meanwhile_is_told(iso: Iso, stick: Path, node: str) -> None:
    """What comes after would go into the folder below it, on the desk's own disk."""

    def unmount(event: Progress) -> None:
        if event.doing == f"reading the ISO of {node} back" and event.done == event.total:
            stick.rename(stick.with_name("unmounted"))
            stick.mkdir()

    with pytest.raises(UserError, match=f"`{stick}` was unmounted meanwhile"):
        write(asked_bundle(iso), stick, unmount)


def test_an_unchanged_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    stick_files.write_file(path, b"content")
    before = path.stat().st_ino
    stick_files.write_file(path, b"content")
    assert path.stat().st_ino == before
    stick_files.write_file(path, b"CONTENT")
    assert path.read_bytes() == b"CONTENT"
