"""The first-boot file on a booted system, in a unit like Proxmox VE's: the ring is in force afterwards."""

import pytest

from pmx_cluster_tb.plan.cluster_plan import plan_cluster
from pmx_cluster_tb.sources import read_sources
from tests.artifacts.apt_state import audit, states
from tests.clusters import seed_cluster
from tests.firstboot.test_in_debian import HOOK, INSTALLED, carry_hook
from tests.nodes import make_node, virtual
from tests.roots.machine import booted
from tests.roots.root import Root

pytestmark = pytest.mark.root

# As the package proxmox-first-boot orders the hook of an answer that says `fully-up`
UNIT = f"""\
[Unit]
After=multi-user.target
ConditionPathExists=/first-boot-pending

[Service]
Type=oneshot
ExecStart={HOOK}
ExecStartPost=rm /first-boot-pending
"""


def test_settings_are_in_force_after_the_first_boot_and_the_second_changes_nothing(root: Root) -> None:
    make_node(root)
    carry_hook(root, plan_cluster(virtual(seed_cluster()), read_sources()))
    root.write("/etc/systemd/system/first-boot.service", UNIT)
    root.write("/first-boot-pending", "")
    with booted(root) as machine:
        machine.run(["systemctl", "start", "first-boot.service"], seconds=300)
        machine.run(["pmx-ring", "wait"], seconds=180)
        assert (states(root), audit(root)) == (INSTALLED, "")
        assert "10.0.0.81/32" in machine.says("ip", "-brief", "address", "show", "dev", "lo")
        assert " net 49.0000.0000.0001.00" in machine.says("vtysh", "-c", "show running-config").splitlines()
        assert machine.failed_units() == []
        assert "already done" in machine.run([HOOK]).stdout
        assert machine.run(["pmx-ring", "apply", "--dry-run"]).stdout == "nothing to change\n"
    with booted(root) as machine:
        assert not root.file("/first-boot-pending").exists()
        assert "10.0.0.81/32" in machine.says("ip", "-brief", "address", "show", "dev", "lo")
        assert machine.failed_units() == []
