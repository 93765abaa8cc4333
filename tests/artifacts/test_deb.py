"""Debian packages, without Debian's programs."""

import zlib
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from pmx_cluster_tb.artifacts.compression import uncompressed
from pmx_cluster_tb.artifacts.deb import control_text, deb_bytes, installed_size_kib, md5sums
from pmx_cluster_tb.artifacts.deb_reader import read_deb
from pmx_cluster_tb.plan.types import File, Link, Package
from pmx_cluster_tb.problems import BadInput
from tests.artifacts.packages import file, link, package, script

DATE = datetime(2026, 11, 22, tzinfo=UTC)
FULL = package(
    members=(script("postinst"), script("preinst")),
    files=(
        file("/etc/frr/frr.conf", b"frr\n", 0o640),
        file("/usr/lib/pmx-ring/empty", b""),
        file("/usr/lib/pmx-ring/" + "n" * 120, b"long\n"),
        file("/usr/lib/pmx-ring/pörts of 2", b"x" * 2000),
        file("/usr/sbin/pmx-ring", b"#!/bin/sh\n", 0o755),
    ),
    links=(
        link("/etc/lldpd.d/pmx-ring.conf", "/usr/lib/pmx-ring/empty"),
        link("/etc/long", "/" + "t" * 150),
    ),
    description="example\n First.\n .\n Second: ünïcode.",
)


@pytest.mark.parametrize("planned", [package(), FULL], ids=["empty", "full"])
def test_reads_back_as_it_was_planned(planned: Package) -> None:
    assert read_deb(deb_bytes(planned, DATE), "x.deb") == planned


def test_manual_pages_and_the_changelog_are_compressed() -> None:
    changelog = "/usr/share/doc/pmx-example/changelog"
    texts = {f"/usr/share/man/man8/{name}.8": b".TH %s 8\n" % name.encode() for name in ("a", "b.c")}
    texts |= {changelog: b"pmx-example (1.0) unstable\n", "/usr/lib/changelog": b"of something else\n"}
    planned = package(files=tuple(file(path, texts[path]) for path in sorted(texts)))
    written = read_deb(deb_bytes(planned, DATE), "x.deb")
    packed = {str(one.path): one.content for one in written.files if one.content.startswith(b"\x1f\x8b")}
    assert set(packed) == {f"{path}.gz" for path in texts.keys() - {"/usr/lib/changelog"}}
    # neither a name nor a time
    assert {content[:10] for content in packed.values()} == {bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 3])}
    assert zlib.decompress(packed[f"{changelog}.gz"], 31) == texts[changelog]
    assert uncompressed(written) == planned


def test_the_date_is_in_every_header_and_nowhere_else() -> None:
    other = deb_bytes(FULL, datetime(2027, 1, 1, tzinfo=UTC))
    assert other != deb_bytes(FULL, DATE)
    assert read_deb(other, "x.deb") == FULL


def test_computed_members() -> None:
    small = package(files=(file("/usr/b", b"b"), file("/usr/a-b", b"a" * 1025), file("/usr/a/c", b"")))
    # root, usr, usr/a are one each; 1 byte is 1 KiB, 1025 are 2
    assert installed_size_kib(small) == 6
    assert "Maintainer: Jane Doe <jane@example.org>\nInstalled-Size: 6\nSection: net\n" in control_text(small)
    assert [line.split(b"  ")[1] for line in md5sums(small).splitlines()] == [
        b"usr/a-b",
        b"usr/a/c",
        b"usr/b",
    ]


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (package(name="X"), "`X` is no package name"),
        (package(version="one"), "`one` is no version of a native package"),
        (package(members=(script("preinst", mode=0o644),)), "preinst has mode 0644"),
        (package(members=(script("preinst", mode=0o4755),)), "preinst has mode 4755"),
        (package(members=(script("preinst", "true\n"),)), "preinst names no interpreter"),
        (package(members=(script("conffiles"),)), "`conffiles` is no script and no triggers file"),
        (package(members=(script("preinst"), script("preinst"))), "control member `preinst` occurs twice"),
        (package(files=(file("/a"), file("/a"))), "`/a` is two things"),
        (package(files=(file("/a"),), links=(link("/a", "/b"),)), "`/a` is two things"),
        (package(files=(file("/a"), file("/a/b"))), "`/a` is a file and a folder"),
        (package(files=(file("a"),)), "`a` is not absolute"),
        (package(files=(file("/a/../b"),)), "`/a/../b` is not absolute"),
        (package(files=(file("/a\nb"),)), "'/a\\nb' holds a control character"),
        (package(links=(link("/a", "/b\nc"),)), "'/b\\nc' holds a control character"),
        (package(files=(file("/DEBIAN/x"),)), "`/DEBIAN/x` is in dpkg's own folder"),
        (package(files=(file("/a", mode=0o4755),)), "`/a` has mode 4755"),
    ],
)
def test_refuses_what_dpkg_would(bad: Package, fault: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        deb_bytes(bad, DATE)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ((("Package", "x"),), "the fields name another package"),
        ((("Package", "pmx-example"), ("Package", "pmx-example")), "a field occurs twice"),
        ((("Installed-Size", "1"),), "field Installed-Size is computed"),
        ((), "field Maintainer is missing"),
    ],
)
def test_refuses_fields(fields: tuple[tuple[str, str], ...], fault: str) -> None:
    bad = Package(name="pmx-example", version="1.0", fields=fields, members=(), files=(), links=())
    with pytest.raises(ValueError, match=fault):
        deb_bytes(bad, DATE)


def test_a_value_cannot_bring_in_another_field() -> None:
    with pytest.raises(ValueError, match="each line must start with whitespace"):
        deb_bytes(package(description="x\nDepends: everything"), DATE)


@pytest.mark.parametrize("content", [b"", b"text", b"!<arch>\n", b"PK\x03\x04"])
def test_what_is_no_package(content: bytes) -> None:
    with pytest.raises(BadInput, match=r"`x\.deb` is no Debian package"):
        read_deb(content, "x.deb")


def test_every_truncation_is_bad_input() -> None:
    whole = deb_bytes(FULL, DATE)
    for length in range(len(whole) - 1):
        with pytest.raises(BadInput):
            read_deb(whole[:length], "x.deb")


def test_damage_is_bad_input_or_harmless() -> None:
    whole = deb_bytes(FULL, DATE)
    for offset in range(len(whole)):
        damaged = whole[:offset] + bytes([whole[offset] ^ 0x55]) + whole[offset + 1 :]
        try:
            read = read_deb(damaged, "x.deb")
        except BadInput:
            continue
        assert read == FULL, offset


def test_paths_are_encoded_in_utf_8_in_every_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = package(
        files=(File(PurePosixPath("/é"), b""),), links=(Link(PurePosixPath("/l"), PurePosixPath("/é")),)
    )
    expected = deb_bytes(planned, DATE)
    monkeypatch.setattr("os.fsencode", lambda path: str(path).encode("latin-1"))
    assert deb_bytes(planned, DATE) == expected
