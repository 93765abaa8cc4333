"""docs/cluster-file.md against the model: every key, whether it is required, and its default."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pmx_cluster_tb.model.load import load_cluster
from pmx_cluster_tb.model.schema import json_schema
from pmx_cluster_tb.plan.types import Package
from tests.clusters import HASH
from tests.plans import seed_plan

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "cluster-file.md").read_text("utf-8")

# heading in the document and name of the table in the schema
TABLES = {
    "[cluster]": "cluster",
    "[locale]": "locale",
    "[access]": "access",
    "[access.user]": "user",
    "[management]": "management",
    "[disk]": "disk",
    "[ring]": "ring",
    "[[ring.port]]": "port",
    "[extras]": "extras",
    "[install]": "install",
    "[install.mirror]": "mirror",
    "[repository]": "repository",
    "[[node]]": "node",
    "node.nic": "nic",
    "[[node.port]]": "nodeport",
}


def rows(heading: str) -> dict[str, str]:
    """Keys and what stands for their default below `heading`."""
    section = re.split(r"^##+ ", TEXT.split(f"### `{heading}`\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]*?) ?\|", section, flags=re.MULTILINE))


def definitions() -> dict[str, Any]:
    schema: Any = json_schema()
    return dict(schema["$defs"])


def test_every_table_is_described() -> None:
    assert set(TABLES.values()) == set(definitions())
    assert set(re.findall(r"^### `(.*)`$", TEXT, flags=re.MULTILINE)) == set(TABLES)


@pytest.mark.parametrize(("heading", "name"), TABLES.items())
def test_every_key_is_described(heading: str, name: str) -> None:
    table = definitions()[name]
    assert list(rows(heading)) == list(table["properties"])
    required = {key for key, default in rows(heading).items() if default == "required"}
    assert required == set(table.get("required", ()))


@pytest.mark.parametrize(("heading", "name"), TABLES.items())
def test_defaults_are_those_of_the_model(heading: str, name: str) -> None:
    for key, documented in rows(heading).items():
        default = definitions()[name]["properties"][key].get("default")
        if isinstance(default, str | int) and default != "":
            assert documented == f"`{str(default).lower() if isinstance(default, bool) else default}`", key
        elif documented.startswith("`") and "[" not in documented:
            # `disk.filesystem` has its default where a node's and the cluster's table meet
            assert (heading, key) == ("[disk]", "filesystem")


def test_the_example_is_right(tmp_path: Path) -> None:
    example = re.findall(r"^```toml\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)[0]
    assert tomllib.loads(example)
    (tmp_path / "root.hash").touch(mode=0o600)
    (tmp_path / "root.hash").write_text(HASH)
    (tmp_path / "cluster.toml").write_text(example)
    loaded = load_cluster(tmp_path / "cluster.toml")
    assert loaded.problems == ()
    assert loaded.cluster is not None
    assert loaded.cluster.nodes[0].disk.filesystem == "ext4"


def documented_paths(heading: str) -> set[str]:
    """The paths in the table below `heading` of docs/on-the-node.md."""
    section = (DOCS / "on-the-node.md").read_text("utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `(/[^`]*)` \|", section, flags=re.MULTILINE))


def installed_paths(package: Package) -> set[str]:
    """What the package installs besides its documentation, with `<port>` for the name of any port."""
    paths = {str(file.path) for file in package.files} | {str(link.path) for link in package.links}
    return {re.sub(r"-en\w+\.link$", "-<port>.link", path) for path in paths if "/share/" not in path}


def test_files_of_a_node_that_are_described_are_there() -> None:
    node = seed_plan().nodes[0].package
    behind_links = {str(link.target) for link in node.links}
    assert documented_paths("This node's own") <= installed_paths(node) - behind_links


def test_entrances_of_the_program_that_are_described_are_there() -> None:
    installed = installed_paths(seed_plan().ring_package)
    inside = {path for path in installed if "/pmx_ring/" in path or ".wants/" in path}
    assert documented_paths("The program") <= installed - inside
