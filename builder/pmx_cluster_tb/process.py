"""Starting programs: the only module that does.

They run in the C locale and UTC with an environment of few names, so that they say and make the same on every
machine, and never get a terminal or a shell.
"""

import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from os import get_exec_path, pathsep
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from pmx_cluster_tb.problems import UserError

Command = Sequence[str | Path]
"""A program's name and its arguments."""

Stream = IO[Any] | int | None
"""What `subprocess` takes as stdin, stdout or stderr."""


Process = subprocess.Popen[bytes]
"""A program that was started and that nobody waits for yet."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """The packages that bring a program."""

    debian: str
    homebrew: str


PACKAGES: Mapping[str, Packaged] = MappingProxyType(
    {
        "qemu-img": Packaged("qemu-utils", "qemu"),
        "qemu-system-x86_64": Packaged("qemu-system-x86", "qemu"),
        "nsenter": Packaged("util-linux", "util-linux"),
        "ssh": Packaged("openssh-client", "openssh"),
        "xorriso": Packaged("xorriso", "xorriso"),
    }
)
"""Every program that this one starts."""

_LAST_LINES = 12


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program that succeeded wrote."""

    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


class ProgramMissing(UserError):
    """A program is not installed; the hint says which package has it."""

    def __init__(self, program: str) -> None:
        package = PACKAGES[program]
        super().__init__(
            f"`{program}` is not installed",
            f"Debian: `sudo apt install {package.debian}`; macOS: `brew install {package.homebrew}`",
        )
        self.program = program


class ProgramFailed(UserError):
    """A program did not do what it was started for.

    The message has its command line as one can paste it, how it ended, and the last lines that it said.
    """

    def __init__(self, command: Command, ended: str, said: bytes) -> None:
        super().__init__("\n".join([f"`{shown(command)}` {ended}", *_last_lines(said)]))


def run(
    command: Command,
    *,
    stdin: bytes | None = None,
    timeout: timedelta | None = None,
) -> Finished:
    """Runs `command` to its end, without input unless `stdin` is given.

    Raises ProgramMissing, and ProgramFailed if its exit status is not 0 or it lasts longer than `timeout`,
    after which it is killed.
    """
    with start(
        command,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            out, err = process.communicate(stdin, None if timeout is None else timeout.total_seconds())
        except subprocess.TimeoutExpired as expired:
            process.kill()
            out, err = process.communicate()
            ended = f"did not end within {expired.timeout:g} s"
            raise ProgramFailed(command, ended, err or out) from expired
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise ProgramFailed(command, _ending(process.returncode), err or out)
    return Finished(out, err)


def start(
    command: Command,
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.DEVNULL,
    stderr: Stream = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> Process:
    """Starts `command`, which the caller waits for or ends. Raises ProgramMissing."""
    program = shutil.which(command[0], path=pathsep.join(get_exec_path()))
    if program is None:
        raise ProgramMissing(str(command[0]))
    return subprocess.Popen(
        [program, *command[1:]],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
        env=environment(),
    )


def shown(command: Command) -> str:
    """`command` as one can paste it into a shell."""
    return shlex.join(str(word) for word in command)


def environment() -> dict[str, str]:
    """All that programs get to know of this one's environment, and their locale and time zone."""
    known = {
        "LC_ALL": "C.UTF-8",
        "PATH": pathsep.join(get_exec_path()),
        "TMPDIR": tempfile.gettempdir(),
        "TZ": "UTC",
    }
    # there is none where neither HOME nor an account says so
    with suppress(RuntimeError):
        known["HOME"] = str(Path.home())
    return known


def _ending(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _last_lines(said: bytes) -> list[str]:
    lines = said.decode(errors="replace").splitlines()
    printable = ("".join(c if c.isprintable() else " " for c in line).rstrip() for line in lines)
    return [f"  {line}" for line in printable if line][-_LAST_LINES:]
