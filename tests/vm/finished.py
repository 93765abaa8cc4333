"""What holds on a node when its first boot has finished."""

import re
from datetime import timedelta

from pmx_cluster_tb.machines.machine import Machine
from tests.vm.cluster import PORTS, USER
from tests.vm.story import Node, Story

_STANZA_OF_A_PORT = rf"^iface (?:thunderbolt\d+|{'|'.join(PORTS)}) "
_UPDATES = timedelta(minutes=5)
_INSTALLED_KERNELS = r"printf '%s\n' /boot/vmlinuz-* | sed s,.*/vmlinuz-,, | sort --version-sort"


def is_finished(story: Story, node: Node) -> None:
    """Fails with what is missing. Expects a root shell on the node's console."""
    machine = node.machine
    newest = story.medium.newest_kernel
    if newest is None:
        nothing_is_left_to_upgrade(machine)
        newest = machine.succeed(_INSTALLED_KERNELS).split()[-1]
    running = machine.succeed("uname -r").strip()
    assert running == newest, f"kernel {running} runs on {node.name}, and the newer one is {newest}"
    assert machine.succeed("hostname").strip() == node.name
    machine.succeed(f"id {USER}")
    are_installed(machine, "pmx-ring", f"pmx-story-{node.name}", "sudo", "iperf3")
    # also what could not be downloaded
    repositories = machine.succeed("apt-get indextargets --no-release-info")
    assert "pve-no-subscription" in repositories, repositories
    assert "enterprise" not in repositories, repositories
    # what an installation with a cable in leaves behind
    interfaces = machine.succeed("cat /etc/network/interfaces")
    assert not re.search(_STANZA_OF_A_PORT, interfaces, re.MULTILINE), interfaces
    assert "first boot: finished" in machine.succeed("pmx-ring first-boot").splitlines()


def are_installed(machine: Machine, *packages: str) -> None:
    """Fails unless the packages are installed wholly, and all others are in order."""
    states = machine.succeed(
        f"dpkg-query --show --showformat '${{db:Status-Abbrev}}\\n' {' '.join(packages)}"
    )
    assert states.split() == ["ii"] * len(packages), f"{machine.name}: {packages} are {states.split()}"
    assert machine.succeed("dpkg --audit") == ""


def nothing_is_left_to_upgrade(machine: Machine) -> None:
    """Fails with the packages that the repositories have in newer versions."""
    machine.succeed("apt-get update --quiet=2", _UPDATES)
    said = machine.succeed("apt-get --simulate full-upgrade", _UPDATES)
    left = re.findall(r"^Inst (\S+)", said, re.MULTILINE)
    assert not left, f"not upgraded on {machine.name}: {' '.join(left)}"
