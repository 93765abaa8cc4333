"""Our packages against dpkg-deb's of the same tree, byte for byte."""

import os
import subprocess
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmx_cluster_tb.artifacts.deb import control_text, deb_bytes, md5sums
from pmx_cluster_tb.artifacts.deb_reader import read_deb
from pmx_cluster_tb.artifacts.deb_rules import package_faults
from pmx_cluster_tb.plan.types import ControlMember, File, Link, Package
from pmx_cluster_tb.problems import BadInput
from tests.artifacts.packages import package
from tests.roots.commands import require

pytestmark = pytest.mark.tools

DATE = datetime(2026, 11, 22, 9, 12, 37, tzinfo=UTC)

# `-` and `.` sort before `/`, letters after it; `é` and `ß` are two bytes in UTF-8
names = st.text(alphabet="ab-._ +~éß€", min_size=1, max_size=9).filter(lambda name: name not in {".", ".."})
long_names = st.integers(90, 130).map(lambda length: "n" * length)
paths = st.lists(names | long_names, min_size=1, max_size=5).map(lambda parts: PurePosixPath("/", *parts))
contents = st.binary(max_size=3) | st.integers(1000, 30_000).map(lambda size: b"12345678\n" * (size // 9))
files = st.builds(File, paths, contents, st.sampled_from([0o644, 0o755, 0o600, 0o640, 0o444]))
targets = paths | st.integers(95, 105).map(lambda length: PurePosixPath("/" + "t" * length))
links = st.builds(Link, paths, targets)
scripts = st.builds(
    ControlMember,
    st.sampled_from(["preinst", "postinst", "prerm", "postrm"]),
    st.binary(max_size=9).map(lambda rest: b"#!/bin/sh\n#" + rest.hex().encode() + b"\n"),
    st.just(0o755),
)


@pytest.fixture(autouse=True, scope="module")
def dpkg_deb() -> None:
    require("dpkg-deb")


@st.composite
def packages(draw: st.DrawFn) -> Package:
    """Packages that keep dpkg's rules: whatever collides with what came before is left out."""
    drawn = package(
        members=tuple(draw(st.lists(scripts, max_size=4, unique_by=lambda member: member.name))),
        description=draw(st.sampled_from(["short\n long\n .\n ünïcode", "short\n one line"])),
    )
    for one in draw(st.lists(files | links, max_size=8)):
        extended = (
            replace(drawn, files=(*drawn.files, one))
            if isinstance(one, File)
            else replace(drawn, links=(*drawn.links, one))
        )
        drawn = drawn if package_faults(extended) else extended
    return replace(
        drawn,
        members=tuple(sorted(drawn.members, key=lambda member: member.name)),
        files=tuple(sorted(drawn.files, key=lambda file: file.path)),
        links=tuple(sorted(drawn.links, key=lambda link: link.path)),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _unpack(package: Package, root: Path) -> None:
    _write(root / "DEBIAN/control", control_text(package).encode(), 0o644)
    _write(root / "DEBIAN/md5sums", md5sums(package), 0o644)
    for member in package.members:
        _write(root / "DEBIAN" / member.name, member.content, member.mode)
    for file in package.files:
        _write(root / file.path.relative_to("/"), file.content, file.mode)
    for link in package.links:
        path = root / link.path.relative_to("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(link.target)
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())]:
        folder.chmod(0o755)


def dpkg_deb_bytes(package: Package, folder: Path, compression: str = "gzip") -> bytes:
    """What dpkg-deb makes of the same files."""
    root, deb = folder / "root", folder / "package.deb"
    root.mkdir()
    _unpack(package, root)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", root, deb],
        check=True,
        capture_output=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(int(DATE.timestamp()))},
    )
    return deb.read_bytes()


# a busy machine is no fault of the package
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(packages())
def test_the_same_bytes_as_dpkg_deb(package: Package) -> None:
    with tempfile.TemporaryDirectory(prefix="deb-") as folder:
        assert deb_bytes(package, DATE) == dpkg_deb_bytes(package, Path(folder))


@pytest.mark.parametrize("compression", ["gzip", "xz", "none"])
def test_reads_what_dpkg_deb_made(tmp_path: Path, compression: str) -> None:
    planned = package(
        files=(File(PurePosixPath("/usr/lib/x/é"), b"x" * 5000, 0o640),),
        links=(Link(PurePosixPath("/etc/x"), PurePosixPath("/usr/lib/x/é")),),
        members=(ControlMember("preinst", b"#!/bin/sh\n", 0o755),),
    )
    assert read_deb(dpkg_deb_bytes(planned, tmp_path, compression), "x.deb") == planned


def test_refuses_zstd(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is compressed with zstd"):
        read_deb(dpkg_deb_bytes(package(), tmp_path, "zstd"), "x.deb")
