"""The only module that starts programs."""

import os
import re
import shlex
import subprocess
import time
from dataclasses import dataclass
from shutil import which

from pmx_ring.problems import RingError

_ALSO_SEARCHED = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/systemd"
_LINES_SHOWN = 5

_AWAY = re.compile(
    r"^Failed to .*: (Transport endpoint is not connected|Connection (refused|reset by peer))$"
    r"|D-Bus connection terminated",
    re.MULTILINE,
)
"""What systemctl says while systemd executes itself anew, as an upgrade of its package has it do."""
_AWAY_SECONDS = 30
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; `output` is what it wrote to both of its streams."""

    status: int
    output: str


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:{_ALSO_SEARCHED}"


def is_installed(program: str) -> bool:
    """Whether `program` can be started by name."""
    return which(program, path=_path()) is not None


def run(*command: str, timeout_seconds: float = 60) -> Finished:
    """Run `command` to its end; a status other than 0 is the caller's to judge.

    A systemctl that does not reach systemd is run again, for half a minute. Raises RingError when `command`
    cannot be started or takes longer than `timeout_seconds`.
    """
    deadline = None
    while True:
        done = _run_once(command, timeout_seconds)
        is_away = command[0] == "systemctl" and done.status != 0 and _AWAY.search(done.output) is not None
        # a start may have taken longer than this before systemd went away
        deadline = deadline or time.monotonic() + _AWAY_SECONDS
        if not is_away or time.monotonic() > deadline:
            return done
        time.sleep(_PAUSE_SECONDS)


def _run_once(command: tuple[str, ...], timeout_seconds: float) -> Finished:
    program = which(command[0], path=_path())
    if program is None:
        raise RingError(f"`{command[0]}` is not installed", "`apt-get install --reinstall pmx-ring` says why")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": _path(), "LC_ALL": "C.UTF-8"},
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RingError(f"`{shlex.join(command)}` did not end within {timeout_seconds:g} s") from None
    return Finished(done.returncode, done.stdout.decode(errors="replace"))


def output_of(*command: str, hint: str = "", timeout_seconds: float = 60) -> str:
    """What `command` wrote. Raises RingError with its last lines when its status is not 0."""
    done = run(*command, timeout_seconds=timeout_seconds)
    if done.status != 0:
        said = " / ".join(done.output.strip().splitlines()[-_LINES_SHOWN:])
        raise RingError(f"`{shlex.join(command)}` failed with status {done.status}: {said}", hint)
    return done.output
