"""What a node tells of itself."""

from pathlib import Path

import pytest

from firstboot.steps.repositories import node_facts

# what the reading must stand: tables inside a release, and the mark named in a comment
_RELEASES = """# a comment that names `current-backend-default`
my $releases = {
    squid => {
        'some-table' => {
            9 => 1,
        },
    },
    tentacle => {
        'some-table' => {
            arm64 => 1,
        },
        'current-backend-default' => 1,
    },
};
"""
_STATUS = """Package: ceph-base
Status: {status}
Architecture: amd64
Version: {version}
Description: ceph
 Version: 1.2

Package: dpkg
Status: install ok installed
Architecture: arm64
Version: 1.22.21
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text("NAME=Debian\nVERSION_CODENAME=trixie\nID=debian\n")
    return tmp_path


def test_a_bare_system(root: Path) -> None:
    facts = node_facts(root, {})
    assert (facts.codename, facts.default_ceph, facts.installed_ceph) == ("trixie", "", 0)
    assert facts.architecture == "amd64"
    assert facts.key_files == frozenset()


@pytest.mark.parametrize(
    "line", ["VERSION_CODENAME=forky", 'VERSION_CODENAME="forky"', "VERSION_CODENAME='forky'"]
)
def test_the_codename_may_be_quoted(root: Path, line: str) -> None:
    (root / "etc/os-release").write_text(f"{line}\n")
    assert node_facts(root, {}).codename == "forky"


def test_os_release_in_usr_is_enough(root: Path) -> None:
    (root / "usr/lib").mkdir(parents=True)
    (root / "etc/os-release").rename(root / "usr/lib/os-release")
    assert node_facts(root, {}).codename == "trixie"


def test_ceph_release_of_pveceph(root: Path) -> None:
    file = root / "usr/share/perl5/PVE/Ceph/Releases.pm"
    file.parent.mkdir(parents=True)
    file.write_text(_RELEASES)
    assert node_facts(root, {}).default_ceph == "tentacle"


@pytest.mark.parametrize(
    ("status", "version", "major"),
    [
        ("install ok installed", "19.2.3-pve1", 19),
        ("install ok installed", "1:20.2.0-pve2", 20),
        ("deinstall ok config-files", "19.2.3-pve1", 0),
    ],
)
def test_installed_ceph_and_architecture(root: Path, status: str, version: str, major: int) -> None:
    (root / "var/lib/dpkg/status").write_text(_STATUS.format(status=status, version=version))
    facts = node_facts(root, {})
    assert facts.installed_ceph == major
    assert facts.architecture == "arm64"


def test_keys_that_exist(root: Path) -> None:
    for name in ("usr/share/keyrings/a.gpg", "etc/apt/trusted.gpg.d/b.asc", "srv/c.gpg", "srv/d.gpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    files = {
        "etc/apt/sources.list": b"deb [signed-by=/srv/c.gpg,/srv/e.gpg] http://x.example.org/ trixie main\n"
    }
    expected = {"/usr/share/keyrings/a.gpg", "/etc/apt/trusted.gpg.d/b.asc", "/srv/c.gpg"}
    assert node_facts(root, files).key_files == expected
