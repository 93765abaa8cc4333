"""README.md and docs/ against what is there."""

import re
from pathlib import Path

import pytest

from pmx_cluster_tb.cli.commands import SUMMARIES
from pmx_cluster_tb.model.load import example_cluster
from pmx_cluster_tb.view.ring_text import ring_text
from tests.clusters import HASH
from tests.command import EXAMPLE, Command

TOP = Path(__file__).parents[2]
DOCUMENTS = [TOP / "README.md", TOP / "CHANGELOG.md", *sorted((TOP / "docs").glob("*.md"))]
README = (TOP / "README.md").read_text("utf-8")
SAMPLES = dict(
    re.findall(r"^```console\n\$ pmx-cluster-tb (.*?)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
)
"""What README shows of each command's output, by the command's arguments."""

HINTING = [
    path
    for folder, pattern in (("builder", "*.py"), ("builder", "*.toml"), ("answer-files", "*.j2"))
    for path in sorted((TOP / folder).rglob(pattern))
    if "pmx-cluster-tb " in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", [*DOCUMENTS, *HINTING], ids=lambda path: str(path.relative_to(TOP)))
def test_commands_that_are_named_exist(path: Path) -> None:
    named = re.findall(r"(?:`|\$ |\./)pmx-cluster-tb ([a-z][a-z-]*)", path.read_text("utf-8"))
    assert set(named) <= SUMMARIES.keys()


def test_the_ring_in_the_readme_is_the_examples() -> None:
    assert ring_text(example_cluster(), 80) in README


def test_plan_says_what_the_readme_shows(command: Command) -> None:
    shown, rest = SAMPLES["plan"].split("...\n")
    assert command("plan", EXAMPLE).out.startswith(shown)
    assert rest == ""


def test_check_says_what_the_readme_shows(command: Command) -> None:
    text = (TOP / "docs" / "cluster-file.md").read_text("utf-8")
    example = re.findall(r"^```toml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)[0]
    Path("root.hash").touch(mode=0o600)
    Path("root.hash").write_text(HASH)
    Path("cluster.toml").write_text(example.replace("192.168.178.13/24", "192.168.179.13/24"))
    assert command("check").err == SAMPLES["check"]


def test_the_source_folders_exist() -> None:
    source = (TOP / "docs" / "source.md").read_text("utf-8")
    folders = re.findall(r"^\| `([^`]+)` \|", source, flags=re.MULTILINE)
    assert len(folders) > 5
    assert [folder for folder in folders if not (TOP / folder).is_dir()] == []
