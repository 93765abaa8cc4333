"""The packed first-boot file on a fake Debian system: run, run again, failing, and killed in the middle."""

import fcntl
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from firstboot.commands import output_of
from firstboot.steps import StepFailed
from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import hook_bytes
from pmx_cluster_tb.sources import read_first_boot_program
from tests.firstboot.debian import FakeDebian
from tests.plans import seed_plan

PLAN = seed_plan()
NODE = PLAN.nodes[0]
PACKAGES = (PLAN.ring_package, NODE.package)
INSTALLED = [f"{package.name} {package.version} installed" for package in PACKAGES]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    debs = {package.file_name: deb_bytes(package, release.RELEASE_DATE) for package in PACKAGES}
    path = tmp_path_factory.mktemp("hook") / "proxmox-first-boot"
    path.write_bytes(hook_bytes(read_first_boot_program(), NODE.first_boot, debs, release.RELEASE_DATE))
    path.chmod(0o700)
    return path


@pytest.fixture
def debian(tmp_path: Path) -> FakeDebian:
    return FakeDebian.made_in(tmp_path / "debian")


def test_installs_both_packages_in_one_run(archive: Path, debian: FakeDebian) -> None:
    result = debian.first_boot(archive, "fully-up")
    assert result.returncode == 0, result.stdout + result.stderr
    assert debian.installed == INSTALLED
    assert debian.commands() == ["apt-get"]
    (call,) = [call for call in debian.calls() if call["command"][0] == "apt-get"]  # type: ignore[index]
    folder = debian.root / "run/pmx-first-boot"
    assert call["command"] == [
        "apt-get",
        "--yes",
        "--quiet",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=600",
        "-o",
        "Dpkg::Options::=--force-confdef",
        "-o",
        "Dpkg::Options::=--force-confold",
        "install",
        *(str(folder / package.file_name) for package in PACKAGES),
    ]
    # _apt can read them, nobody but root can change them
    assert call["files"] == {str(folder / package.file_name): ["0o100644", "0o40755"] for package in PACKAGES}
    assert debian.unpacked() == []


def test_environment_of_commands(archive: Path, debian: FakeDebian) -> None:
    debian.first_boot(archive, "fully-up")
    for call in debian.calls():
        environment = call["environment"]
        assert isinstance(environment, dict)
        assert environment["HOME"] == "/root"
        assert environment["DEBIAN_FRONTEND"] == "noninteractive"
        assert environment["LC_ALL"] == "C.UTF-8"
        # dpkg looks for ldconfig and start-stop-daemon
        assert environment["PATH"].startswith(f"{debian.root}/bin:")
        assert {"/usr/sbin", "/sbin"} <= set(environment["PATH"].split(":"))
        assert call["input"] == ""


def test_every_line_says_who_speaks(archive: Path, debian: FakeDebian) -> None:
    result = debian.first_boot(archive, "fully-up")
    lines = result.stdout.splitlines()
    assert lines[:2] == [
        "pmx first boot: node `pve1` of cluster `pvc1`",
        "pmx first boot: packages: started",
    ]
    assert lines[-2:] == ["pmx first boot: packages: done", "pmx first boot: finished"]
    assert all(line.startswith("pmx first boot: ") for line in lines)


def test_a_second_run_does_nothing(archive: Path, debian: FakeDebian) -> None:
    debian.first_boot(archive, "fully-up")
    result = debian.first_boot(archive)
    assert result.returncode == 0
    assert "pmx first boot: packages: already done" in result.stdout.splitlines()
    assert debian.commands() == ["apt-get"]


@pytest.mark.parametrize(
    "before",
    [
        INSTALLED[:1],
        [INSTALLED[0], INSTALLED[1].replace("installed", "unpacked")],
        [INSTALLED[0], INSTALLED[1].replace("installed", "config-files")],
        [INSTALLED[0].replace("0.1.0", "0.0.9"), INSTALLED[1]],
    ],
)
def test_anything_less_is_installed(archive: Path, debian: FakeDebian, before: list[str]) -> None:
    (debian.root / "packages").write_text("".join(f"{line}\n" for line in before))
    assert debian.first_boot(archive, "fully-up").returncode == 0
    assert sorted(debian.installed) == sorted(INSTALLED)


def test_a_failure_says_what_to_do_and_leaves_nothing(archive: Path, debian: FakeDebian) -> None:
    debian.trouble("apt-get", "Unable to locate package lldpd")
    result = debian.first_boot(archive, "fully-up")
    assert result.returncode == 1
    assert "E: Unable to locate package lldpd" in result.stderr
    *_, error, hint = result.stdout.splitlines()
    assert error.startswith("pmx first boot: error: packages: `apt-get --yes ")
    assert error.endswith(".deb` ended with status 100")
    assert hint == (
        "pmx first boot: hint: mend what apt says above (packages not found: `apt-get update` must succeed), "
        f"then run {archive} again, or reboot: every boot tries again"
    )
    assert debian.unpacked() == []
    assert debian.first_boot(archive, "fully-up").returncode == 0
    assert debian.installed == INSTALLED


def test_a_run_after_a_killed_one_succeeds(archive: Path, debian: FakeDebian) -> None:
    debian.trouble("apt-get", "kill")
    assert debian.first_boot(archive, "fully-up").returncode == -9
    assert debian.unpacked() == ["pmx-first-boot"]
    result = debian.first_boot(archive, "fully-up")
    assert result.returncode == 0, result.stdout
    assert debian.installed == INSTALLED
    assert debian.unpacked() == []


def test_ctrl_c_lets_apt_finish(archive: Path, debian: FakeDebian) -> None:
    debian.trouble("apt-get", "interrupt")
    result = debian.first_boot(archive, "fully-up")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "pmx first boot: waiting for the command to end by itself" in result.stdout.splitlines()
    assert debian.installed == INSTALLED


def test_an_interrupted_dpkg_is_finished_first(archive: Path, debian: FakeDebian) -> None:
    (debian.root / "var/lib/dpkg/updates/0001").touch()
    assert debian.first_boot(archive, "fully-up").returncode == 0
    assert debian.commands() == ["dpkg", "apt-get"]


def test_success_that_installs_nothing_is_a_failure(archive: Path, debian: FakeDebian) -> None:
    (debian.root / "bin/apt-get").write_text("#!/bin/sh\nexit 0\n")
    result = debian.first_boot(archive, "fully-up")
    assert result.returncode == 1
    assert "error: packages: its commands succeeded, but it is not done" in result.stdout


def test_no_debian_system(archive: Path, debian: FakeDebian) -> None:
    (debian.root / "bin/dpkg-query").write_text("#!/bin/sh\necho oops >&2\nexit 2\n")
    result = debian.first_boot(archive, "fully-up")
    assert result.returncode == 1
    assert "ended with status 2\npmx first boot: hint: oops\n" in result.stdout


def test_a_missing_program() -> None:
    with pytest.raises(StepFailed, match="`no-such-program` is not installed"):
        output_of(["no-such-program"])


def test_no_room_to_unpack(archive: Path, debian: FakeDebian) -> None:
    (debian.root / "run").rmdir()
    result = debian.first_boot(archive, "fully-up")
    assert result.returncode == 1
    assert f"error: [Errno 2] No such file or directory: '{debian.root}/run/pmx-first-boot'" in result.stdout
    assert "hint: it must run as root, and have room below /run" in result.stdout


def test_two_at_once(archive: Path, debian: FakeDebian) -> None:
    with archive.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = debian.first_boot(archive, "fully-up")
    assert result.returncode == 1
    assert f"error: {archive} is running already" in result.stdout
    assert debian.calls() == []


def _repacked(archive: Path, folder: Path, name: str, content: bytes) -> Path:
    copy = folder / "proxmox-first-boot"
    with zipfile.ZipFile(archive) as before, zipfile.ZipFile(copy, "w") as after:
        for info in before.infolist():
            after.writestr(info, content if info.filename == name else before.read(info))
    return copy


def test_a_package_that_is_not_the_one_in_the_settings(
    archive: Path, debian: FakeDebian, tmp_path: Path
) -> None:
    other = _repacked(archive, tmp_path, f"packages/{NODE.package.file_name}", b"something else")
    result = debian.first_boot(other, "fully-up")
    assert result.returncode == 1
    assert f"{NODE.package.file_name} has another SHA-256 than the settings say" in result.stdout
    assert debian.commands() == []
    assert debian.unpacked() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (b"{", "error: no JSON: "),
        (json.dumps({"schema": 2}).encode(), "error: schema is 2, and this program reads 1 only"),
    ],
)
def test_settings_of_another_version(
    archive: Path, debian: FakeDebian, tmp_path: Path, settings: bytes, message: str
) -> None:
    result = debian.first_boot(_repacked(archive, tmp_path, "settings.json", settings), "fully-up")
    assert result.returncode == 1
    assert message in result.stdout
    assert "hint: copy the file again, or build it again with `pmx-cluster-tb build`" in result.stdout
    assert debian.calls() == []


def test_help_of_the_executable_file(archive: Path, tmp_path: Path) -> None:
    # with this Python in its first line: the system's may not be there, or an older one
    copy = tmp_path / "first-boot"
    _, rest = archive.read_bytes().split(b"\n", 1)
    copy.write_bytes(f"#!{sys.executable} -IB\n".encode() + rest)
    copy.chmod(0o700)
    result = subprocess.run([copy, "--help"], check=True, capture_output=True, text=True, env={})
    assert result.stdout.startswith("usage: first-boot [-h] [ordering]\n")
    assert list(tmp_path.iterdir()) == [copy]
