"""The launcher at the top of the checkout, with fake Pythons that write down what they are asked for."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.roots.waiting import wait_for

LAUNCHER = Path(__file__).parents[1] / "pmx-cluster-tb"
DEADLINE = 60

TOOLS = ("basename", "cat", "cksum", "dirname", "mkdir", "mv", "readlink", "rm", "sh", "sleep", "uname")
"""All that the launcher and the fakes may use, besides the shell itself."""

PYTHON = """#!/bin/sh
# a Python of which the test decides what it can do
log() { echo "$*" >> "$LOG"; }
case "$*" in
    *version_info*) exit %(too_old)d ;;
    *ensurepip*) exit %(incomplete)d ;;
    *flock*) exit 0 ;;
    -V) echo 'Python 3.12.0' ;;
    '-m venv --clear '*)
        log "venv"
        rm -rf "$4"; mkdir -p "$4/bin"
        cat > "$4/bin/python" <<'END'
#!/bin/sh
echo "pip" >> "$LOG"
[ -z "${PIP_FAILS:-}" ] || { echo 'no network' >&2; exit 1; }
here=$(dirname "$0")
printf '#!/bin/sh\\necho "ran $*"\\n' > "$here/pmx-cluster-tb"
/bin/chmod +x "$here/pmx-cluster-tb"
END
        /bin/chmod +x "$4/bin/python" ;;
    *) log "unexpected: $*"; exit 99 ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout in `folder`, and a PATH of one folder, `programs`."""

    folder: Path
    programs: Path
    log: Path

    def python(self, name: str = "python3", *, too_old: bool = False, incomplete: bool = False) -> Path:
        """Puts a fake Python on PATH."""
        path = self.programs / name
        path.write_text(PYTHON % {"too_old": too_old, "incomplete": incomplete})
        path.chmod(0o755)
        return path

    def start(self, *arguments: str, shell: str = "sh", **environment: str) -> subprocess.Popen[str]:
        """Starts the launcher in another folder than the checkout."""
        return subprocess.Popen(
            [str(shutil.which(shell)), str(self.folder / "pmx-cluster-tb"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": str(self.programs), "LOG": str(self.log), **environment},
        )

    def run(self, *arguments: str, shell: str = "sh", **environment: str) -> tuple[int, str, str]:
        """Runs the launcher: exit status, standard output, standard error."""
        process = self.start(*arguments, shell=shell, **environment)
        out, err = process.communicate(timeout=DEADLINE)
        return process.returncode, out, err

    def asked(self) -> list[str]:
        """What the fake Pythons were asked to make since the last time."""
        asked = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return asked


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout whose path has a space, with no Python on PATH."""
    folder, programs = tmp_path / "check out", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    shutil.copy(LAUNCHER, folder)
    (folder / "pyproject.toml").write_text("[project]\n")
    for tool in TOOLS:
        (programs / tool).symlink_to(str(shutil.which(tool)))
    return Checkout(folder, programs, tmp_path / "log")


def test_the_first_run_makes_the_environment_and_says_so(checkout: Checkout) -> None:
    checkout.python()
    status, out, err = checkout.run("build", "--out", "a b")
    assert (status, out) == (0, "ran build --out a b\n")
    assert err == (
        "pmx-cluster-tb: making .venv-pmx-cluster-tb with Python 3.12.0 "
        "and the packages that are needed, once; downloading them takes a minute or two\n"
    )
    assert checkout.asked() == ["venv", "pip"]


def test_later_runs_say_and_make_nothing(checkout: Checkout) -> None:
    checkout.python()
    checkout.run()
    checkout.asked()
    assert checkout.run("check") == (0, "ran check\n", "")
    assert checkout.asked() == []


@pytest.mark.parametrize(
    "change", ["pyproject", "python replaced", "python gone", "moved", "no program", "no stamp"]
)
def test_it_is_made_again(change: str, checkout: Checkout) -> None:
    old, new = checkout.python("python3.11"), checkout.python("python3.12")
    current = checkout.programs / "python3"
    current.symlink_to(old.name)
    checkout.run()
    checkout.asked()
    match change:
        case "pyproject":
            (checkout.folder / "pyproject.toml").write_text('[project]\nname = "other"\n')
        case "python replaced":
            current.unlink()
            current.symlink_to(new.name)
        case "python gone":
            current.unlink()
        case "moved":
            checkout = Checkout(
                checkout.folder.rename(checkout.folder.with_name("moved")), checkout.programs, checkout.log
            )
        case "no program":
            (checkout.folder / ".venv-pmx-cluster-tb" / "bin" / "pmx-cluster-tb").unlink()
        case _:
            (checkout.folder / ".venv-pmx-cluster-tb" / "made-from").unlink()
    assert checkout.run("check")[:2] == (0, "ran check\n")
    assert checkout.asked() == ["venv", "pip"]


def test_a_making_that_failed_leaves_nothing_that_counts(checkout: Checkout) -> None:
    checkout.python()
    status, out, err = checkout.run("check", PIP_FAILS="1")
    assert (status, out) == (1, "")
    assert "no network\nerror: pip could not install what is needed\n" in err
    checkout.asked()
    assert checkout.run("check")[:2] == (0, "ran check\n")
    assert checkout.asked() == ["venv", "pip"]


def test_two_first_runs_at_once_make_one_environment(checkout: Checkout) -> None:
    fake = checkout.python()
    # the lock is Python's, so here the real one has to take it
    fake.write_text(fake.read_text().replace("*flock*) exit 0", f'*flock*) exec {sys.executable} "$@"'))
    processes = [checkout.start("check") for _ in range(4)]
    outputs = [process.communicate(timeout=DEADLINE)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert outputs == ["ran check\n"] * 4
    assert checkout.asked() == ["venv", "pip"]


def test_the_program_is_told_how_it_was_called(checkout: Checkout) -> None:
    checkout.python()
    checkout.run()
    program = checkout.folder / ".venv-pmx-cluster-tb/bin/pmx-cluster-tb"
    program.write_text('#!/bin/sh\necho "$PMX_CLUSTER_TB_CALLED"\n')
    assert checkout.run()[1] == f"{checkout.folder}/pmx-cluster-tb\n"


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("during", ["-m venv --clear", "pip"])
def test_an_interrupted_first_run_ends_without_a_traceback(
    checkout: Checkout, during: str, shell: str
) -> None:
    fake = checkout.python()
    began = checkout.log.with_name("began")
    # the file is there once Python takes the signal itself
    program = f'import pathlib, time; pathlib.Path("{began}").touch(); time.sleep(60)'
    slow = f"exec {sys.executable} -c '{program}'"
    text = fake.read_text()
    if during == "pip":
        fake.write_text(text.replace('echo "pip" >> "$LOG"', slow))
    else:
        fake.write_text(text.replace('log "venv"', slow))
    argv = ["env", "--default-signal=INT", str(shutil.which(shell)), str(checkout.folder / "pmx-cluster-tb")]
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={
            "PATH": f"{checkout.programs}:{Path(str(shutil.which('env'))).parent}",
            "LOG": str(checkout.log),
        },
    )
    wait_for("first run", began.exists)
    # as the terminal does, to everything in front of it
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert err.endswith("\ninterrupted: the same command begins anew\n")
    assert not (checkout.folder / ".venv-pmx-cluster-tb/made-from").exists()


def test_no_python(checkout: Checkout) -> None:
    checkout.python(too_old=True)
    status, out, err = checkout.run()
    assert (status, out) == (1, "")
    assert err.startswith("error: no Python 3.11 or newer was found\n  hint: ")


@pytest.mark.parametrize("name", ["python3", "python3.13"])
def test_a_python_that_makes_no_environments(name: str, checkout: Checkout) -> None:
    checkout.python("python3", too_old=True)
    checkout.python(name, incomplete=True)
    status, out, err = checkout.run()
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {name} is new enough, but comes without venv and ensurepip\n  hint: ")
    if Path("/etc/debian_version").exists():
        assert f"`sudo apt install {name}-venv`" in err


def test_another_python_where_the_first_makes_none(checkout: Checkout) -> None:
    checkout.python("python3", incomplete=True)
    checkout.python("python3.12")
    assert checkout.run("check")[:2] == (0, "ran check\n")


def test_through_a_link_from_elsewhere(checkout: Checkout) -> None:
    checkout.python()
    link = checkout.programs / "pmx"
    link.symlink_to(os.path.relpath(checkout.folder / "pmx-cluster-tb", checkout.programs))
    ran = subprocess.run(
        [str(link), "check"],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
        env={"PATH": str(checkout.programs), "LOG": str(checkout.log)},
    )
    assert ran.stdout == "ran check\n"
    assert (checkout.folder / ".venv-pmx-cluster-tb").is_dir()


@pytest.mark.tools
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_in_other_shells(shell: str, checkout: Checkout) -> None:
    if shutil.which(shell) is None:
        pytest.fail(f"this test needs: apt-get install {shell}", pytrace=False)
    checkout.python()
    assert checkout.run("check", shell=shell)[:2] == (0, "ran check\n")
    assert checkout.run("check", shell=shell) == (0, "ran check\n", "")
