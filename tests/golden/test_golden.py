"""Whole clusters against what they gave when somebody last looked.

A case is a folder with a `cluster.toml` and, in `expected/`, a tree for each node. After a change that is
meant, `pytest tests/golden --update-golden` rewrites the trees; `git diff` is the review.
"""

from pathlib import Path

import pytest

from tests.golden.trees import cluster_tree, planned, read_tree, write_tree

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/cluster.toml"))


def test_there_are_cases() -> None:
    assert {"seed-8.4", "seed-9.2", "two-nodes", "five-nodes"} <= {case.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path, update_golden: bool) -> None:
    tree = cluster_tree(planned(case / "cluster.toml"))
    if update_golden:
        write_tree(case / "expected", tree)
    expected = read_tree(case / "expected")
    assert sorted(tree) == sorted(expected)
    for path, content in expected.items():
        assert tree[path].decode() == content.decode(), path
