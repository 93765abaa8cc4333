"""What a user sees of a wrong cluster file: `<case>.toml` and, word for word, `<case>.txt`."""

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pmx_cluster_tb.model
from pmx_cluster_tb.model.load import load_cluster
from pmx_cluster_tb.model.report import Refusal, Report
from pmx_cluster_tb.model.toml_text import Unreadable
from pmx_cluster_tb.problems import Severity

HERE = Path(__file__).parent
CASES = sorted(path.stem for path in HERE.glob("*.toml"))
OPEN_TO_OTHERS = "open.hash"
MODEL = Path(pmx_cluster_tb.model.__file__).parent

# of the cluster file itself: tests/unit/test_model_load.py
SHOWN_ELSEWHERE = {
    "there is no such file",
    "is a folder, not a file",
    "cannot be the name of a file",
    "cannot be read: ",
    "is larger than 1 MiB, which no cluster file is",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that cases name, in the modes that git does not keep."""
    folder = tmp_path_factory.mktemp("errors")
    shutil.copytree(HERE / "files", folder / "files")
    (folder / "files/large.hash").write_bytes(bytes(1 << 17))
    for file in (folder / "files").iterdir():
        file.chmod(0o644 if file.name == OPEN_TO_OTHERS else 0o600)
    return folder


@pytest.fixture(autouse=True)
def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases and the files that they name are found by relative paths."""
    monkeypatch.chdir(folder)


def shown(case: str) -> str:
    """What the user sees of `case`, a file in the working folder."""
    shutil.copy(HERE / f"{case}.toml", ".")
    loaded = load_cluster(Path(f"{case}.toml"))
    has_error = any(problem.severity is Severity.ERROR for problem in loaded.problems)
    assert (loaded.cluster is None) == has_error
    return "".join(f"{problem}\n" for problem in loaded.problems)


@pytest.mark.parametrize("case", CASES)
def test_error(case: str, *, update_golden: bool) -> None:
    text = shown(case)
    expected = HERE / f"{case}.txt"
    if update_golden:
        expected.write_text(text)
    assert text == expected.read_text()
    assert text, "a case without a problem shows nothing"


def test_no_expectation_is_left_over() -> None:
    assert sorted(path.stem for path in HERE.glob("*.txt")) == CASES


def complaints() -> Iterator[tuple[str, range, str]]:
    """Each place in the model that makes a problem: file, lines, and the text that it begins with."""
    for path in MODEL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in COMPLAIN:
                texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                yield str(path), lines, next((text for text in texts if isinstance(text, str)), "")


COMPLAIN = {"Refusal", "Unreadable", "report.error", "report.warning", "self._report.error"}


def test_every_rule_has_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place in the model that makes a problem is reached by some case."""
    reached: set[tuple[str, int]] = set()

    def recording(original: object) -> object:
        def record(*arguments: object, **named: object) -> None:
            caller = sys._getframe(1)
            reached.add((caller.f_code.co_filename, caller.f_lineno))
            original(*arguments, **named)  # type: ignore[operator]

        return record

    for owner, name in (
        (Refusal, "__init__"),
        (Unreadable, "__init__"),
        (Report, "error"),
        (Report, "warning"),
    ):
        monkeypatch.setattr(owner, name, recording(getattr(owner, name)))
    for case in CASES:
        shown(case)
    missed = [
        f"{file}:{lines.start} {text}"
        for file, lines, text in complaints()
        if not any((file, line) in reached for line in lines) and text not in SHOWN_ELSEWHERE
    ]
    assert missed == []
