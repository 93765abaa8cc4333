"""Prepared ISOs against their source, read by xorriso and by our own parsers of boot records."""

import binascii
import hashlib
import re
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.iso import image as iso_image
from pmx_cluster_tb.artifacts.iso.image import PreparedImage, image_chunks, prepared_images
from pmx_cluster_tb.artifacts.iso.iso9660 import Damaged, Extent
from pmx_cluster_tb.artifacts.iso.read import Iso, iso_members, iso_problems, read_iso
from pmx_cluster_tb.artifacts.iso.write import write_image
from pmx_cluster_tb.model.cluster import ProxmoxVersion
from pmx_cluster_tb.problems import UserError
from pmx_cluster_tb.process import ProgramMissing, run
from pmx_cluster_tb.progress import unobserved
from tests.isos import proxmox_files, proxmox_iso
from tests.roots.commands import require

pytestmark = pytest.mark.tools

FILES = {
    "answer.toml": b"[global]\n# caf\xc3\xa9 " + b"x" * 3000,
    "auto-installer-mode.toml": b'mode = "iso"\n',
    "proxmox-first-boot": bytes(range(256)) * 400,
}

MODES = {"auto-installer-mode.toml": 0o644, "proxmox-first-boot": 0o700}
"""As the assistant of Proxmox VE 9.2 leaves them."""


@pytest.fixture(scope="module")
def source() -> Iso:
    require("xorriso")
    return read_iso(proxmox_iso())


@pytest.fixture(scope="module")
def image(source: Iso) -> PreparedImage:
    (image,) = prepared_images(source, [FILES])
    return image


@pytest.fixture(scope="module")
def prepared(image: PreparedImage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared ISO in a file."""
    path = tmp_path_factory.mktemp("iso") / "prepared.iso"
    write_image(image, path, unobserved, "")
    return path


def xorriso(*arguments: str | Path) -> str:
    """What xorriso says of an ISO."""
    ran = subprocess.run(
        ["xorriso", "-no_rc", "-abort_on", "FAILURE", *arguments], capture_output=True, check=True, text=True
    )
    return ran.stdout


def extracted(iso: Path, folder: Path) -> dict[str, tuple[int, str]]:
    """Mode, and digest of each file that xorriso finds in `iso`."""
    xorriso("-osirrox", "on", "-indev", iso, "-extract", "/", folder)
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        if path.is_file()
        else (path.stat().st_mode, "")
        for path in sorted(folder.rglob("*"))
    }


def test_every_file_is_as_before_and_the_new_ones_are_there(
    source: Iso, prepared: Path, tmp_path: Path
) -> None:
    before = extracted(source.path, tmp_path / "before")
    after = extracted(prepared, tmp_path / "after")
    assert after.keys() - before.keys() == FILES.keys()
    assert {name: after[name] for name in before} == before
    assert {"boot/linux26", ".installer-mp", "efi.img", "boot/grub/i386-pc/eltorito.img"} < before.keys()
    for name, content in FILES.items():
        assert (tmp_path / "after" / name).read_bytes() == content
        assert after[name][0] & 0o777 == MODES.get(name, 0o600)


def test_dates_owners_and_links_are_as_before(source: Iso, prepared: Path) -> None:
    listings = [
        xorriso("-indev", iso, "-find", "/", "-exec", "lsdl", "--").splitlines()
        for iso in (source.path, prepared)
    ]
    added = set(listings[1]) - set(listings[0])
    assert {line.rpartition("/")[2].strip("'") for line in added} == FILES.keys()
    assert set(listings[0]) - set(listings[1]) == set()


def test_uuid_and_name_of_the_volume_stay(source: Iso, prepared: Path) -> None:
    after = read_iso(prepared)
    assert (after.uuid, after.volume.name) == (source.uuid, source.volume.name)
    assert after.volume.modified in xorriso("-indev", prepared, "-report_system_area", "cmd")
    assert after.prepared
    assert after.volume.created == source.volume.created


def test_nothing_but_the_descriptors_differs_within_the_old_size(source: Iso, image: PreparedImage) -> None:
    # sector 16 says how large the volume is and where its tree begins, sector 17 where the boot catalog is
    within = [patch for patch in image.patches if patch.offset < source.size]
    assert [(patch.offset, patch.end) for patch in within] == [(16 * 2048, 18 * 2048)]
    (appended,) = (patch for patch in image.patches if patch not in within)
    assert (appended.offset, appended.end) == (source.size, image.size)


def test_boot_records_stay(source: Iso, prepared: Path) -> None:
    before, after = source.path.read_bytes(), prepared.read_bytes()
    # the system area: code of the MBR, partition tables of PC, GPT and Apple
    assert after[: 16 * 2048] == before[: 16 * 2048]
    assert after[18 * 2048 : source.size] == before[18 * 2048 :]


def test_el_torito_images_stay(source: Iso, prepared: Path) -> None:
    images = [boot_images(iso) for iso in (source.path, prepared)]
    assert images[0] == images[1]
    assert [line.split()[6] for line in images[0] if "boot img" in line] == ["BIOS", "UEFI"]


def boot_images(iso: Path) -> list[str]:
    """What xorriso says of the El Torito images, but for where their catalog is."""
    report = xorriso("-indev", iso, "-report_el_torito", "plain")
    return [line for line in report.splitlines() if line.startswith("El Torito im") or "boot img" in line]


def partitions(iso: bytes) -> list[tuple[int, int]]:
    """First and last sector of each GPT partition; both checksums of the table must be right."""
    header = iso[512 : 512 + 92]
    assert header[:8] == b"EFI PART"
    size, checksum = struct.unpack_from("<II", header, 12)
    assert binascii.crc32(header[:16] + bytes(4) + header[20:size]) == checksum
    start, count, length, table_checksum = struct.unpack_from("<QIII", header, 72)
    table = iso[start * 512 : start * 512 + count * length]
    assert binascii.crc32(table) == table_checksum
    entries = [table[at : at + length] for at in range(0, len(table), length)]
    return [struct.unpack_from("<QQ", entry, 32) for entry in entries if any(entry[:16])]


def test_partition_tables_are_whole_and_the_same(source: Iso, prepared: Path) -> None:
    before, after = source.path.read_bytes(), prepared.read_bytes()
    assert partitions(after) == partitions(before) != []
    # the copy of the table that the first one names lies where it lay
    backup = struct.unpack_from("<Q", after, 512 + 32)[0] * 512
    assert after[backup : backup + 8] == b"EFI PART"
    assert after[510:512] == b"\x55\xaa"


def test_partitions_are_what_other_programs_see(source: Iso, prepared: Path) -> None:
    require("sfdisk")
    tables = [
        subprocess.run(["sfdisk", "--dump", iso], capture_output=True, check=True, text=True).stdout
        for iso in (source.path, prepared)
    ]
    seen = [re.findall(r"start=.*", table) for table in tables]
    assert seen[0] == seen[1] != []


def test_the_same_content_gives_the_same_bytes(source: Iso, image: PreparedImage) -> None:
    again = prepared_images(source, [{"answer.toml": b"another"}, dict(reversed(FILES.items()))])
    assert again[1] == image
    assert again[0].patches != image.patches


def test_an_image_is_what_xorriso_makes_of_a_whole_copy(
    source: Iso, image: PreparedImage, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.iso"
    copy.write_bytes(source.path.read_bytes())
    on_disk = iso_image._disk_files(FILES, tmp_path)
    subprocess.run(iso_image._xorriso(source, copy, on_disk), check=True, capture_output=True)
    assert copy.read_bytes() == b"".join(map(bytes, image_chunks(image)))


def test_chunks_and_file_are_the_same_from_any_offset(image: PreparedImage, prepared: Path) -> None:
    whole = prepared.read_bytes()
    assert len(whole) == image.size
    for start in (0, 1, 16 * 2048 + 7, image.source.size - 1, image.source.size + 1, image.size):
        assert b"".join(map(bytes, image_chunks(image, start))) == whole[start:]


def test_equal_in_content_to_what_the_assistant_makes(source: Iso, prepared: Path, tmp_path: Path) -> None:
    copy = assistant(source, FILES, tmp_path)
    ours, theirs = (extracted(iso, tmp_path / iso.stem) for iso in (prepared, copy))
    # it leaves to new files the modes that they have on the disk
    assert {name: digest for name, (_, digest) in ours.items()} == {
        name: digest for name, (_, digest) in theirs.items()
    }
    assert boot_images(prepared) == boot_images(copy)
    assert prepared.read_bytes()[: 16 * 2048] == copy.read_bytes()[: 16 * 2048]
    assert read_iso(copy).uuid == source.uuid


def assistant(source: Iso, files: dict[str, bytes], folder: Path) -> Path:
    """What proxmox-auto-install-assistant does: a copy, and one run of xorriso for each file."""
    copy = folder / "assistant.iso"
    copy.write_bytes(source.path.read_bytes())
    for name, content in files.items():
        on_disk = folder / "file"
        on_disk.write_bytes(content)
        options = ["-boot_image", "any", "keep", "-volume_date", "uuid", source.volume.modified]
        xorriso(*options, "-dev", copy, "-map", on_disk, f"/{name}")
    return copy


def test_a_prepared_copy_is_not_taken_again(prepared: Path) -> None:
    (problem,) = iso_problems(read_iso(prepared), ProxmoxVersion.V9_2)
    assert problem.message.startswith("is a prepared copy")


def test_our_reader_finds_what_xorriso_finds(source: Iso, tmp_path: Path) -> None:
    names = [
        f"/{name}"
        for name in extracted(source.path, tmp_path / "tree")
        if (tmp_path / "tree" / name).is_file()
    ]
    found = iso_members(source.path, names)
    assert {name: hashlib.sha256(content).digest() for name, content in found.items()} == {
        name: hashlib.sha256((tmp_path / "tree" / name[1:]).read_bytes()).digest() for name in names
    }
    assert len(found) > len(proxmox_files())


def test_the_source_is_not_written_to(source: Iso) -> None:
    before = (source.path.stat().st_mtime_ns, source.path.stat().st_ctime_ns, source.path.read_bytes())
    prepared_images(source, [FILES])
    assert before == (
        source.path.stat().st_mtime_ns,
        source.path.stat().st_ctime_ns,
        source.path.read_bytes(),
    )


def test_secrets_are_nowhere_but_in_the_image(
    source: Iso, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    def watched(command: Sequence[str | Path], timeout: timedelta) -> None:
        run(command, timeout=timeout)
        (folder,) = tmp_path.iterdir()
        seen.append(folder.stat().st_mode & 0o777)
        assert not any("caf" in str(word) for word in command)

    monkeypatch.setattr(iso_image, "run", watched)
    (image,) = prepared_images(source, [FILES])
    assert seen == [0o700]
    assert list(tmp_path.iterdir()) == []
    assert "caf" not in repr(image)


def test_a_missing_xorriso_is_named_with_its_package(
    source: Iso, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissing) as caught:
        prepared_images(source, [FILES])
    assert caught.value.message == "`xorriso` is not installed"
    assert caught.value.hint == "Debian: `sudo apt install xorriso`; macOS: `brew install xorriso`"


def test_a_missing_folder_for_temporary_files_is_told(
    source: Iso, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"cannot prepare `.*\.iso` in `.*/none`: No such file") as caught:
        prepared_images(source, [FILES])
    assert "TMPDIR" in caught.value.hint


def test_a_run_that_would_change_a_file_is_refused(source: Iso, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = iso_image._xorriso

    def other(*arguments: object) -> list[str | Path]:
        command = honest(*arguments)  # type: ignore[arg-type]
        return [*command[:-1], "-rm", "/boot/linux26", "--", "-commit"]

    monkeypatch.setattr(iso_image, "_xorriso", other)
    with pytest.raises(UserError, match=r"would not hold the same files: .*/boot/linux26"):
        prepared_images(source, [FILES])


def test_a_change_of_a_file_in_place_is_refused(source: Iso) -> None:
    with source.path.open("rb") as file:
        described = iso_image._Source.of(source, file.fileno())
        place = described.entries["/boot/initrd.img"].extents[0]
        change = iso_image.Patch(place.offset, b"x")
        with pytest.raises(Damaged, match=r"`/boot/initrd.img` would change"):
            iso_image._check_patches(described, [change])


def test_a_source_without_a_date_is_refused(source: Iso) -> None:
    undated = replace(source, volume=replace(source.volume, modified="0" * 16))
    with pytest.raises(UserError, match="its volume has no date of modification"):
        prepared_images(undated, [FILES])


def test_only_content_of_files_is_left_out_of_the_stand_in(source: Iso) -> None:
    with source.path.open("rb") as file:
        described = iso_image._Source.of(source, file.fileno())
    kept = sum(extent.size for extent in described.kept)
    large = [
        path for path, entry in described.entries.items() if not entry.is_folder and entry.size > 100_000
    ]
    assert "/efi.img" in large
    assert source.size - kept > 500_000
    assert described.kept[0].offset == 0
    assert described.kept[-1].end == source.size
    efi = described.entries["/efi.img"].extents[0]
    assert any(_holds(extent, efi) for extent in described.kept)


def _holds(outer: Extent, inner: Extent) -> bool:
    return outer.offset <= inner.offset and inner.end <= outer.end
