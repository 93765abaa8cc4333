"""Starting programs, with Python as the program."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmx_cluster_tb.process import (
    PACKAGES,
    Process,
    ProgramFailed,
    ProgramMissing,
    environment,
    run,
    shown,
    start,
)
from tests.roots.commands import PACKAGES as PACKAGES_OF_TESTS
from tests.roots.waiting import wait_for

GENEROUS = timedelta(minutes=1)


def python(program: str, *arguments: str) -> list[str]:
    """The command line that runs the text `program`."""
    return [sys.executable, "-IS", "-c", program, *arguments]


def test_what_a_program_writes_is_kept_apart() -> None:
    finished = run(python("import sys; print('out'); print('err', file=sys.stderr)"))
    assert (finished.stdout, finished.stderr) == (b"out\n", b"err\n")
    assert "out" not in repr(finished)


def test_a_program_reads_what_it_is_given_or_nothing() -> None:
    echo = python("import sys; sys.stdout.write(sys.stdin.read() + '.')")
    assert run(echo, stdin=b"given").stdout == b"given."
    assert run(echo).stdout == b"."


def test_a_program_learns_little_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_OF_A_TEST", "x")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    monkeypatch.setenv("HOME", str(tmp_path))
    told = run(python("import os; print(sorted(os.environ.items()))")).stdout.decode()
    assert told.strip() == str(sorted(environment().items()))
    assert environment().keys() == {"HOME", "LC_ALL", "PATH", "TMPDIR", "TZ"}
    assert environment() | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(tmp_path)} == environment()


def test_a_program_that_fails_is_shown_once_with_its_last_lines() -> None:
    command = python(
        "import sys; [print(f'line {i}\\t\\x1b', file=sys.stderr) for i in range(99)]; sys.exit(3)", "a b"
    )
    with pytest.raises(ProgramFailed) as caught:
        run(command)
    first, *rest = caught.value.message.splitlines()
    assert first == f"`{shown(command)}` ended with status 3"
    assert first.endswith("'a b'` ended with status 3")
    assert rest == [f"  line {number}" for number in range(87, 99)]
    assert caught.value.status == 1


def test_a_program_that_says_nothing_on_stderr_is_shown_with_its_output() -> None:
    with pytest.raises(ProgramFailed, match=r"status 1\n  it is over$"):
        run(python("print('it is over'); raise SystemExit(1)"))


def test_a_program_that_is_killed_says_by_what() -> None:
    with pytest.raises(ProgramFailed, match=r"was ended by SIGKILL$"):
        run(python("import os; os.kill(os.getpid(), 9)"))


def test_a_program_that_takes_too_long_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"

    def start_and_wait(*command: Any, **options: Any) -> Process:
        started = start(*command, **options)
        wait_for("first words", said.exists)
        return started

    # its time begins when it has spoken: Python may take long to start
    monkeypatch.setattr("pmx_cluster_tb.process.start", start_and_wait)
    began = time.monotonic()
    with pytest.raises(ProgramFailed, match=r"did not end within 0\.2 s\n  begun$"):
        run(
            python(f"import time; print('begun', flush=True); open({str(said)!r}, 'x'); time.sleep(600)"),
            timeout=timedelta(seconds=0.2),
        )
    assert time.monotonic() - began < GENEROUS.total_seconds()


def test_a_program_is_started_to_go_on() -> None:
    reading, writing = os.pipe()
    with start(
        python(f"import os; os.write({writing}, b'passed'); input()"),
        stdin=subprocess.PIPE,
        pass_fds=[writing],
    ) as process:
        os.close(writing)
        assert os.read(reading, 100) == b"passed"
        assert process.poll() is None
        process.communicate(b"\n", timeout=GENEROUS.total_seconds())
    os.close(reading)
    assert process.returncode == 0


@pytest.mark.parametrize("program", PACKAGES)
def test_a_missing_program_is_named_with_its_packages(
    program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissing) as caught:
        run([program, "--version"])
    assert caught.value.message == f"`{program}` is not installed"
    assert f"apt install {PACKAGES[program].debian}`" in caught.value.hint
    assert f"brew install {PACKAGES[program].homebrew}`" in caught.value.hint


def test_the_tests_know_the_same_packages() -> None:
    for program in PACKAGES.keys() & PACKAGES_OF_TESTS.keys():
        assert PACKAGES[program].debian == PACKAGES_OF_TESTS[program]
