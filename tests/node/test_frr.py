"""FRR's files, and when FRR is left alone."""

import pytest

from tests.node.machine import DEBIAN_FRR_CONF, FRR_CONF, Machine

DAEMONS_CONF = "/etc/frr/daemons.conf"

CLAIMS = {
    "/etc/pve/sdn/controllers.cfg": "evpn: evpn1\n\tasn 65000\n",
    "/etc/pve/sdn/fabrics.cfg": "openfabric_fabric: ring\n",
    "/etc/pve/sdn/.running-config": '{"fabrics": {"ids": {"ring": {}}}}',
    "/etc/frr/frr.conf.local": "",
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_frr_of_sdn_is_left_alone_and_told(machine: Machine, claim: str) -> None:
    machine.write(claim, CLAIMS[claim])
    status, said, _ = machine.pmx_ring("apply")
    assert status == 0
    assert f"FRR belongs to Proxmox VE's SDN because of `{claim}`: left alone" in said.splitlines()
    assert machine.read(FRR_CONF) == DEBIAN_FRR_CONF
    assert not machine.path(DAEMONS_CONF).exists()
    assert not [call for call in machine.changing_calls() if "frr.service" in call]
    assert "10.0.0.81/32" in machine.addresses()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/pve/sdn/controllers.cfg", "\n"),
        ("/etc/pve/sdn/fabrics.cfg", "# none yet\n"),
        ("/etc/pve/sdn/.running-config", '{"fabrics": {"ids": {}}, "zones": {"ids": {"a": {}}}}'),
        ("/etc/pve/sdn/.running-config", "damaged"),
    ],
)
def test_sdn_without_entries_claims_nothing(machine: Machine, path: str, text: str) -> None:
    machine.write(path, text)
    assert "write `/etc/frr/frr.conf`" in machine.applied()


def test_frr_comes_back_when_sdn_lets_go_of_it(machine: Machine) -> None:
    machine.put_in_force()
    machine.write("/etc/pve/sdn/fabrics.cfg", "openfabric_fabric: ring\n")
    machine.write(FRR_CONF, "! by SDN\n")
    assert machine.applied()[1:] == ["nothing to change"]
    assert machine.read(FRR_CONF) == "! by SDN\n"
    machine.path("/etc/pve/sdn/fabrics.cfg").unlink()
    assert machine.applied() == ["write `/etc/frr/frr.conf`", "reload FRR"]


def test_nobody_can_tell_without_etc_pve(machine: Machine) -> None:
    machine.write("/usr/bin/pmxcfs", "")
    status, _, wrong = machine.pmx_ring("apply")
    assert (status, "/etc/pve is not mounted" in wrong) == (1, True)
    assert machine.read(FRR_CONF) == DEBIAN_FRR_CONF
    machine.write("/etc/pve/.version", "{}")
    assert "write `/etc/frr/frr.conf`" in machine.applied()


def test_a_configuration_that_frr_refuses_replaces_nothing(machine: Machine) -> None:
    machine.write("/usr/lib/pmx-ring/frr.conf", "nonsense\n")
    status, _, wrong = machine.pmx_ring("apply")
    assert (status, "FRR would refuse this configuration" in wrong) == (1, True)
    assert machine.read(FRR_CONF) == DEBIAN_FRR_CONF
    assert not machine.path(DAEMONS_CONF).exists()


def test_daemons_conf_of_the_administrator_keeps_its_lines(machine: Machine) -> None:
    machine.write(DAEMONS_CONF, "bgpd=yes\n")
    machine.path(DAEMONS_CONF).chmod(0o600)
    machine.applied()
    assert machine.read(DAEMONS_CONF).splitlines() == [
        "bgpd=yes",
        "",
        "# pmx-ring: the ring is routed by fabricd",
        "fabricd=yes",
    ]
    machine.uninstall()
    machine.applied()
    assert machine.read(DAEMONS_CONF) == "bgpd=yes\n"
    assert machine.path(DAEMONS_CONF).stat().st_mode & 0o777 == 0o600


def test_an_edited_frr_conf_is_replaced_and_kept(machine: Machine) -> None:
    machine.put_in_force()
    machine.write(FRR_CONF, "! by hand\n")
    assert machine.applied() == ["write `/etc/frr/frr.conf`", "reload FRR"]
    assert machine.read("/var/lib/pmx-ring/original/frr.conf.edited") == "! by hand\n"
    assert machine.read("/var/lib/pmx-ring/original/frr.conf") == DEBIAN_FRR_CONF


def test_a_frr_conf_that_somebody_wrote_since_stays_on_removal(machine: Machine) -> None:
    machine.put_in_force()
    machine.write(FRR_CONF, "! by hand\n")
    machine.uninstall()
    assert "`/etc/frr/frr.conf` was changed by somebody else: left as it is" in machine.applied()
    assert machine.read(FRR_CONF) == "! by hand\n"


def test_removal_under_sdn_takes_our_files_away_and_leaves_frr_running(machine: Machine) -> None:
    machine.put_in_force()
    machine.write("/etc/pve/sdn/fabrics.cfg", "openfabric_fabric: ring\n")
    machine.write(FRR_CONF, "! by SDN\n")
    machine.uninstall()
    machine.forget_calls()
    machine.applied()
    assert machine.read(FRR_CONF) == "! by SDN\n"
    assert not machine.path(DAEMONS_CONF).exists()
    assert not [call for call in machine.changing_calls() if "frr.service" in call]


def test_frr_that_ran_before_still_runs_after_removal(machine: Machine) -> None:
    machine.write("/fake/frr-is-enabled", "")
    machine.write("/fake/frr-is-active", "")
    assert "restart FRR" in machine.applied()
    machine.uninstall()
    assert "restart FRR" in machine.applied()
    assert machine.path("/fake/frr-is-enabled").exists()


def test_a_fabricd_that_died_for_good_is_started_again(machine: Machine) -> None:
    machine.put_in_force()
    machine.write("/fake/daemons", " zebra watchfrr")
    assert machine.applied() == ["restart FRR"]


def test_a_reload_that_frr_did_not_heed_is_repeated(machine: Machine) -> None:
    machine.put_in_force()
    running = machine.read("/fake/running-config")
    machine.write("/fake/running-config", running.replace(" lsp-gen-interval 1\n", ""))
    assert machine.applied() == ["reload FRR"]


def test_a_damaged_state_is_told(machine: Machine) -> None:
    machine.write("/var/lib/pmx-ring/state.json", "{")
    status, _, wrong = machine.pmx_ring("apply")
    assert (status, "is damaged" in wrong) == (1, True)


@pytest.mark.parametrize("others", ["", "bgpd=yes\n"])
def test_what_was_there_before_outlives_a_lost_state(machine: Machine, others: str) -> None:
    if others:
        machine.write(DAEMONS_CONF, others)
    machine.applied()
    before = machine.read(DAEMONS_CONF)
    machine.path("/var/lib/pmx-ring/state.json").unlink()
    machine.applied()
    assert machine.read(DAEMONS_CONF) == before
    assert machine.applied() == ["nothing to change"]
    machine.uninstall()
    machine.applied()
    assert machine.read(FRR_CONF) == DEBIAN_FRR_CONF
    assert (machine.read(DAEMONS_CONF) if others else machine.path(DAEMONS_CONF).exists()) == (
        others or False
    )
