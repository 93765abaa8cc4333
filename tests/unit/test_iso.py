"""What is told of an ISO, and of a file that is none."""

import gzip
import random
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from pmx_cluster_tb.artifacts.inspect import inspect_artifact
from pmx_cluster_tb.artifacts.inspected import InspectedIso
from pmx_cluster_tb.artifacts.iso import initrd
from pmx_cluster_tb.artifacts.iso.initrd import BadInitrd, initrd_members
from pmx_cluster_tb.artifacts.iso.iso9660 import SECTOR_BYTES
from pmx_cluster_tb.artifacts.iso.read import iso_members, iso_problems, read_iso
from pmx_cluster_tb.model.cluster import ProxmoxVersion
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.view.inspected_stick_text import iso_lines
from tests.isos import INIT, cd_info, cpio
from tests.isos import initrd as initrd_of_medium
from tests.tiny_iso import tiny_iso, tiny_proxmox_iso

DOWNLOAD = "take the ISO of Proxmox VE from https://www.proxmox.com/en/downloads"
AGAIN = "download it again, and compare its SHA-256 with the one beside the download"


@pytest.fixture
def iso(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Path]:
    """Writes the file `x.iso` in the current folder."""
    monkeypatch.chdir(tmp_path)

    def written(content: bytes) -> Path:
        path = Path("x.iso")
        path.write_bytes(content)
        return path

    return written


def test_what_an_iso_says_of_itself(iso: Callable[[bytes], Path]) -> None:
    content = tiny_proxmox_iso("9.1")
    found = read_iso(iso(content))
    assert (found.product, found.release, found.iso_release, found.name) == (
        "Proxmox VE",
        "9.1",
        "1",
        "proxmox-ve",
    )
    assert (found.size, found.volume.name, found.uuid) == (len(content), "PVE", "2026-06-11-09-30-00-00")
    assert (found.capable, found.prepared) == (True, False)
    assert iso_problems(found, ProxmoxVersion.V9_1) == ()


def test_the_identity_is_found_in_either_place(iso: Callable[[bytes], Path]) -> None:
    assert read_iso(iso(tiny_iso({".disk/info": cd_info("8.4")}))).release == "8.4"


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_quotes_are_no_part_of_a_value(quote: str, iso: Callable[[bytes], Path]) -> None:
    text = cd_info("8.4").replace(b"'", quote.encode()).replace(b"\n", b"\r\n")
    found = read_iso(iso(tiny_iso({".cd-info": text})))
    assert (found.product, found.release, found.iso_release) == ("Proxmox VE", "8.4", "1")


NOT_PROXMOX_VE = {
    "is empty": (b"", DOWNLOAD),
    "is text": (b"<!DOCTYPE html><title>Not found</title>", DOWNLOAD),
    "is a zstd file": (zstandard.compress(tiny_proxmox_iso()), "unpack it first, if the ISO is in it"),
    "is a gzip file": (gzip.compress(tiny_proxmox_iso()), "unpack it first, if the ISO is in it"),
    "is binary data of an unknown kind": (bytes(100_000), DOWNLOAD),
    "is Proxmox Backup Server 4.1": (
        tiny_iso({".cd-info": cd_info("4.1", "Proxmox Backup Server", "pbs")}),
        DOWNLOAD,
    ),
    "is Proxmox Mail Gateway 9.0": (
        tiny_iso({".cd-info": cd_info("9.0", "Proxmox Mail Gateway", "pmg")}),
        DOWNLOAD,
    ),
    'is the ISO `Debian GNU/Linux 13.1.0 "Trixie"`': (
        tiny_iso({".disk/info": b'Debian GNU/Linux 13.1.0 "Trixie"\n'}),
        DOWNLOAD,
    ),
    "is the ISO `FEDORA`": (tiny_iso({"README": b"x"}, volume="FEDORA"), DOWNLOAD),
    "is an ISO without a name": (tiny_iso({"README": b"x"}, volume=""), DOWNLOAD),
}


@pytest.mark.parametrize("found", NOT_PROXMOX_VE)
def test_what_is_no_proxmox_ve_is_told(found: str, iso: Callable[[bytes], Path]) -> None:
    content, hint = NOT_PROXMOX_VE[found]
    with pytest.raises(BadInput) as caught:
        read_iso(iso(content))
    wanted = "Proxmox VE" if "ISO" in found or "Proxmox" in found else "an ISO"
    assert (caught.value.message, caught.value.hint) == (f"`x.iso` {found}, not {wanted}", hint)


def test_a_download_that_was_cut_off_is_told(iso: Callable[[bytes], Path]) -> None:
    content = tiny_proxmox_iso(more={"pve-base.squashfs": bytes(10_000)})
    with pytest.raises(BadInput) as caught:
        read_iso(iso(content[:-1]))
    assert caught.value.message == f"`x.iso` is cut off: {len(content) - 1} of {len(content)} bytes are there"
    assert caught.value.hint == AGAIN


@pytest.mark.parametrize("iso_release", ["1/../../x", "1 2", "\u00e4", "1" * 21])
def test_a_release_that_makes_no_name_of_a_file_is_damage(
    iso: Callable[[bytes], Path], iso_release: str
) -> None:
    text = cd_info("9.2").decode().replace("ISORELEASE='1'", f"ISORELEASE='{iso_release}'")
    with pytest.raises(BadInput, match=f"is damaged: its `ISORELEASE` is `{iso_release}`"):
        read_iso(iso(tiny_iso({".cd-info": text.encode()})))


def test_a_path_that_no_system_takes_is_told() -> None:
    with pytest.raises(BadInput, match="File name too long"):
        read_iso(Path("x" * 300))


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"`/nowhere/x.iso` does not exist"):
        read_iso(Path("/nowhere/x.iso"))
    with pytest.raises(BadInput, match=r"`/dev/null` is no file"):
        read_iso(Path("/dev/null"))
    (tmp_path / "proxmox.iso").touch()
    with pytest.raises(BadInput) as caught:
        read_iso(tmp_path)
    assert caught.value.message == f"`{tmp_path}` is a folder, not an ISO"
    assert caught.value.hint == f"name the file: `{tmp_path}/proxmox.iso`"


def test_every_problem_is_told_at_once(iso: Callable[[bytes], Path]) -> None:
    content = tiny_iso({".cd-info": cd_info("7.4"), "auto-installer-mode.toml": b""})
    problems = iso_problems(read_iso(iso(content)), ProxmoxVersion.V9_2)
    assert "\n".join(map(str, problems)) == (
        "error: x.iso: is a prepared copy: it holds an answer already, or where to get it"
        " (`/auto-installer-mode.toml`)\n  hint: take the ISO as it was downloaded\n"
        "error: x.iso: is Proxmox VE 7.4, which is too old: its installer takes no first-boot file\n"
        "  hint: take the ISO of Proxmox VE 9.2 from https://www.proxmox.com/en/downloads"
    )


def test_another_version_can_be_met_by_a_change_of_the_cluster_file(iso: Callable[[bytes], Path]) -> None:
    (problem,) = iso_problems(read_iso(iso(tiny_proxmox_iso("9.1"))), ProxmoxVersion.V9_2, "lab.toml")
    assert problem.message == "is Proxmox VE 9.1, but `lab.toml` is for 9.2"
    assert problem.hint == 'take the ISO of Proxmox VE 9.2, or write `proxmox-ve = "9.1"` into `lab.toml`'


@pytest.mark.parametrize("cluster", [ProxmoxVersion.V8_4, ProxmoxVersion.V9_2])
def test_an_iso_whose_installer_cannot_read_the_first_boot_file(
    iso: Callable[[bytes], Path], cluster: ProxmoxVersion
) -> None:
    found = read_iso(iso(tiny_proxmox_iso("8.3")))
    (problem,) = iso_problems(found, cluster)
    assert problem.message == (
        "is Proxmox VE 8.3, which is too old: its installer reads the first-boot file as text, which ours is "
        "not, and stops"
    )
    assert problem.hint.startswith(f"take the ISO of Proxmox VE {cluster} from ")
    assert found.unfit == problem.message


def test_an_iso_that_is_newer_than_what_is_known(iso: Callable[[bytes], Path]) -> None:
    (problem,) = iso_problems(read_iso(iso(tiny_proxmox_iso("10.0"))), ProxmoxVersion.V9_2)
    assert problem.message == (
        "is Proxmox VE 10.0, whose installer is not known here: 9.2 is the newest that is"
    )
    assert problem.hint.startswith("take the ISO of Proxmox VE 9.2 from ")


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("8.3", "; `bundle` refuses it: it is Proxmox VE 8.3, which is too old: "),
        ("8.4", "; `bundle` can prepare it"),
        ("10.0", "; `bundle` refuses it: it is Proxmox VE 10.0, whose installer is not known here: "),
    ],
)
def test_inspect_says_what_bundle_would(iso: Callable[[bytes], Path], release: str, said: str) -> None:
    inspected = inspect_artifact(iso(tiny_proxmox_iso(release)))
    assert isinstance(inspected, InspectedIso)
    assert any(said in str(line) for line in iso_lines(inspected))
    assert inspected.as_json()["can_be_prepared"] is (release == "8.4")


def test_an_iso_without_the_mark_cannot_be_prepared(iso: Callable[[bytes], Path]) -> None:
    content = tiny_iso({".cd-info": cd_info("9.2")})
    (problem,) = iso_problems(read_iso(iso(content)), ProxmoxVersion.V9_2)
    assert problem.message.startswith("cannot be prepared: it has no `/auto-installer-capable`")


def test_members_are_read_by_path(iso: Callable[[bytes], Path]) -> None:
    files = {"boot/initrd.img": b"i" * 5000, "boot/grub/grub.cfg": b"g", "empty": b""}
    path = iso(tiny_iso(files))
    wanted = ["/boot/initrd.img", "/boot/grub/grub.cfg", "/empty", "/boot", "/boot/none", "/none/none"]
    assert iso_members(path, wanted) == {f"/{name}": content for name, content in files.items()}


def test_a_file_in_several_extents_is_one(iso: Callable[[bytes], Path]) -> None:
    content = bytearray(tiny_iso({"a": b"x" * 2048, "b": b"y" * 10}))
    first = content.index(b"F0000000") - 33
    content[first + 25] = 0x80
    content[content.index(b"NM\6\1\0a") + 5] = ord("b")
    assert iso_members(iso(bytes(content)), ["/a", "/b"]) == {"/b": b"x" * 2048 + b"y" * 10}


def test_damaged_isos_are_told_and_nothing_else_is_raised(iso: Callable[[bytes], Path]) -> None:
    chance = random.Random(4)  # noqa: S311 - only to damage files
    whole = tiny_proxmox_iso(more={"boot/initrd.img": b"x" * 3000})
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(16 * SECTOR_BYTES, len(whole))] = chance.randrange(256)
        path = iso(bytes(damaged))
        # whatever else is raised fails the test
        with suppress(BadInput):
            read_iso(path)
            iso_members(path, ["/boot/initrd.img"])


def test_a_folder_larger_than_the_image_is_damage(iso: Callable[[bytes], Path]) -> None:
    content = bytearray(tiny_proxmox_iso())
    struct.pack_into("<I", content, 16 * SECTOR_BYTES + 156 + 10, 8 * SECTOR_BYTES * 1024)
    with pytest.raises(BadInput, match=r"`x.iso` is damaged: it ends within a folder"):
        read_iso(iso(bytes(content)))


def test_init_is_read_from_behind_the_microcode() -> None:
    found = initrd_members(initrd_of_medium("9.2"), ["/init", "/.cd-info", "/none"])
    assert found == {"/init": INIT, "/.cd-info": cd_info("9.2")}


def _flipped(packed: bytes) -> bytes:
    """With a damaged byte in the middle and in the checksum at the end."""
    damaged = bytearray(packed)
    for position in (len(packed) // 2, -5):
        damaged[position] ^= 0xFF
    return bytes(damaged)


ARCHIVE = cpio({"init": b"#!/bin/sh\n", "sbin/a": b"a" * 99})


@pytest.mark.parametrize(
    "packed",
    [
        ARCHIVE,
        ARCHIVE + bytes(512),
        gzip.compress(ARCHIVE),
        zstandard.compress(ARCHIVE),
        bytes(4) + gzip.compress(cpio({"x": b""})) + bytes(8) + zstandard.compress(ARCHIVE) + bytes(3),
        cpio({"init": b"an earlier one"}) + zstandard.compress(cpio({})) + gzip.compress(ARCHIVE),
    ],
    ids=["plain", "padded", "gzip", "zstd", "several", "the last counts"],
)
def test_archives_are_unpacked_as_the_kernel_does(packed: bytes) -> None:
    assert initrd_members(packed, ["/init", "/sbin/a"]) == {"/init": b"#!/bin/sh\n", "/sbin/a": b"a" * 99}


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"\x89LZO\0\r\n\x1a\n", "begins with `89 4c 5a 4f 00 0d`, which is neither cpio nor gzip nor zstd"),
        (ARCHIVE[:-200], "its cpio archive is cut off|its cpio archive has no end"),
        (gzip.compress(ARCHIVE)[:-5], "is cut off"),
        (zstandard.compress(ARCHIVE)[:-5], "is cut off"),
        (_flipped(gzip.compress(ARCHIVE)), "its gzip stream is damaged"),
        (_flipped(zstandard.compress(ARCHIVE)), "its zstd stream is damaged"),
        (b"070701" + b"Z" * 200, "has a header that is no number"),
    ],
    ids=["lzo", "cpio", "gzip", "zstd", "gzip damaged", "zstd damaged", "header"],
)
def test_a_bad_initrd_is_told(packed: bytes, message: str) -> None:
    with pytest.raises(BadInitrd, match=message):
        initrd_members(packed, ["/init"])


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_an_initrd_that_unpacks_without_end_is_refused(
    pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initrd, "_LARGEST_BYTES", 100_000)
    with pytest.raises(BadInitrd, match="is larger than 100000 bytes"):
        initrd_members(pack(bytes(10_000_000)), ["/init"])
