"""`pmx-ring apply` on a machine made of files."""

import errno
import os
import subprocess
from dataclasses import replace
from ipaddress import IPv4Network
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pmx_ring import programs
from pmx_ring.system import System
from tests.clusters import seed_cluster
from tests.node.machine import DEBIAN_FRR_CONF, FRR_CONF, Machine, looks

FIRST_APPLY = """\
load the module `thunderbolt`
load the module `thunderbolt_net`
keep the controller `0000:ca:00.5` awake
keep the controller `0000:ca:00.6` awake
rename `thunderbolt0` to `en05`
rename `thunderbolt1` to `en06`
set the MTU of `en05` to 4000
bring up `en05`
set the MTU of `en06` to 4000
bring up `en06`
switch off TSO of `en05`
switch off TSO of `en06`
add `10.0.0.81/32` to lo
add `fc00::81/128` to lo
set `net/ipv4/ip_forward` to 1
set `net/ipv6/conf/all/forwarding` to 1
write `/etc/frr/frr.conf`
write `/etc/frr/daemons.conf`
enable frr.service
start FRR
restart lldpd
refresh the initramfs of every kernel
"""


def test_a_first_apply_does_everything(machine: Machine) -> None:
    assert machine.applied() == FIRST_APPLY.splitlines()
    assert machine.addresses() == ["127.0.0.1/8", "::1/128", "10.0.0.81/32", "fc00::81/128"]
    assert machine.read("/sys/class/net/en05/mtu") == "4000\n"
    assert machine.read(FRR_CONF) == machine.read("/usr/lib/pmx-ring/frr.conf")
    assert machine.path(FRR_CONF).stat().st_mode & 0o777 == 0o640


def test_a_second_apply_changes_nothing_and_says_so(machine: Machine) -> None:
    machine.put_in_force()
    before = machine.files()
    machine.forget_calls()
    assert machine.applied() == ["nothing to change"]
    assert machine.changing_calls() == []
    assert machine.files() == before


def test_a_dry_run_says_the_same_and_changes_nothing(machine: Machine) -> None:
    before = machine.files()
    status, said, wrong = machine.pmx_ring("apply", "--dry-run")
    assert (status, wrong) == (0, "")
    assert said.splitlines() == [f"would: {line}" for line in FIRST_APPLY.splitlines()]
    assert machine.changing_calls() == []
    assert machine.files() == before


def test_only_ports_are_touched(machine: Machine) -> None:
    machine.put_in_force()
    links = [call for call in machine.changing_calls() if call.startswith("ip link")]
    assert links
    assert not [call for call in machine.changing_calls() if "enp3s0" in call or "vmbr0" in call]
    assert not [call for call in machine.changing_calls() if "ifreload" in call or "ifup" in call]


def test_unplugged_ports_are_no_failure(machine: Machine) -> None:
    for name in ("thunderbolt0", "thunderbolt1"):
        machine.path(f"/sys/class/net/{name}").rename(machine.path(f"/{name}"))
    said = machine.applied()
    assert not [line for line in said if "en05" in line or "en06" in line]
    assert machine.applied() == ["nothing to change"]


def test_an_upgrade_adds_the_new_address_before_the_old_one_goes(machine: Machine) -> None:
    machine.put_in_force()
    machine.forget_calls()
    cluster = seed_cluster()
    machine.install(replace(cluster, ring=replace(cluster.ring, ipv4=IPv4Network("10.1.0.80/28"), mtu=9000)))
    assert machine.applied() == [
        "set the MTU of `en05` to 9000",
        "set the MTU of `en06` to 9000",
        "add `10.1.0.81/32` to lo",
        "remove `10.0.0.81/32` from lo",
    ]
    assert machine.addresses() == ["127.0.0.1/8", "::1/128", "fc00::81/128", "10.1.0.81/32"]
    assert machine.state.addresses == ["10.1.0.81/32", "fc00::81/128"]


def test_an_upgrade_to_other_settings_of_frr_reloads_it(machine: Machine) -> None:
    machine.put_in_force()
    machine.forget_calls()
    cluster = seed_cluster()
    machine.install(replace(cluster, ring=replace(cluster.ring, mtu=1400)))
    assert "reload FRR" in machine.applied()
    assert "lsp-mtu 1397" in machine.read("/fake/running-config")


def test_an_upgrade_to_another_port_lets_go_of_the_old_one(machine: Machine) -> None:
    machine.write("/sys/bus/pci/devices/0000:07:00.0/power/control", "auto\n")
    machine.applied()
    cluster = seed_cluster()
    first, second = cluster.nodes[0].ports
    ports = (replace(first, name="en07", path="pci-0000:07:00.0"), second)
    machine.install(replace(cluster, nodes=(replace(cluster.nodes[0], ports=ports), *cluster.nodes[1:])))
    said = machine.applied()
    assert [line for line in said if "controller" in line or "TSO" in line] == [
        "keep the controller `0000:07:00.0` awake",
        "let the controller `0000:ca:00.5` sleep",
        "switch on TSO of `en05`",
    ]
    assert machine.applied() == ["nothing to change"]


def test_a_controller_that_cannot_be_written_keeps_nothing_else_from_being_done(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for controller, error in (("0000:ca:00.5", errno.ENODEV), ("0000:ca:00.6", errno.EACCES)):
        _refuse_writing(monkeypatch, f"{controller}/power/control", error)
    status, _, wrong = machine.pmx_ring("apply")
    assert (status, "ca:00.5" in wrong) == (1, False)
    assert "error: cannot write `" in wrong
    assert "10.0.0.81/32" in machine.addresses()


def _refuse_writing(monkeypatch: pytest.MonkeyPatch, end: str, error: int) -> None:
    write_text = Path.write_text

    def refusing(path: Path, *arguments: Any) -> int:
        if str(path).endswith(end):
            raise OSError(error, os.strerror(error), str(path))
        return write_text(path, *arguments)

    monkeypatch.setattr(Path, "write_text", refusing)


def test_an_address_of_the_administrator_stays(machine: Machine) -> None:
    machine.write("/fake/lo", machine.read("/fake/lo") + "10.0.0.99/32\n")
    machine.applied()
    machine.uninstall()
    machine.applied()
    assert machine.addresses() == ["127.0.0.1/8", "::1/128", "10.0.0.99/32"]


def test_a_removed_package_takes_back_what_was_done(machine: Machine) -> None:
    machine.put_in_force()
    machine.uninstall()
    machine.write("/fake/port-units", "pmx-ring-port@en05.service loaded active exited\n")
    assert machine.applied() == [
        "let the controller `0000:ca:00.5` sleep",
        "let the controller `0000:ca:00.6` sleep",
        "stop the units of the ports",
        "switch on TSO of `en05`",
        "switch on TSO of `en06`",
        "remove `10.0.0.81/32` from lo",
        "remove `fc00::81/128` from lo",
        "put back `/etc/frr/daemons.conf` as it was",
        "put back `/etc/frr/frr.conf` as it was",
        "disable and stop frr.service",
        "restart lldpd",
        "refresh the initramfs of every kernel",
    ]
    assert machine.read(FRR_CONF) == DEBIAN_FRR_CONF
    assert not machine.path("/etc/frr/daemons.conf").exists()
    assert machine.applied() == ["nothing to change"]


class KilledError(BaseException):
    """The end of the process, as far as a test can have it."""


def kill_at(monkeypatch: pytest.MonkeyPatch, effect: int) -> None:
    """Kill the program just before its effect number `effect`: a file put into place, a program that acts."""
    effects = count(1)
    run, replace_file = subprocess.run, Path.replace

    def live() -> None:
        if next(effects) == effect:
            raise KilledError

    def lethal_run(command: list[str], **options: Any) -> Any:
        if not looks(" ".join(command)):
            live()
        return run(command, **options)

    def lethal_replace(path: Path, target: Path) -> Path:
        live()
        return replace_file(path, target)

    monkeypatch.setattr(subprocess, "run", lethal_run)
    monkeypatch.setattr(Path, "replace", lethal_replace)


EFFECTS = 33


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param(effect, marks=() if effect % 6 == 0 else pytest.mark.full)
        for effect in range(1, EFFECTS + 1)
    ],
)
def test_an_apply_killed_anywhere_is_completed_by_the_next(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, effect: int
) -> None:
    with monkeypatch.context() as patch:
        kill_at(patch, effect)
        with pytest.raises(KilledError):
            machine.pmx_ring("apply")
    machine.applied()
    assert machine.applied() == ["nothing to change"]
    machine.uninstall()
    machine.applied()
    assert machine.read(FRR_CONF) == DEBIAN_FRR_CONF
    assert machine.addresses() == ["127.0.0.1/8", "::1/128"]


def test_no_effect_is_left_out_above(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_at(monkeypatch, EFFECTS + 1)
    machine.applied()


def test_a_failing_program_is_told_and_the_other_steps_are_done(machine: Machine) -> None:
    machine.write("/fake/fail", "systemctl try-restart lldpd.service")
    status, said, wrong = machine.pmx_ring("apply")
    assert status == 1
    assert "refresh the initramfs of every kernel" in said
    assert wrong == (
        "error: `systemctl try-restart lldpd.service` failed with status 1: it broke\n"
        "  hint: `journalctl -u lldpd` says why\n"
    )
    machine.path("/fake/fail").unlink()
    machine.forget_calls()
    assert machine.applied() == ["restart lldpd"]
    # the service that failed so would count as failed until the next boot
    assert machine.changing_calls()[-1] == "systemctl reset-failed pmx-ring-apply.service"


AWAY = """\
Failed to start frr.service: Transport endpoint is not connected
Failed to connect to bus: Connection refused
Failed to connect to system scope bus via local transport: Connection refused
Failed to enable unit: Connection reset by peer
Warning! D-Bus connection terminated.
"""


def test_systemd_is_waited_for_while_it_is_executed_anew(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade of systemd does that, and an apply may run beside it."""
    monkeypatch.setattr(programs, "_PAUSE_SECONDS", 0)
    machine.write("/fake/away", AWAY)
    assert machine.applied() == FIRST_APPLY.splitlines()
    assert machine.read("/fake/away") == ""


def test_systemd_that_stays_away_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_AWAY_SECONDS", -1)
    machine.write("/fake/away", AWAY * 20)
    status, _, wrong = machine.pmx_ring("apply")
    assert (status, "failed with status 1: Failed to connect to bus: Connection refused" in wrong) == (
        1,
        True,
    )


@pytest.mark.parametrize("module", ["pmx_ring.frr", "pmx_ring.state"])
def test_a_full_disk_is_told_without_a_traceback(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    def write_file(path: Path, *_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(f"{module}.write_file", write_file)
        status, _, wrong = machine.pmx_ring("apply")
    assert status == 1
    assert "No space left on device" in wrong
    assert "`df -h / /var`" in wrong
    assert machine.read("/sys/class/net/en05/mtu") == "4000\n"
    machine.applied()


def test_the_settings_of_another_machine_are_refused(machine: Machine) -> None:
    machine.write("/etc/hostname", "PVE9.example.org\n")
    before = machine.files()
    status, said, wrong = machine.pmx_ring("apply")
    assert (status, said) == (1, "")
    assert wrong == (
        "error: the settings are those of `pve1`, this machine is `pve9` by /etc/hostname\n"
        "  hint: install the package of this machine, or `pmx-ring apply --force`\n"
    )
    assert machine.addresses() == ["127.0.0.1/8", "::1/128"]
    assert {path for path in machine.files() if path not in before} == {"var/lib/pmx-ring/state.json"}


def test_settings_that_were_forced_upon_a_machine_stay_so_until_it_is_renamed(machine: Machine) -> None:
    machine.write("/etc/hostname", "pve9\n")
    assert machine.pmx_ring("apply", "--force")[0] == 0
    assert machine.applied() == ["nothing to change"]
    machine.write("/etc/hostname", "pve8\n")
    assert machine.pmx_ring("apply")[0] == 1


def test_a_host_name_has_no_case_no_domain_and_no_comments(machine: Machine) -> None:
    machine.write("/etc/hostname", "# the name\n\nPVE1.fritz.box\n")
    machine.applied()


def test_facts_of_a_later_schema_are_refused(machine: Machine) -> None:
    facts = machine.read("/usr/lib/pmx-ring/node.json")
    machine.write("/usr/lib/pmx-ring/node.json", facts.replace('"schema": 1', '"schema": 2'))
    status, said, wrong = machine.pmx_ring("apply")
    assert (status, said) == (1, "")
    assert "has schema 2, this pmx-ring reads schema 1" in wrong


def test_nothing_is_applied_in_a_chroot(machine: Machine) -> None:
    machine.path("/run/systemd/system").rmdir()
    status, _, wrong = machine.pmx_ring("apply")
    assert (status, "systemd does not run here" in wrong) == (1, True)
    assert machine.calls() == []


def test_what_dpkg_left_beside_our_interfaces_goes(machine: Machine) -> None:
    left = ("zz-pmx-ring.dpkg-new", "zz-pmx-ring.dpkg-dist", "zz-pmx-ring.ucf-old")
    for name in (*left, "sdn"):
        machine.write(f"/etc/network/interfaces.d/{name}", "auto lo\n")
    machine.applied()
    names = {path.name for path in machine.path("/etc/network/interfaces.d").iterdir()}
    assert names == {"zz-pmx-ring", "sdn"}


def test_the_initramfs_is_refreshed_only_for_what_it_holds(machine: Machine) -> None:
    machine.put_in_force()
    cluster = seed_cluster()
    for ring, refreshed in (
        (replace(cluster.ring, mtu=9000), False),
        (replace(cluster.ring, mtu=9000, e2e=True), True),
        (replace(cluster.ring, e2e=True), False),
    ):
        machine.install(replace(cluster, ring=ring))
        assert ("refresh the initramfs of every kernel" in machine.applied()) is refreshed


REFRESH = "update-initramfs -u -k all"


@pytest.mark.parametrize("fails", [False, True])
def test_the_initramfs_is_refreshed_once_more_if_dpkg_ran_meanwhile(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    def holder(_system: System) -> int:
        machine.path("/fake/fail").unlink(missing_ok=True)
        return 4711 if machine.calls().count(REFRESH) == 1 else 0

    monkeypatch.setattr("pmx_ring.boot_image.dpkg_lock_holder", holder)
    if fails:
        machine.write("/fake/fail", REFRESH)
    machine.applied()
    assert machine.calls().count(REFRESH) == 2


def test_undo_does_not_wait_for_the_dpkg_that_runs_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.put_in_force()
    machine.uninstall()
    machine.forget_calls()
    monkeypatch.setattr("pmx_ring.boot_image.wait_for_dpkg", None)
    assert machine.pmx_ring("undo")[0] == 0
    assert machine.calls().count(REFRESH) == 1


def test_undo_in_a_chroot_touches_files_only(machine: Machine) -> None:
    machine.put_in_force()
    machine.path("/run/systemd/system").rmdir()
    machine.forget_calls()
    assert machine.pmx_ring("undo")[0] == 0
    assert machine.read(FRR_CONF) == DEBIAN_FRR_CONF
    assert machine.calls() == []
