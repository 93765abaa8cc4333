"""Which installed packages the hook leaves, and what it replaces."""

from pathlib import Path

import pytest

from firstboot.steps.node_package import node_package_step
from tests.firstboot.node import PLAN, FakeNode, node_settings

RING, NODE = PLAN.ring_package, PLAN.nodes[0].package
LOWEST, HIGHEST = "0000000000", "ffffffffff"


def _install(node: FakeNode, ring: str, own: str) -> None:
    node.state("packages", f"{RING.name} {ring} installed\n{NODE.name} {own} installed\n")


def _installed_anew(archive: Path, node: FakeNode) -> list[str]:
    step = node_package_step(archive, node_settings())
    if step.is_done(node.system()):
        return []
    step.do(node.system())
    assert step.is_done(node.system())
    return [Path(word).name for word in node.calls()[0] if word.endswith(".deb")]


@pytest.mark.parametrize("digest", [LOWEST, HIGHEST])
def test_another_build_is_replaced_wherever_it_sorts(archive: Path, node: FakeNode, digest: str) -> None:
    _install(node, f"0.1.0+{digest}", f"1.0+{digest}")
    assert _installed_anew(archive, node) == [RING.file_name, NODE.file_name]
    (call,) = [call for call in node.calls() if "install" in call]
    assert "--allow-downgrades" in call


def test_a_build_with_a_later_base_is_another_build(archive: Path, node: FakeNode) -> None:
    _install(node, f"0.9.0+{HIGHEST}", NODE.version)
    assert _installed_anew(archive, node) == [RING.file_name]


@pytest.mark.parametrize("revision", ["1.1", "1.10", "2.0"])
def test_a_published_revision_stays(archive: Path, node: FakeNode, revision: str) -> None:
    _install(node, RING.version, revision)
    assert _installed_anew(archive, node) == []


@pytest.mark.parametrize("version", ["0.1.0+r7", "0.2.0"])
def test_a_published_pmx_ring_stays_beside_another_build_of_the_node(
    archive: Path, node: FakeNode, version: str
) -> None:
    _install(node, version, f"1.0+{HIGHEST}")
    assert _installed_anew(archive, node) == [NODE.file_name]


def test_what_is_installed_is_not_installed_again(archive: Path, node: FakeNode) -> None:
    _install(node, RING.version, NODE.version)
    assert _installed_anew(archive, node) == []
