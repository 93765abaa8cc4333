"""The first-boot file on real Debian systems; what the packages depend on is there, a network is not."""

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import hook_bytes
from pmx_cluster_tb.plan.types import ClusterPlan
from pmx_cluster_tb.sources import read_first_boot_program
from tests.artifacts.apt_state import audit, litter, states
from tests.nodes import make_node
from tests.plans import seed_plan
from tests.roots.commands import Outcome
from tests.roots.root import Root

pytestmark = pytest.mark.root

HOOK = "/var/lib/proxmox-first-boot/proxmox-first-boot"
INSTALLED = {"pmx-ring": "ii", "pmx-pvc1-pve1": "ii"}

# is what pmx-ring's postinst calls, and kills dpkg, which runs that script
KILLER = """#!/bin/sh
kill -KILL "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$PPID/status")"
"""


def carry_hook(root: Root, plan: ClusterPlan | None = None) -> None:
    """Puts pve1's first-boot file, of the seed or of `plan`, where Proxmox VE's installer does."""
    plan = plan or seed_plan()
    packages = (plan.ring_package, plan.nodes[0].package)
    debs = {package.file_name: deb_bytes(package, release.RELEASE_DATE) for package in packages}
    hook = hook_bytes(read_first_boot_program(), plan.nodes[0].first_boot, debs, release.RELEASE_DATE)
    root.write(HOOK, hook, 0o700)


def first_boot(root: Root) -> Outcome:
    """Runs it as its unit does: a path, no home, no locale."""
    bare = ["env", "--ignore-environment", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"]
    return root.run([*bare, HOOK, "fully-up"], check=False)


@pytest.fixture
def node(root: Root) -> Root:
    """A root like pve1 at its first boot."""
    make_node(root)
    carry_hook(root)
    return root


def test_installs_once(node: Root) -> None:
    outcome = first_boot(node)
    assert outcome.status == 0, outcome
    assert outcome.stdout.endswith("pmx first boot: packages: done\npmx first boot: finished\n"), outcome
    # apt reads the files as its own user
    assert "unsandboxed" not in outcome.stdout + outcome.stderr
    assert (states(node), audit(node), litter(node)) == (INSTALLED, "", [])
    again = first_boot(node)
    assert (again.status, again.stderr) == (0, "")
    assert "packages: already done" in again.stdout
    assert not node.file("/run/pmx-first-boot").exists()


def test_the_wrong_machine_keeps_what_it_has(node: Root) -> None:
    node.name_host("elsewhere")
    outcome = first_boot(node)
    assert outcome.status == 1
    assert "hint: mend what apt says above (" in outcome.stdout
    assert "pmx-pvc1-pve1" not in states(node)
    assert not node.file("/run/pmx-first-boot").exists()
    node.name_host("pve1")
    assert first_boot(node).status == 0
    assert (states(node), audit(node)) == (INSTALLED, "")


def test_dpkg_killed_in_the_middle(node: Root) -> None:
    node.write("/killer/pmx-ring", KILLER, 0o755)
    node.write("/etc/apt/apt.conf.d/99killer", 'DPkg::Path "/killer:/usr/sbin:/usr/bin:/sbin:/bin";\n')
    killed = first_boot(node)
    assert killed.status == 1, killed
    assert states(node)["pmx-ring"] == "iF"
    node.file("/etc/apt/apt.conf.d/99killer").unlink()
    outcome = first_boot(node)
    assert outcome.status == 0, outcome
    assert "running `dpkg --force-confdef --force-confold --configure -a`" in outcome.stdout
    assert (states(node), audit(node)) == (INSTALLED, "")
