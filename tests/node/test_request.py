"""Asking for an apply from dpkg's scripts, and waiting for it."""

import fcntl
import json
import multiprocessing
import os
import time
from multiprocessing.synchronize import Event

import pytest

from pmx_ring.dpkg import dpkg_lock_holder
from tests.node.machine import Machine
from tests.node.test_forwarding import ADVERTISED_ROUTE

NOTE = "/var/lib/pmx-ring/noted"
START = "systemctl start --no-block pmx-ring-apply.service"


def policy(machine: Machine, status: int) -> None:
    machine.write("/usr/sbin/policy-rc.d", f"#!/bin/sh\nexit {status}\n")
    machine.path("/usr/sbin/policy-rc.d").chmod(0o755)


def test_a_request_is_noted_and_starts_the_service(machine: Machine) -> None:
    assert machine.pmx_ring("request") == (0, "", "")
    assert machine.path(NOTE).exists()
    assert machine.calls()[-1] == START
    assert machine.addresses() == ["127.0.0.1/8", "::1/128"]


@pytest.mark.parametrize(("status", "starts"), [(0, True), (101, False), (104, True)])
def test_policy_rc_d_decides_whether_the_service_starts(
    machine: Machine, status: int, *, starts: bool
) -> None:
    policy(machine, status)
    assert machine.pmx_ring("request")[0] == 0
    assert machine.path(NOTE).exists()
    assert (START in machine.calls()) is starts


@pytest.mark.parametrize("installer", [False, True])
def test_in_a_chroot_and_in_the_installer_it_is_only_noted(machine: Machine, *, installer: bool) -> None:
    if installer:
        machine.write("/proxmox_install_mode", "")
    else:
        machine.path("/run/systemd/system").rmdir()
    assert machine.pmx_ring("request") == (
        0,
        "the settings are noted, the next boot puts them into force\n",
        "",
    )
    assert machine.path(NOTE).exists()
    assert machine.calls() == []


def test_a_request_keeps_the_router_before_systemd_applies_our_sysctls(machine: Machine) -> None:
    machine.write("/fake/default-routes", json.dumps(ADVERTISED_ROUTE))
    machine.pmx_ring("request")
    assert machine.read("/proc/sys/net/ipv6/conf/vmbr0/accept_ra") == "2\n"


def test_a_request_is_made_even_if_the_settings_cannot_be_read(machine: Machine) -> None:
    facts = machine.read("/usr/lib/pmx-ring/node.json")
    machine.write("/usr/lib/pmx-ring/node.json", facts.replace('"schema": 1', '"schema": 2'))
    assert machine.pmx_ring("request") == (0, "", "")
    assert machine.calls()[-1] == START


def test_an_apply_that_went_well_ends_the_request(machine: Machine) -> None:
    machine.pmx_ring("request")
    machine.applied()
    assert not machine.path(NOTE).exists()
    assert machine.pmx_ring("wait") == (0, "the settings are in force\n", "")


def test_an_apply_that_failed_leaves_the_request_for_the_next_boot(machine: Machine) -> None:
    machine.pmx_ring("request")
    machine.write("/etc/hostname", "pve9\n")
    assert machine.pmx_ring("apply")[0] == 1
    assert machine.path(NOTE).exists()
    status, said, wrong = machine.pmx_ring("wait")
    assert (status, said) == (1, "")
    assert wrong.startswith("error: the settings are those of `pve1`")


def test_a_request_during_an_apply_outlives_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.pmx_ring("request")

    def again(*_arguments: object, **_options: object) -> int:
        machine.path(NOTE).unlink()
        machine.write(NOTE, "")
        return 0

    monkeypatch.setattr("pmx_ring.modules.output_of", again)
    machine.applied()
    assert machine.path(NOTE).exists()


def test_a_request_of_the_apt_that_an_apply_waits_for_is_met(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.pmx_ring("request")
    monkeypatch.setattr("pmx_ring.request.dpkg_lock_holder", lambda _system: 1)
    monkeypatch.setattr("pmx_ring.request.wait_for_dpkg", lambda _system: machine.write(NOTE, "newer"))
    machine.applied()
    assert not machine.path(NOTE).exists()


def test_wait_tells_what_only_the_next_boot_does(machine: Machine) -> None:
    policy(machine, 101)
    machine.pmx_ring("request")
    status, _, wrong = machine.pmx_ring("wait")
    assert (status, "not in force before the next boot" in wrong) == (1, True)


@pytest.mark.parametrize("service", ["ActiveState=activating", "ActiveState=inactive\nJob=17"])
def test_wait_has_an_end(machine: Machine, service: str) -> None:
    machine.pmx_ring("request")
    machine.write("/fake/service", f"{service}\n")
    status, _, wrong = machine.pmx_ring("wait", "--timeout", "0.3")
    assert status == 1
    assert wrong.startswith("error: the settings are not in force after 0.3 s\n")


def _hold(path: str, held: Event, release: Event) -> None:
    with open(path, "w") as file:  # noqa: PTH123 - the file is the lock
        fcntl.lockf(file, fcntl.LOCK_EX)
        held.set()
        release.wait(30)


@pytest.mark.slow
def test_dpkgs_lock_is_seen_and_not_taken(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dpkg_lock_holder(machine.system) == 0
    machine.write("/var/lib/dpkg/lock-frontend", "")
    assert dpkg_lock_holder(machine.system) == 0
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    path = str(machine.path("/var/lib/dpkg/lock-frontend"))
    holder = context.Process(target=_hold, args=(path, held, release))
    holder.start()
    try:
        assert held.wait(30)
        assert dpkg_lock_holder(machine.system) == holder.pid

        def let_go(seconds: float) -> None:
            release.set()
            sleep(seconds)

        sleep = time.sleep
        monkeypatch.setattr("pmx_ring.dpkg.time.sleep", let_go)
        assert machine.applied()[0] == f"waiting for apt or dpkg, process {holder.pid}"
        assert release.is_set()
    finally:
        release.set()
        holder.join(30)
    assert dpkg_lock_holder(machine.system) == 0
    assert os.stat(path).st_size == 0  # noqa: PTH116
