"""First boot on a machine that it was not built for."""

from pathlib import Path

import pytest

from tests.firstboot.node import FakeNode

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("words", [["fully-up"], [], ["--step", "repositories"], ["--dry-run"]])
def test_another_node_is_left_alone(archive: Path, node: FakeNode, words: list[str]) -> None:
    node.write("etc/hostname", "pve2\n")
    before = node.tree()
    result = node.first_boot(archive, *words)
    assert result.returncode == 1
    assert "error: this file is for node `pve1`, and this machine is `pve2` by /etc/hostname" in result.stdout
    assert "hint: take the file of that node" in result.stdout
    assert node.tree() == before
    assert node.all_calls() == []


@pytest.mark.parametrize("text", ["pve1\n", "# comment\nPVE1.example.org", ""])
def test_its_own_name_in_any_form(archive: Path, node: FakeNode, text: str) -> None:
    node.write("etc/hostname", text)
    assert node.first_boot(archive, "--step", "repositories").returncode == 0
