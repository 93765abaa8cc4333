"""The archive that Ventoy injects: the chosen answer reaches the installer, or none does."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.stick.request import injection_archive
from pmx_cluster_tb.plan.bundle import marked_answer
from pmx_cluster_tb.plan.ventoy import nothing_script
from pmx_cluster_tb.sources import read_stick_sources
from tests.artifacts.ram_disk import MODES, RamDisk
from tests.isos import INIT
from tests.plans import mac_plan
from tests.roots.commands import require, run

ARCHIVE = injection_archive(read_stick_sources())
ANSWER = marked_answer(mac_plan().nodes[1])
OWN = "58:47:ca:00:00:02"
SWITCH = b"exec switch_root -c /dev/console /mnt/.installer-mp /sbin/unconfigured.sh\n"
INITS = {
    "exec": INIT,
    "if-exec": INIT.replace(SWITCH, b"    if ! " + SWITCH.strip() + b"; then\n        echo no\n    fi\n"),
}
DELIVER = "/ventoy/busybox/sh /pmx-answer/deliver.sh"
SCRIPTS = {
    "live_injection_7ed136ec_7a61_4b54_adc3_ae494d5106ea/hook.sh",
    "pmx-answer/deliver.sh",
    "pmx-answer/patch-init.sh",
    "ventoy/hook/debian/ventoy-before-init.sh",
}


def test_the_archive_is_small_and_the_same_every_time() -> None:
    assert injection_archive(read_stick_sources()) == ARCHIVE
    assert len(ARCHIVE) < 10 * 1024
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(ARCHIVE))) as archive:
        members = archive.getmembers()
    assert {member.name for member in members} == SCRIPTS
    assert all(member.isfile() and member.mode == 0o755 and member.uid == 0 for member in members)


def test_the_inits_differ() -> None:
    assert INITS["exec"] != INITS["if-exec"]


@pytest.fixture(params=INITS)
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> RamDisk:
    """On which node pve2's answer was chosen."""
    disk = RamDisk.made_in(tmp_path / "disk", INITS[request.param], ARCHIVE)
    disk.choose(ANSWER)
    return disk


both_modes = pytest.mark.parametrize("mode", MODES)


@pytest.mark.root
@both_modes
def test_the_chosen_answer_is_where_the_installer_looks(disk: RamDisk, mode: str) -> None:
    outcome = disk.boot(mode, "02:00:00:00:00:01", OWN)
    assert "pmx-cluster-tb: this machine is node pve2\nswitched root\nmounted\n" in outcome.stdout, outcome
    assert disk.delivered == ANSWER
    assert disk.init.count(DELIVER) == 1
    assert (
        disk.init.splitlines()[disk.init.splitlines().index(DELIVER) + 1]
        .lstrip()
        .startswith(("exec", "if ! exec"))
    )
    run(["sh", "-n", str(disk.root / "init")])


@pytest.mark.root
def test_an_init_that_is_patched_stays_so(disk: RamDisk) -> None:
    disk.boot("normal")
    once = disk.init
    for _ in range(2):
        assert disk.run("/pmx-answer/patch-init.sh").said == ""
    assert disk.init == once


@pytest.mark.root
@both_modes
@pytest.mark.parametrize("macs", [[], ["58:47:ca:00:00:01"], ["58:47:ca:00:00:12", "5a:47:ca:00:00:02"]])
def test_another_machine_is_refused(disk: RamDisk, mode: str, macs: list[str]) -> None:
    outcome = disk.boot(mode, *macs)
    refused = f"pmx-cluster-tb: REFUSED: this machine is not node pve2: none of its network cards is {OWN}\n"
    assert refused in outcome.stdout, outcome
    assert_nothing_delivered(disk, outcome.stdout)


def assert_nothing_delivered(disk: RamDisk, said: str) -> None:
    """The init went on, and the installer found no answer."""
    assert said.endswith(("switched root\n", "switched root\nmounted\n"))
    assert disk.delivered is None


@pytest.mark.root
@both_modes
def test_without_a_choice_the_init_is_left_alone(disk: RamDisk, mode: str) -> None:
    (disk.root / "ventoy/autoinstall").unlink()
    outcome = disk.boot(mode, OWN)
    assert "pmx-cluster-tb: no node was chosen in Ventoy's menu\n" in outcome.stdout
    assert_nothing_delivered(disk, outcome.stdout)
    assert "pmx-answer" not in disk.init


@pytest.mark.root
@both_modes
@pytest.mark.parametrize(
    "init",
    [
        INIT.replace(b"/mnt/.installer-mp /sbin", b"/mnt/new /sbin"),
        INIT.replace(SWITCH, b"if false; then " + SWITCH.strip() + b"; fi\n" + SWITCH),
    ],
    ids=["no such line", "two of them"],
)
def test_an_unknown_init_is_left_alone(disk: RamDisk, mode: str, init: bytes) -> None:
    disk.write("init", init)
    assert_nothing_delivered(disk, disk.boot(mode, OWN).stdout)
    assert "pmx-answer" not in disk.init


@pytest.mark.root
@pytest.mark.parametrize(
    "answer", [b"\n", ANSWER.partition(b"\n")[2], ANSWER.replace(b"pmx-mac", b"pmx-nic"), b"#cloud-config\n"]
)
def test_a_file_that_is_no_answer_of_ours_is_refused(disk: RamDisk, answer: bytes) -> None:
    disk.choose(answer)
    outcome = disk.boot("normal", OWN)
    assert "REFUSED: the chosen file is no answer for a node\n" in outcome.stdout
    assert_nothing_delivered(disk, outcome.stdout)


REFUSED = "REFUSED: the answer of node pve2 cannot be put into the installer's root\n"


@pytest.mark.root
def test_half_an_answer_is_none(disk: RamDisk) -> None:
    # more than fits: the copy breaks off
    disk.choose(ANSWER + b"# more\n" * 400_000)
    outcome = disk.boot("normal", OWN)
    assert REFUSED in outcome.stdout
    assert_nothing_delivered(disk, outcome.stdout)


@pytest.mark.root
def test_a_root_that_takes_no_folder_gets_no_answer(disk: RamDisk) -> None:
    disk.write("mnt/.installer/mnt", b"a file")
    outcome = disk.boot("normal", OWN)
    assert REFUSED in outcome.stdout
    assert_nothing_delivered(disk, outcome.stdout)


@pytest.mark.root
def test_an_answer_that_is_not_mounted_is_none(disk: RamDisk) -> None:
    disk.boot("normal")
    (disk.root / "sys/class/net/enp0s0").mkdir(parents=True)
    disk.write("sys/class/net/enp0s0/address", f"{OWN}\n".encode())
    outcome = disk.run("/pmx-answer/deliver.sh", before="setpriv --bounding-set=-sys_admin")
    assert REFUSED in outcome.stdout
    assert not (disk.root / "mnt/.installer-mp/mnt/answer/answer.toml").exists()


@pytest.mark.root
@pytest.mark.parametrize("unmounted", [b"umount /sys /proc\n", b"umount /proc\n"])
def test_the_network_cards_are_found_with_and_without_sysfs(disk: RamDisk, unmounted: bytes) -> None:
    assert b"umount /sys /proc\n" in INIT
    disk.write("init", INIT.replace(b"umount /sys /proc\n", unmounted))
    disk.boot("normal", OWN)
    assert disk.delivered == ANSWER


@pytest.mark.tools
def test_the_script_of_the_line_that_does_nothing_is_one_for_grub() -> None:
    require("grub-script-check")
    script = nothing_script(mac_plan().cluster, read_stick_sources()).decode("ascii")
    run(["grub-script-check"], stdin=script)
    assert {line.split()[0] for line in script.splitlines()} == {"clear", "echo", "read"}
    assert script.splitlines()[-1].startswith("read ")
