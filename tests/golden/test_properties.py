"""What holds for the plan of every cluster."""

import hashlib
import os
import subprocess
import sys
import tomllib
from itertools import permutations
from pathlib import Path

import pytest
import tomli_w

from tests.golden.test_golden import CASES
from tests.golden.trees import cluster_tree, planned


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_order_of_nodes_changes_nothing(case: Path, tmp_path: Path) -> None:
    for other in case.iterdir():
        if other.is_file():
            (tmp_path / other.name).write_bytes(other.read_bytes())
    document = tomllib.loads((case / "cluster.toml").read_text("utf-8"))
    nodes = document.pop("node")
    expected = planned(case / "cluster.toml")
    for number, order in enumerate(permutations(nodes)):
        if number % 7 == 0:
            file = tmp_path / "cluster.toml"
            file.write_text(tomli_w.dumps({**document, "node": list(order)}), "utf-8")
            assert planned(file) == expected


def digest(case: Path) -> str:
    """Of all that is compared for a case."""
    tree = cluster_tree(planned(case / "cluster.toml"))
    return hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()


_PRINT_DIGESTS = """
from tests.golden.test_properties import CASES, digest
print([digest(case) for case in CASES])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "zone", "folder"), [("1", "UTC", "/"), ("2", "Pacific/Apia", "/tmp")])
def test_planning_is_deterministic(seed: str, zone: str, folder: str) -> None:
    """Neither the run, nor the order of sets, nor time zone, locale and folder show in a plan."""
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C", "PYTHONPATH": paths}
    command = [sys.executable, "-c", _PRINT_DIGESTS]
    done = subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str([digest(case) for case in CASES])
