"""Linters and the rules of the source itself are tests like others."""

import ast
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.plans import seed_plan

TOP = Path(__file__).parents[1]
DEADLINE = 300

PYTHON_FOLDERS = ("builder", "debian-src", "firstboot", "tests")
NODE_FOLDERS = ("firstboot", "debian-src")
"""What is in them runs on nodes, where nothing but Python's own modules is sure to be."""
OWN_MODULES = {"firstboot", "pmx_ring"}

FUNCTION_LINES = 50
MEDIAN_FUNCTION_LINES = 10
MODULE_LINES = 400
FOLDER_FILES = 20
SHORT_FOLDERS = ("firstboot",)
"""Those in which, and below which, no folder may hold more Python files than that."""


def python_files(*folders: str) -> list[Path]:
    """The Python sources below `folders`, programs without a suffix too."""
    files = [path for folder in folders for path in sorted((TOP / folder).rglob("*")) if path.is_file()]
    return [
        path for path in files if path.suffix == ".py" or _interpreter(path).endswith((b"python3", b"-IB"))
    ]


def _interpreter(path: Path) -> bytes:
    if path.suffix or "__pycache__" in path.parts:
        return b""
    first_line = path.read_bytes().partition(b"\n")[0]
    return first_line if first_line.startswith(b"#!") else b""


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_bytes(), str(path))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function's place and number of lines, decorators and docstring included."""
    for item in ast.walk(parsed(path)):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            assert item.end_lineno is not None
            yield f"{path.relative_to(TOP)}:{item.lineno} {item.name}", item.end_lineno - item.lineno + 1


def run(*argv: str, folder: Path = TOP) -> None:
    """Runs a linter in `folder`; all it says is the message of a failure."""
    ran = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=DEADLINE)
    if ran.returncode:
        pytest.fail(f"{' '.join(argv)}\n{ran.stdout}{ran.stderr}", pytrace=False)


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")])
def test_ruff(arguments: tuple[str, ...]) -> None:
    run(sys.executable, "-m", "ruff", *arguments)


@pytest.mark.slow
def test_mypy() -> None:
    run(sys.executable, "-m", "mypy")


@pytest.mark.slow
def test_mypy_of_the_program_on_the_node() -> None:
    # it lies as it lands on the node, so its package begins in another folder
    folder = TOP / "debian-src" / "pmx-ring" / "usr" / "lib" / "pmx-ring"
    options = ("--config-file=", "--strict", "--python-version=3.11", "--cache-dir=/dev/null")
    run(sys.executable, "-m", "mypy", *options, "--package=pmx_ring", folder=folder)


def test_there_are_sources() -> None:
    names = {path.relative_to(TOP).as_posix() for path in python_files(*PYTHON_FOLDERS)}
    assert {"builder/pmx_cluster_tb/cli/plan.py", "firstboot/__main__.py", "tests/test_lint.py"} <= names
    assert any(name.startswith("debian-src/pmx-ring/") for name in names)


def test_no_function_is_long_and_most_are_short() -> None:
    lengths = dict(length for path in python_files(*PYTHON_FOLDERS) for length in functions(path))
    assert {place: lines for place, lines in lengths.items() if lines > FUNCTION_LINES} == {}
    assert statistics.median(lengths.values()) < MEDIAN_FUNCTION_LINES


def test_no_module_is_long() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in python_files(*PYTHON_FOLDERS)}
    assert {str(path): lines for path, lines in lengths.items() if lines > MODULE_LINES} == {}


@pytest.mark.parametrize("folder", SHORT_FOLDERS)
def test_no_folder_holds_many_files(folder: str) -> None:
    counts = Counter(path.parent.relative_to(TOP).as_posix() for path in python_files(folder))
    assert counts
    assert {place: count for place, count in counts.items() if count > FOLDER_FILES} == {}


@pytest.mark.parametrize("folder", NODE_FOLDERS)
def test_what_runs_on_nodes_needs_no_other_modules(folder: str) -> None:
    for path in python_files(folder):
        imported = {name.partition(".")[0] for name in _imports(parsed(path))}
        assert imported - sys.stdlib_module_names - OWN_MODULES == set(), path


def _imports(module: ast.Module) -> Iterator[str]:
    for item in ast.walk(module):
        if isinstance(item, ast.Import):
            yield from (alias.name for alias in item.names)
        elif isinstance(item, ast.ImportFrom) and item.level == 0 and item.module:
            yield item.module
            if item.module == "pmx_cluster_tb":
                yield from (f"pmx_cluster_tb.{alias.name}" for alias in item.names)


def test_the_builder_and_what_runs_on_nodes_share_no_code() -> None:
    for path in python_files("builder"):
        assert not OWN_MODULES & {name.partition(".")[0] for name in _imports(parsed(path))}, path
    for path in python_files(*NODE_FOLDERS):
        assert "pmx_cluster_tb" not in {name.partition(".")[0] for name in _imports(parsed(path))}, path


LAYERS = ("model", "plan", "artifacts", "view", "cli")
"""Each may use those before it, and none after it."""
BESIDE = {
    "problems": (),
    "release": (),
    "data": (),
    "progress": (),
    "process": (),
    "sources": ("model", "plan"),
    "machines": (),
}
"""What stands beside the layers, with those that it may use."""


def used_by(part: str) -> dict[str, set[str]]:
    """Per file of a part of the program, the parts that it imports, also within functions."""
    top = TOP / "builder" / "pmx_cluster_tb"
    paths = python_files(f"builder/pmx_cluster_tb/{part}") if (top / part).is_dir() else [top / f"{part}.py"]
    return {
        str(path.relative_to(TOP)): {
            name.split(".")[1] for name in _imports(parsed(path)) if name.startswith("pmx_cluster_tb.")
        }
        for path in paths
    }


@pytest.mark.parametrize("layer", LAYERS)
def test_no_layer_imports_one_above_it(layer: str) -> None:
    allowed = {*LAYERS[: LAYERS.index(layer) + 1], *BESIDE}
    used = used_by(layer)
    assert used
    assert {path: parts - allowed for path, parts in used.items() if parts - allowed} == {}


@pytest.mark.parametrize("part", BESIDE)
def test_what_stands_beside_the_layers_uses_few_of_them(part: str) -> None:
    for path, parts in used_by(part).items():
        assert parts - {*BESIDE} <= {*BESIDE[part]}, path


def test_every_part_has_its_place() -> None:
    top = TOP / "builder" / "pmx_cluster_tb"
    parts = {path.stem for path in top.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert parts - {"__init__", "__main__"} == {*LAYERS, *BESIDE}


PURE = ("plan", "view")
EFFECTS = {"os", "pathlib.Path", "subprocess", "random", "secrets", "socket", "time", "tempfile", "shutil"}


@pytest.mark.parametrize("folder", PURE)
def test_what_is_pure_imports_no_effect(folder: str) -> None:
    for path in python_files(f"builder/pmx_cluster_tb/{folder}"):
        names = {
            f"{item.module}.{alias.name}"
            for item in ast.walk(parsed(path))
            if isinstance(item, ast.ImportFrom)
            for alias in item.names
        }
        assert not EFFECTS & (names | set(_imports(parsed(path)))), path


def test_one_module_starts_programs() -> None:
    starting = {path.name for path in python_files("builder") if "subprocess" in set(_imports(parsed(path)))}
    assert starting <= {"process.py"}


def test_only_the_command_line_prints_exits_and_reads_the_environment() -> None:
    allowed = {"cli", "__main__.py"}
    for path in python_files("builder/pmx_cluster_tb"):
        if path.relative_to(TOP / "builder/pmx_cluster_tb").parts[0] in allowed:
            continue
        names = {item.id for item in ast.walk(parsed(path)) if isinstance(item, ast.Name)}
        attributes = {ast.unparse(item) for item in ast.walk(parsed(path)) if isinstance(item, ast.Attribute)}
        assert not names & {"print", "exit", "SystemExit"}, path
        assert not attributes & {"os.environ", "os.getenv", "sys.stdout", "sys.stderr", "sys.exit"}, path
        assert "click" not in set(_imports(parsed(path))), path


def shell_scripts() -> Iterator[tuple[str, bytes]]:
    """Every shell script: those of the checkout, and what templates make for a node."""
    on_sticks = sorted((TOP / "answer-files" / "stick").rglob("*.sh"))
    for path in (TOP / "pmx-cluster-tb", TOP / "tests" / "run", TOP / ".ci" / "run", *on_sticks):
        yield str(path.relative_to(TOP)), path.read_bytes()
    plan = seed_plan()
    for package in (plan.ring_package, plan.nodes[0].package):
        for member in package.members:
            yield f"{package.name}/{member.name}", member.content
        for file in package.files:
            yield f"{package.name}{file.path}", file.content


SHELL_SCRIPTS = {
    name: content
    for name, content in shell_scripts()
    if content.startswith((b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash"))
}


def test_there_are_shell_scripts() -> None:
    assert {"pmx-cluster-tb", "tests/run", ".ci/run"} < SHELL_SCRIPTS.keys()
    assert "answer-files/stick/injection/pmx-answer/deliver.sh" in SHELL_SCRIPTS
    assert any("preinst" in name for name in SHELL_SCRIPTS)


@pytest.mark.tools
@pytest.mark.parametrize("name", SHELL_SCRIPTS)
def test_shellcheck(name: str, tmp_path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.fail("this test needs: apt-get install shellcheck", pytrace=False)
    script = tmp_path / "script"
    script.write_bytes(SHELL_SCRIPTS[name])
    run("shellcheck", str(script))
