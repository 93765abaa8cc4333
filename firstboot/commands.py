"""Starting programs, with what Debian's package tools need in their environment."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence

from firstboot.steps import StepFailed, log

_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def run(command: Sequence[str], remedy: str) -> None:
    """Runs `command`, whose output goes to the journal; raises StepFailed with `remedy` if it fails."""
    log(f"running `{shlex.join(command)}`")
    status = _wait(_started(command))
    if status != 0:
        raise StepFailed(f"`{shlex.join(command)}` {_ended(status)}", remedy)


def output_of(command: Sequence[str], accepted: Sequence[int] = (0,)) -> str:
    """What `command` printed; raises StepFailed if its exit status is not an `accepted` one."""
    process = _started(command, subprocess.PIPE)
    output, errors = process.communicate()
    if process.returncode not in accepted:
        raise StepFailed(f"`{shlex.join(command)}` {_ended(process.returncode)}", errors.strip())
    return output


def _started(command: Sequence[str], output: int | None = None) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            encoding="utf-8",
            errors="replace",
            env=_environment(os.environ),
        )
    except FileNotFoundError as error:
        raise StepFailed(f"`{command[0]}` is not installed", "this program is for Debian systems") from error


def _wait(process: subprocess.Popen[str]) -> int:
    # subprocess.run would kill apt at Ctrl-C, and dpkg with it in the middle of a package
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            log("waiting for the command to end by itself")


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    # at boot PATH may be short and HOME is not set; dpkg refuses to work without the sbin folders
    path = inherited.get("PATH", "").split(":")
    path += [folder for folder in _FOLDERS if folder not in path]
    return {
        "HOME": "/root",
        **inherited,
        "PATH": ":".join(filter(None, path)),
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
    }


def _ended(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
