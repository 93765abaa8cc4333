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
    status = _run(command, capture=False).returncode
    if status != 0:
        raise StepFailed(f"`{shlex.join(command)}` {_ended(status)}", remedy)


def output_of(command: Sequence[str], accepted: Sequence[int] = (0,)) -> str:
    """What `command` printed; raises StepFailed if its exit status is not an `accepted` one."""
    result = _run(command, capture=True)
    if result.returncode not in accepted:
        raise StepFailed(f"`{shlex.join(command)}` {_ended(result.returncode)}", result.stderr.strip())
    return result.stdout


def _run(command: Sequence[str], *, capture: bool) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=capture,
            encoding="utf-8",
            errors="replace",
            env=_environment(os.environ),
        )
    except FileNotFoundError as error:
        raise StepFailed(f"`{command[0]}` is not installed", f"is this a Debian system? {error}") from error


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
