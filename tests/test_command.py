"""The command as a process: exit statuses, streams, terminals, and what it imports."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pexpect
import pytest
from passlib.hash import sha512_crypt

from tests.clusters import HASH
from tests.command import EXAMPLE

pytestmark = pytest.mark.slow

BUILDER = Path(__file__).parents[1] / "builder"
COMMAND = [sys.executable, "-m", "pmx_cluster_tb"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(BUILDER), "TERM": "xterm-256color", "COLUMNS": "100"}
ENVIRONMENT.pop("NO_COLOR", None)
ENVIRONMENT["HOME"] = "/nowhere"
ENVIRONMENT["TZ"] = "Europe/Kiev"
DEADLINE = 60

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiOUXUuXJOmDthuELckyOnwHdix3wZnp46s3ceSAZrC"

LARGE = ("debian", "jinja2", "passlib", "rich", "tomli_w")
"""Dependencies that take long to import."""


def run(
    *arguments: object, environment: dict[str, str] | None = None, cwd: Path | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """The command without a terminal."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
        cwd=cwd,
        env={**ENVIRONMENT, **(environment or {})},
    )


def at_terminal(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> pexpect.spawn[str]:
    """The command with a terminal for standard input and output."""
    return pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *arguments],
        cwd=str(cwd),
        env={**ENVIRONMENT, **(environment or {})},
        encoding="utf-8",
        timeout=DEADLINE,
        dimensions=(50, 100),
    )


def ended(child: pexpect.spawn[str]) -> tuple[int | None, str]:
    """Waits for the end; the exit status, and what was said since the last match."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before or ""


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--help",), 0),
        ((), 2),
        (("check", "nowhere.toml"), 2),
        (("plan", EXAMPLE, "--svg", "/nowhere/ring.svg"), 1),
    ],
)
def test_exit_status(arguments: tuple[object, ...], status: int) -> None:
    ran = run(*arguments)
    assert ran.returncode == status
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (("--help",), LARGE),
        (("--version",), LARGE),
        (("check", "--help"), LARGE),
        (("build", "--help"), LARGE),
        (("check", EXAMPLE), ("debian", "jinja2", "rich")),
    ],
)
def test_nothing_is_imported_that_is_not_needed(
    arguments: tuple[object, ...], unwanted: tuple[str, ...]
) -> None:
    program = (
        "import atexit, sys; from pmx_cluster_tb.cli import main;"
        f"atexit.register(lambda: sys.stderr.write(repr(sorted(set({unwanted}) & set(sys.modules)))));"
        "main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
        env=ENVIRONMENT,
    )
    assert ran.stderr.endswith("[]")


READ_ONLY_COMMANDS = [
    ("plan", EXAMPLE),
    ("plan", EXAMPLE, "--json"),
    ("plan", EXAMPLE, "--svg", "-"),
    ("plan", EXAMPLE, "--svg", "/dev/stdout"),
    ("plan", EXAMPLE, "--node", "pve1"),
    ("check", EXAMPLE),
    ("inspect", "{built}"),
    ("inspect", "{built}/pve1/first-boot"),
    ("build", EXAMPLE, "--out", "{built}"),
    ("schema",),
    ("--help",),
    ("--version",),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `build` makes of the example."""
    out = tmp_path_factory.mktemp("built") / "out"
    assert run("build", EXAMPLE, "--out", out).returncode == 0
    return out


def run_unread(arguments: tuple[object, ...], *, stderr: bool) -> subprocess.CompletedProcess[bytes]:
    """The command with a pipe that nobody reads for standard output, and maybe standard error too."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            stdout=closed,
            stderr=closed if stderr else subprocess.PIPE,
            check=False,
            timeout=DEADLINE,
            env=ENVIRONMENT,
        )


@pytest.mark.parametrize("arguments", READ_ONLY_COMMANDS, ids=lambda arguments: " ".join(map(str, arguments)))
def test_a_reader_that_leaves_early_ends_the_command_as_the_signal_does(
    arguments: tuple[object, ...], built: Path
) -> None:
    ran = run_unread(tuple(str(one).format(built=built) for one in arguments), stderr=False)
    assert ran.returncode == 128 + signal.SIGPIPE
    told = (b"warning: ", b"  hint: ", b"pve", str(EXAMPLE).encode())
    assert [line for line in ran.stderr.splitlines() if not line.startswith(told)] == []


@pytest.mark.parametrize("arguments", [("check", "nowhere.toml"), ("build", EXAMPLE, "--out", "{built}"), ()])
def test_messages_that_nobody_reads(arguments: tuple[object, ...], built: Path) -> None:
    ran = run_unread(tuple(str(one).format(built=built) for one in arguments), stderr=True)
    assert ran.returncode == 128 + signal.SIGPIPE
    assert [path.name for path in built.parent.iterdir()] == ["out"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [("plan", str(EXAMPLE)), ("schema",), ("--help",)])
def test_output_that_cannot_be_written(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=DEADLINE,
            env=ENVIRONMENT,
        )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == "error: cannot write the output: No space left on device"


@pytest.mark.parametrize("arguments", [("plan", str(EXAMPLE)), ("schema",)])
def test_output_that_is_no_terminal_is_plain(arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert ran.returncode == 0
    assert "\x1b" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_at_a_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    text = ""
    for arguments in (
        ("plan", str(EXAMPLE)),
        ("check", "nowhere.toml"),
        ("build", "--example", "--out", "out"),
    ):
        text += ended(at_terminal(*arguments, cwd=tmp_path, environment=environment))[1]
    # neither bold type nor a cursor that moves is a colour
    colours = re.findall(r"\x1b\[(?:\d+;)*[349][0-7]m", text)
    assert bool(colours) is not bool(environment)


def test_where_the_terminal_has_ascii_only() -> None:
    ran = run("plan", EXAMPLE, environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert ran.returncode == 0
    assert ran.stdout.isascii()
    assert "| pve1      |==| pve2      |" in ran.stdout
    assert "\\u" not in ran.stdout


def test_init_asks_for_the_root_password_and_keeps_its_hash_to_the_owner(tmp_path: Path) -> None:
    child = at_terminal("init", cwd=tmp_path)
    child.expect("password of root on every node: ")
    child.sendline("correct horse")
    child.expect("the same again: ")
    child.sendline("correct horse")
    for question, answer in (("country", "nl"), ("keyboard", "us"), ("keyboard", "de"), ("time zone", "")):
        child.expect(rf"{question}.* \[.*\]: ")
        child.sendline(answer)
    status, said = ended(child)
    assert status == 0
    assert "correct horse" not in said
    hash_file = tmp_path / "cluster.root-password-hash"
    assert hash_file.stat().st_mode & 0o777 == 0o600
    assert sha512_crypt.verify("correct horse", hash_file.read_text().strip())
    text = (tmp_path / "cluster.toml").read_text()
    assert 'root-password-hash-file = "cluster.root-password-hash"' in text
    assert tomllib.loads(text)["locale"] == {"country": "nl", "keyboard": "de", "timezone": "Europe/Kyiv"}
    assert "access.root-password" not in run("check", cwd=tmp_path).stderr


def test_init_asks_which_keys_may_log_in(tmp_path: Path) -> None:
    (tmp_path / "root.hash").write_text(HASH)
    (tmp_path / "root.hash").chmod(0o600)
    (tmp_path / ".ssh").mkdir()
    for name in ("a", "b"):
        (tmp_path / f".ssh/{name}.pub").write_text(f"{KEY} {name}@desk\n")
    options = ("--country=nl", "--keyboard=de", "--timezone=UTC", "--root-password-hash-file=root.hash")
    child = at_terminal("init", *options, cwd=tmp_path, environment={"HOME": str(tmp_path)})
    for name, answer in (("a", "perhaps"), ("a", "n"), ("b", "")):
        child.expect(rf"may .*{name}.pub \({name}@desk\) log in as root\? \[Y/n\]: ")
        child.sendline(answer)
    assert ended(child)[0] == 0
    access = tomllib.loads((tmp_path / "cluster.toml").read_text())["access"]
    assert access["root-ssh-keys"] == [f"{KEY} b@desk"]


@pytest.mark.parametrize("command", ["init", "hash-password"])
def test_a_mistyped_password_is_asked_for_again(command: str, tmp_path: Path) -> None:
    child = at_terminal(command, cwd=tmp_path)
    child.expect("password .*: ")
    child.sendline("horse")
    child.expect("error:.* must have at least 8 bytes, this one has 5")
    child.expect("password .*: ")
    child.sendline("correct horse")
    child.expect("the same again: ")
    child.sendline("battery staple")
    child.expect("error:.* the two passwords differ")
    child.expect("password .*: ")
    child.send("\x04")
    status, said = ended(child)
    assert (status, "error:" in said, list(tmp_path.iterdir())) == (2, True, [])


def test_hash_password_asks_at_a_terminal(tmp_path: Path) -> None:
    child = at_terminal("hash-password", cwd=tmp_path)
    for prompt in ("password to hash: ", "the same again: "):
        child.expect(prompt)
        child.sendline("correct horse")
    status, said = ended(child)
    assert status == 0
    assert sha512_crypt.verify("correct horse", said.split()[-1])


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x04", 2)])
def test_interrupt_and_end_of_input_at_a_prompt(key: str, status: int, tmp_path: Path) -> None:
    child = at_terminal("init", cwd=tmp_path)
    child.expect("password of root on every node: ")
    child.send(key)
    ended_with, said = ended(child)
    assert ended_with == status
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.tools
def test_debians_own_crypt_verifies_the_hash() -> None:
    hashed = run("hash-password", stdin="correct horse\n").stdout.strip()
    program = "use strict; my ($p, $h) = @ARGV; exit(crypt($p, $h) eq $h ? 0 : 1)"
    for password, status in (("correct horse", 0), ("correct horsf", 1)):
        verified = subprocess.run(["perl", "-e", program, password, hashed], check=False, timeout=DEADLINE)
        assert verified.returncode == status


def test_completion_in_the_shell() -> None:
    environment = {
        "_PMX_CLUSTER_TB_COMPLETE": "bash_complete",
        "COMP_WORDS": "pmx-cluster-tb sch",
        "COMP_CWORD": "1",
    }
    assert run(environment=environment).stdout == "plain,schema\n"
    script = run(environment={"_PMX_CLUSTER_TB_COMPLETE": "bash_source"}).stdout
    assert "pmx-cluster-tb" in script


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("check example.toml >&-", 0),
        ("check example.toml 2>&-", 0),
        ("check nowhere.toml >&- 2>&-", 2),
        ("hash-password <&-", 2),
        ("init new.toml <&-", 0),
    ],
)
def test_closed_streams(command: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "example.toml").write_bytes(EXAMPLE.read_bytes())
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -m pmx_cluster_tb {command}', sys.executable],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        cwd=tmp_path,
        env=ENVIRONMENT,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (status, False)
