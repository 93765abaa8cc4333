"""The samples in docs/troubleshooting.md are what `pmx-ring status` says."""

import re
from pathlib import Path

import pytest

from tests.node.machine import Machine
from tests.node.test_status import NEIGHBOURS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text("utf-8")
HEALTHY, UNPLUGGED = re.findall(r"^```\n(pve1 in .*?)^```$", DOCUMENT, flags=re.MULTILINE | re.DOTALL)


def without_versions(text: str) -> str:
    """The fake machine has other versions than a build."""
    return re.sub(r"\b\d+(\.\d+)+(\+\w+)?(?=$|,)", "VERSION", text, flags=re.MULTILINE)


@pytest.fixture
def healthy(machine: Machine) -> Machine:
    """A node of a whole ring."""
    machine.put_in_force()
    machine.write("/fake/neighbours", NEIGHBOURS)
    machine.write("/sys/module/thunderbolt_net/parameters/e2e", "N\n")
    return machine


def test_a_healthy_node(healthy: Machine) -> None:
    status, said, _ = healthy.pmx_ring("status")
    assert (status, without_versions(said)) == (0, without_versions(HEALTHY))


def test_a_cable_is_out(healthy: Machine) -> None:
    healthy.path("/sys/class/net/en06").rename(healthy.path("/unplugged"))
    healthy.write("/fake/neighbours", "".join(NEIGHBOURS.splitlines(keepends=True)[:-1]))
    status, said, _ = healthy.pmx_ring("status")
    assert (status, without_versions(said)) == (1, without_versions(UNPLUGGED))
