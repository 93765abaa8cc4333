"""debian-src/README.md leads from each file on a node to a source that exists."""

import re
from fnmatch import fnmatch

import pytest

from pmx_cluster_tb.data import data_folder
from tests.plans import seed_plan

FOLDER = data_folder("debian-src")
ROWS = [
    (row[1], row[2])
    for row in re.finditer(
        r"^\| (/\S+) \| (.+?) \| [^|]+ \|$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE
    )
]


@pytest.mark.parametrize(("path", "sources"), ROWS)
def test_each_source_exists(path: str, sources: str) -> None:
    named = re.findall(r"`([a-z-]+/[^`]+)`", sources)
    assert named, path
    for source in named:
        assert (FOLDER / source).exists() or (FOLDER.parent / source).exists(), source


def has_its_own_place(path: str, source: str) -> bool:
    """Whether a file is in debian-src/`source` where its path on the node says."""
    names = {path[1:], re.sub(r"-en\w+\.", "-@port@.", path[1:])}
    return any((FOLDER / source / f"{name}{ending}").is_file() for name in names for ending in ("", ".j2"))


@pytest.mark.parametrize("source", ["node", "pmx-ring"])
def test_what_is_not_where_its_path_says_is_found_in_the_table(source: str) -> None:
    plan = seed_plan()
    package = plan.ring_package if source == "pmx-ring" else plan.nodes[0].package
    rows = [path.replace("PORT", "*") for path, _ in ROWS]
    paths = [str(file.path) for file in package.files if not file.path.is_relative_to("/usr/share/doc")]
    elsewhere = [path for path in paths if not has_its_own_place(path, source)]
    assert [path for path in elsewhere if not any(fnmatch(path, row) for row in rows)] == []
