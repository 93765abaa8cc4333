"""The packed first-boot file on a fake node: run, run again, failing, killed at every command, by hand."""

import fcntl
import hashlib
import json
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from firstboot.apt import fix_broken
from firstboot.settings import STEPS
from tests.firstboot.conftest import repacked, with_member
from tests.firstboot.node import HOOK, PLAN, FakeNode

pytestmark = pytest.mark.slow

PREFIX = "pmx first boot: "
PACKAGES = (PLAN.ring_package, PLAN.nodes[0].package)
RECORD = "var/lib/pmx-ring/first-boot/record.jsonl"
USER = {
    "name": "pieter",
    "full_name": "",
    "password_hash": "$6$secret$digest",
    "ssh_keys": ["ssh-ed25519 A b"],
}
QUICK = {"first_pause_s": 60, "longest_pause_s": 60, "boots": 3, "reboots": 1}


def digest(archive: Path) -> str:
    return hashlib.sha256(zipfile.ZipFile(archive).read("settings.json")).hexdigest()


def once(deadline_s: int = 50) -> dict[str, object]:
    """Settings that leave time for one try of each step."""
    return {"retry": QUICK, "deadlines_s": dict.fromkeys(STEPS, deadline_s)}


def test_all_steps_once(archive: Path, node: FakeNode) -> None:
    result = node.first_boot(archive, "fully-up")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [call[0] for call in node.calls()] == ["apt-get", "apt-get", "apt-get"]
    update, upgrade, install = node.calls()
    assert update[-2:] == ["--error-on=any", "update"]
    assert upgrade[-1] == "full-upgrade"
    names = [f"/run/pmx-first-boot/{package.file_name}" for package in PACKAGES]
    assert install[-5:] == ["install", "--no-install-recommends", "--allow-downgrades", *names]
    for call in (update, upgrade, install):
        assert "Dpkg::Options::=--force-confold" in call
        assert "--yes" in call
    assert set(node.installed()) == {package.name for package in PACKAGES}
    assert [path.name for path in (node.root / "run").iterdir()] == ["pmx-first-boot.lock"]


def test_packages_are_unpacked_where_apt_may_read_them(archive: Path, node: FakeNode) -> None:
    node.first_boot(archive, "fully-up")
    files = [call["files"] for call in node.all_calls() if "install" in call["words"]]
    assert [list(modes.values()) for modes in files] == [["0o100644", "0o100644"]]  # type: ignore[attr-defined]


def test_lists_of_an_earlier_update_are_fetched_anew(archive: Path, node: FakeNode) -> None:
    """An empty one that a power cut left is up to date for apt, which then upgrades nothing."""
    kept = [node.write("var/lib/apt/lists/lock", ""), node.write("/var/lib/apt/lists/partial/one", "")]
    empty = node.write("var/lib/apt/lists/download.example_dists_bookworm_main_binary-amd64_Packages", "")
    node.first_boot(archive, "fully-up")
    assert not empty.exists()
    assert all(file.exists() for file in kept)


def test_environment_of_commands(archive: Path, node: FakeNode) -> None:
    node.first_boot(archive, "fully-up")
    for call in node.all_calls():
        environment = call["environment"]
        assert isinstance(environment, dict)
        assert environment["HOME"] == "/root"
        assert environment["DEBIAN_FRONTEND"] == "noninteractive"
        assert environment["LC_ALL"] == "C.UTF-8"
        # dpkg looks for ldconfig and start-stop-daemon
        assert {"/usr/sbin", "/sbin"} <= set(environment["PATH"].split(":"))


def test_only_the_last_line_of_a_success_has_the_digest(archive: Path, node: FakeNode) -> None:
    lines = node.first_boot(archive, "fully-up").stdout.splitlines()
    assert lines[0] == f"{PREFIX}node `pve1` of cluster `pvc1`"
    assert lines[-1] == f"{PREFIX}finished: {digest(archive)}"
    assert all(line.startswith(PREFIX) for line in lines)
    assert [line for line in lines if digest(archive) in line] == lines[-1:]
    events = [json.loads(line) for line in (node.root / RECORD).read_text().splitlines()]
    assert events[-1]["settings"] == digest(archive)
    assert digest(archive) not in json.dumps(events[:-1])


def test_a_second_run_from_a_copy_does_nothing(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    node.first_boot(archive, "fully-up")
    before, calls = node.tree(), node.all_calls()
    result = node.first_boot(repacked(archive, tmp_path / "copy"))
    assert result.returncode == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{PREFIX}finished already at ")
    assert line.endswith(": nothing to do")
    assert (node.tree(), node.all_calls()) == (before, calls)


def test_the_hook_goes_and_a_copy_stays(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    hook = node.write(HOOK, "", 0o700)
    copy = repacked(archive, tmp_path / "copy", user=USER)
    hook.write_bytes(copy.read_bytes())
    result = node.first_boot(copy, "fully-up")
    assert result.returncode == 0, result.stdout
    assert f"`{copy}` holds a password's hash" in result.stdout
    assert copy.exists()
    # the unit still finds a program that succeeds, if power fails before it removes its flag
    assert b"$6$" not in hook.read_bytes()
    assert stat.S_IMODE(hook.stat().st_mode) == 0o700
    assert subprocess.run([hook, "fully-up"], check=False).returncode == 0


def test_the_hook_removes_itself(archive: Path, node: FakeNode) -> None:
    hook = node.write(HOOK, "", 0o700)
    hook.write_bytes(archive.read_bytes())
    result = node.first_boot(hook, "fully-up")
    assert result.returncode == 0, result.stdout + result.stderr
    assert hook.read_bytes().startswith(b"#!/bin/sh\n")
    assert result.stdout.splitlines()[-1] == f"{PREFIX}finished: {digest(archive)}"


def test_the_hook_of_an_earlier_build_goes_too(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    """It failed, and somebody mended the cluster file, built again and ran that by hand."""
    earlier = repacked(archive, tmp_path / "earlier", user=USER, extras=["misspelt"])
    hook = node.write(HOOK, "", 0o700)
    hook.write_bytes(earlier.read_bytes())
    later = repacked(archive, tmp_path / "later", user=USER)
    assert node.first_boot(later, "fully-up").returncode == 0
    assert b"$6$" not in hook.read_bytes()
    assert subprocess.run([hook, "fully-up"], check=False).returncode == 0


def test_by_hand_on_another_root_the_rest_is_left_to_its_boot(archive: Path, node: FakeNode) -> None:
    hook = node.write(HOOK, "", 0o700)
    hook.write_bytes(archive.read_bytes())
    result = node.first_boot(archive)
    assert result.returncode == 0, result.stdout
    assert "its own first boot does the rest" in result.stdout.splitlines()[-1]
    assert digest(archive) not in result.stdout
    assert hook.read_bytes() == archive.read_bytes()
    assert "finished already" not in node.first_boot(archive, "fully-up").stdout


def test_another_hook_is_left_alone(archive: Path, node: FakeNode) -> None:
    hook = node.write(HOOK, "#!/bin/sh\necho mine\n", 0o700)
    assert node.first_boot(archive).returncode == 0
    assert hook.read_text() == "#!/bin/sh\necho mine\n"


def test_a_failed_optional_step_is_tried_again(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    hook = repacked(archive, tmp_path / "x", extras=["iperf3"], user=USER, **once())
    node.state("packages", "sudo 1 installed\npmx-ring 99 installed\npmx-pvc1-pve1 99 installed\n")
    command = node.commands / "apt-get"
    text = command.read_text()
    lines = text.splitlines(keepends=True)
    command.write_text("".join([lines[0], 'case "$*" in *iperf3) exit 100 ;; esac\n', *lines[1:]]))
    result = node.first_boot(hook, "fully-up")
    assert result.returncode == 1
    assert "not finished, because of extras: the next boot tries again, 2 at most" in result.stdout
    assert "user: done" in result.stdout
    command.write_text(text)
    assert node.first_boot(hook, "fully-up").returncode == 0
    assert "iperf3" in node.installed()


def test_a_failure_names_step_command_and_remedy(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    hook = repacked(archive, tmp_path / "x", **once())
    node.state("trouble-apt-get", "always Unable to fetch")
    result = node.first_boot(hook, "fully-up")
    assert result.returncode == 1
    *_, failed, hint, end = result.stdout.splitlines()
    assert failed.startswith(f"{PREFIX}upgrade: failed after ")
    assert "`apt-get --yes " in failed
    assert failed.endswith("ended with status 100: E: always Unable to fetch")
    assert hint == (
        f"{PREFIX}hint: mend what it says, so that `apt-get --error-on=any update` succeeds, then reboot: "
        "every boot tries again"
    )
    assert end.startswith(f"{PREFIX}not finished, because of upgrade: ")
    # the package with `pmx-ring` is not there yet
    assert end.endswith("; `journalctl -u 'proxmox-first-boot*'` tells all of it")
    node.write("usr/sbin/pmx-ring", "")
    assert node.first_boot(hook, "fully-up").stdout.endswith("; `pmx-ring first-boot` tells all of it\n")


def test_boots_end_and_a_person_starts_again(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    hook = repacked(archive, tmp_path / "x", **once())
    node.state("trouble-apt-get", "always no")
    assert node.first_boot(hook, "fully-up").returncode == 1
    record = node.root / RECORD
    # the fake node has the boot id of this machine: the other boots are written
    start = next(line for line in record.read_text().splitlines() if '"start"' in line)
    with record.open("a") as file:
        for number in range(2):
            file.write(json.dumps({**json.loads(start), "boot": str(number)}) + "\n")
    calls = len(node.all_calls())
    for _ in range(2):
        result = node.first_boot(hook, "fully-up")
        assert result.returncode == 1
        assert f"{PREFIX}gave up after 3 boots; the last one failed so:" in result.stdout
        assert f"{PREFIX}upgrade: `apt-get " in result.stdout
    assert len(node.all_calls()) == calls
    assert record.read_text().count('"gave-up"') == 1
    (node.folder / "trouble-apt-get").unlink()
    assert node.first_boot(hook).returncode == 0


def test_giving_up_although_no_boot_came_to_an_end(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    hook = repacked(archive, tmp_path / "x", **once())
    node.state("trouble-apt-get", "kill")
    assert node.first_boot(hook, "fully-up").returncode == -9
    with (node.root / RECORD).open("a") as file:
        run = json.loads((node.root / RECORD).read_text().splitlines()[0])["run"]
        for number in range(2):
            event = {"event": "start", "time": "", "run": run, "boot": str(number), "how": "at boot"}
            file.write(json.dumps(event) + "\n")
    said = node.first_boot(hook, "fully-up").stdout.splitlines()
    assert said[1] == f"{PREFIX}gave up after 3 boots; none of them came to an end, in `upgrade` last"
    assert said[2].startswith(f"{PREFIX}hint: ")


def test_an_interrupted_dpkg_is_finished_first(archive: Path, node: FakeNode) -> None:
    (node.root / "var/lib/dpkg/updates/0001").touch()
    node.state("audit", "The following packages are only half installed\n")
    assert node.first_boot(archive, "fully-up").returncode == 0
    calls = node.calls()
    assert calls[0] == ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"]
    assert calls[1][-1] == "update"
    assert calls[2][-2:] == ["--fix-broken", "install"]


def test_what_dpkg_wants_to_be_unpacked_again_is_named(node: FakeNode) -> None:
    node.state("audit", "The following packages are in a mess\n")
    node.state("packages", "sudo ok\niperf3 reinstreq\n")
    fix_broken(node.system())
    assert node.calls()[-1][-4:] == ["--reinstall", "--fix-broken", "install", "iperf3"]


def test_a_newer_package_stays(archive: Path, node: FakeNode) -> None:
    node.state("packages", "".join(f"{package.name} 99 installed\n" for package in PACKAGES))
    assert node.first_boot(archive, "fully-up").returncode == 0
    assert "99" in (node.folder / "packages").read_text()


@pytest.mark.parametrize("step", STEPS)
def test_one_step(archive: Path, node: FakeNode, step: str) -> None:
    result = node.first_boot(archive, "--step", step)
    assert result.returncode == 0, result.stdout
    assert f"{PREFIX}{step}: done after" in result.stdout
    assert "finished" not in result.stdout


def test_a_dry_run_changes_nothing(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    hook = repacked(archive, tmp_path / "x", extras=["iperf3"], desktop=True, user=USER)
    node.write(
        "etc/apt/sources.list.d/pve-enterprise.list",
        "deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n",
    )
    before = node.tree()
    result = node.first_boot(hook, "--dry-run")
    assert result.returncode == 0, result.stdout + result.stderr
    assert node.tree() == before
    assert node.calls() == []
    assert "\n-deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n" in result.stdout
    assert "would run `apt-get" in result.stdout
    assert "$6$" not in result.stdout
    assert not (node.root / RECORD).exists()


def test_the_hash_is_never_shown(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    hook = repacked(archive, tmp_path / "x", user=USER, retry={**QUICK, "first_pause_s": 1})
    node.state("trouble-chpasswd", "once")
    result = node.first_boot(hook, "fully-up")
    assert result.returncode == 0, result.stdout
    assert "$6$secret" not in result.stdout + result.stderr + (node.root / RECORD).read_text()
    assert "$6$secret$digest" in (node.root / "etc/shadow").read_text()


def test_two_at_once(archive: Path, node: FakeNode) -> None:
    with (node.root / "run/pmx-first-boot.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = node.first_boot(archive, "fully-up")
    assert result.returncode == 1
    assert f"{PREFIX}error: first boot is running already" in result.stdout
    assert node.all_calls() == []


def test_a_package_that_is_not_the_one_in_the_settings(archive: Path, node: FakeNode, tmp_path: Path) -> None:
    name = PACKAGES[1].file_name
    other = with_member(archive, tmp_path / "x", f"packages/{name}", b"something else")
    result = node.first_boot(other, "fully-up")
    assert result.returncode == 1
    assert f"{name} has another SHA-256 than the settings say" in result.stdout
    assert "trying again" not in result.stdout


@pytest.mark.parametrize(
    ("settings", "message"),
    [(b"{", "error: no JSON: "), (b'{"schema": 2}', "error: schema is 2, and this program reads 1 only")],
)
def test_settings_of_another_version(
    archive: Path, node: FakeNode, tmp_path: Path, settings: bytes, message: str
) -> None:
    result = node.first_boot(with_member(archive, tmp_path / "x", "settings.json", settings), "fully-up")
    assert result.returncode == 1
    assert message in result.stdout
    assert "hint: copy the file again, or build it again with `pmx-cluster-tb build`" in result.stdout
    assert node.all_calls() == []


def test_a_wrong_command_line(archive: Path, node: FakeNode) -> None:
    for words in (["sometime"], ["--step", "nothing"], ["--rot", "/"]):
        assert node.first_boot(archive, *words).returncode == 2
    assert node.all_calls() == []


def test_help_of_the_executable_file(archive: Path, tmp_path: Path) -> None:
    # with this Python in its first line: the system's may not be there, or an older one
    copy = tmp_path / "first-boot"
    content = archive.read_bytes()
    copy.write_bytes(f"#!{sys.executable} -IB\n".encode() + content[content.index(b"PK\3\4") :])
    copy.chmod(0o700)
    result = subprocess.run([copy, "--help"], check=True, capture_output=True, text=True, env={})
    assert result.stdout.startswith("usage: first-boot [-h] [--root DIR] [--step NAME] [--dry-run]")
    assert list(tmp_path.iterdir()) == [copy]


def test_killed_at_each_command(archive: Path, tmp_path: Path) -> None:
    """Before one and after the next; one more boot ends as an undisturbed run does."""
    _kill_at_each_command(archive, tmp_path, lambda number: ["before", "after"][number % 2 :][:1])


@pytest.mark.full
def test_killed_before_and_after_each_command(archive: Path, tmp_path: Path) -> None:
    _kill_at_each_command(archive, tmp_path, lambda _: ["before", "after"])


def _kill_at_each_command(archive: Path, tmp_path: Path, moments: Callable[[int], list[str]]) -> None:
    hook = repacked(archive, tmp_path / "x", user=USER, extras=["iperf3"])
    undisturbed = FakeNode.made_in(tmp_path / "undisturbed")
    assert undisturbed.first_boot(hook, "fully-up").returncode == 0
    calls = [call["words"] for call in undisturbed.all_calls()]
    changing = [number for number, words in enumerate(calls, start=1) if words in undisturbed.calls()]
    assert len(changing) >= 8
    for number in changing:
        for moment in moments(number):
            node = FakeNode.made_in(tmp_path / f"{moment}-{number}")
            node.state(f"kill-{moment}", str(number))
            assert node.first_boot(hook, "fully-up").returncode == -9, calls[number - 1]
            shutil.rmtree(node.root / "run")  # as a boot does
            (node.root / "run").mkdir()
            result = node.first_boot(hook, "fully-up")
            assert result.returncode == 0, f"{moment} {calls[number - 1]}\n{result.stdout}"
            assert node.tree() == undisturbed.tree(), f"{moment} {calls[number - 1]}"
