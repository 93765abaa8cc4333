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


def test_each_file_of_the_packages_is_found_in_the_table() -> None:
    plan = seed_plan()
    packages = (plan.ring_package, plan.nodes[0].package)
    rows = [path.replace("PORT", "*") for path, _ in ROWS]
    targets = {str(link.target) for package in packages for link in package.links}
    sources = " ".join(source for _, source in ROWS)
    missing = [
        str(file.path)
        for package in packages
        for file in package.files
        if not file.path.is_relative_to("/usr/share")
        and not file.path.is_relative_to("/usr/lib/pmx-ring/pmx_ring")
        and not any(fnmatch(str(file.path), row) for row in rows)
        and str(file.path) not in targets
        and f"node{file.path}" not in sources
    ]
    assert missing == []
