"""The same cluster gives the same bytes: in any folder, time zone, locale, order of nodes, and Python."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.artifacts.trees import tree
from tests.roots.root import Root

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "builder/pmx_cluster_tb/model/example.toml").read_text()
DATA = ("answer-files", "builder", "debian-src", "firstboot")

# a checkout that is tested as root must not get files of root
NO_LITTER = {"PYTHONDONTWRITEBYTECODE": "1"}

_BUILD = (sys.executable, "-m", "pmx_cluster_tb", "build", "cluster.toml", "--out", "out")


def reversed_nodes(text: str) -> str:
    """The cluster file with its nodes in the other order."""
    head, *nodes = text.split("[[node]]")
    return "\n[[node]]".join([head, *reversed(nodes)])


def build(folder: Path, text: str, environment: Mapping[str, str], umask: int = 0o022) -> Path:
    """Builds the cluster file `text` in `folder`."""
    folder.mkdir(parents=True)
    (folder / "cluster.toml").write_text(text)
    subprocess.run(
        _BUILD,
        check=True,
        cwd=folder,
        umask=umask,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "builder"), **NO_LITTER, **environment},
        capture_output=True,
    )
    return folder / "out"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built plainly."""
    return build(tmp_path_factory.mktemp("reference") / "plain", EXAMPLE, {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "umask", "text"),
    [
        ({"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1"}, 0o077, EXAMPLE),
        ({"TZ": "America/Adak", "PYTHONHASHSEED": "2"}, 0o000, reversed_nodes(EXAMPLE)),
        # file names and texts are ASCII for Python then
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, 0o022, EXAMPLE),
        ({"SOURCE_DATE_EPOCH": "1"}, 0o022, EXAMPLE),
    ],
    ids=["zone and umask", "order of nodes", "ASCII locale", "another epoch"],
)
def test_surroundings(
    reference: Path, tmp_path: Path, environment: Mapping[str, str], umask: int, text: str
) -> None:
    assert tree(build(tmp_path / "else where", text, environment, umask)) == tree(reference)


@pytest.mark.root
def test_python_and_libraries_of_debian_13(reference: Path, trixie: Root) -> None:
    """Python 3.13, Debian's versions of the libraries and of zlib."""
    for folder in DATA:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                trixie.write(f"/project/{path.relative_to(ROOT)}", path.read_bytes())
    trixie.write("/cluster.toml", EXAMPLE)
    trixie.run(
        ["python3", "-m", "pmx_cluster_tb", "build", "/cluster.toml", "--out", "/out"],
        env={"PYTHONPATH": "/project/builder"},
    )
    assert tree(trixie.file("/out")) == tree(reference)
