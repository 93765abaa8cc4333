"""Wheels and source distributions: identical however they are made, and whole when installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.artifacts.test_output_reproducible import EXAMPLE, build
from tests.artifacts.trees import tree
from tests.roots.commands import require

pytestmark = pytest.mark.tools

ROOT = Path(__file__).parents[2]
PROJECT = (
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "answer-files",
    "builder",
    "debian-src",
    "docs",
    "firstboot",
    "pyproject.toml",
)
LITTER = shutil.ignore_patterns("__pycache__", "*~", "*.swp")


def run(argv: Sequence[str | Path], folder: Path) -> str:
    """Runs a program, and gives what it printed; all that it said is in the failure."""
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    result = subprocess.run(
        argv,
        check=False,
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environment, "SOURCE_DATE_EPOCH": "1763800000", "PIP_NO_INDEX": "1"},
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def copied_project(folder: Path) -> Path:
    """The files of the project that a distribution is made from."""
    folder.mkdir()
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LITTER)
        else:
            shutil.copy(source, folder / name)
    return folder


def files(project: Path) -> list[Path]:
    """Every file of the project, but for git's own."""
    return [
        path for path in project.rglob("*") if path.is_file() and path.relative_to(project).parts[0] != ".git"
    ]


def distributions(project: Path, *options: str) -> Path:
    """The folder with what `python -m build` makes of `project`, without a network."""
    run([sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", "dist"], project)
    return project / "dist"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made straight from the tree."""
    dist = distributions(copied_project(tmp_path_factory.mktemp("tree") / "project"), "--wheel")
    (path,) = dist.iterdir()
    return path


SECRETS = ("cluster.toml", "root.hash", "lab/lab.root-password-hash", "out-lab/pve1/answer.toml")


def with_secrets(project: Path) -> Path:
    """The project after its owner has made clusters in the checkout."""
    for name in SECRETS:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("secret")
    return project


def test_no_cluster_of_ones_own_is_distributed(tmp_path: Path) -> None:
    project = with_secrets(copied_project(tmp_path / "project"))
    (source,) = distributions(project, "--sdist").iterdir()
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert "pyproject.toml" in names
    assert names.isdisjoint(SECRETS)


def test_git_ignores_secrets_and_nothing_of_the_project(tmp_path: Path) -> None:
    require("git")
    project = with_secrets(copied_project(tmp_path / "project"))
    run(["git", "init", "--quiet"], project)
    assert run(["git", "check-ignore", *SECRETS], project).split() == list(SECRETS)
    run(["git", "add", "."], project)
    added = set(run(["git", "ls-files", "-z"], project).split("\0")) - {""}
    assert added == {str(path.relative_to(project)) for path in files(project)} - set(SECRETS)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example as this checkout builds it."""
    return build(tmp_path_factory.mktemp("reference") / "checkout", EXAMPLE, {})


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment with the libraries of this one, but not its project."""
    folder = tmp_path / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", folder], tmp_path)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def install(environment: Path, *what: str | Path) -> None:
    """Installs with pip from files only."""
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        environment / "bin/python",
        "install",
        "--no-deps",
    ]
    run([*pip, "--no-build-isolation", *what], environment)


def built_by_command(environment: Path, folder: Path) -> Path:
    """Builds the example with the installed command, after others that need their own files."""
    folder.mkdir()
    (folder / "cluster.toml").write_text(EXAMPLE)
    command = environment / "bin/pmx-cluster-tb"
    run([command, "schema"], folder)
    run([command, "init", "new.toml"], folder)
    run([command, "build", "--out", "out"], folder)
    return folder / "out"


def test_a_wheel_through_the_source_distribution_is_the_same(tmp_path: Path, wheel: Path) -> None:
    project = copied_project(tmp_path / "another place")
    for path in project.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    through_sdist = distributions(project) / wheel.name
    assert through_sdist.read_bytes() == wheel.read_bytes()


def test_an_installed_wheel_builds_the_same(
    wheel: Path, environment: Path, reference: Path, tmp_path: Path
) -> None:
    install(environment, wheel)
    # pip compiles the modules that go to the node too; they must not go there
    assert list(environment.glob("lib/python*/site-packages/pmx_cluster_tb/data/firstboot/__pycache__"))
    assert tree(built_by_command(environment, tmp_path / "build")) == tree(reference)


def test_an_editable_install_builds_the_same(environment: Path, reference: Path, tmp_path: Path) -> None:
    project = copied_project(tmp_path / "project")
    install(environment, "--editable", project)
    assert tree(built_by_command(environment, tmp_path / "build")) == tree(reference)
    (project / "debian-src/node/usr/lib/pmx-ring/added").write_text("from the tree\n")
    other = built_by_command(environment, tmp_path / "again")
    assert tree(other).keys() != tree(reference).keys(), "it does not read the tree"
