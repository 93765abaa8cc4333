"""Starting programs: with a deadline, their output in the journal, and what Debian's tools need to find."""

import os
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import IO

from firstboot.step import StepFailed
from firstboot.system import System

_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_LINES_KEPT = 5
_QUERY_SECONDS = 120
_GRACE_SECONDS = 30
_LEFTOVER_OUTPUT_SECONDS = 1
_NOT_FOUND = 127


def run(system: System, command: Sequence[str], remedy: str, *, stdin: str | None = None) -> None:
    """Runs `command`; raises StepFailed with `remedy` if it fails or lasts longer than the step may.

    `stdin` may be a secret: it is never shown. In a dry run the command is only told.
    """
    shown = shlex.join(command)
    if system.dry_run:
        system.say(f"would run `{shown}`")
        return
    system.say(f"running `{shown}`")
    process = _start(system, command, stdin is not None)
    lines: deque[str] = deque(maxlen=_LINES_KEPT)
    reader = Thread(target=_pass_on, args=(system, process.stdout, lines), daemon=True)
    reader.start()
    status = _end_of(system, process, stdin)
    # a service that was started may hold the pipe open for ever
    reader.join(_LEFTOVER_OUTPUT_SECONDS)
    if status != 0:
        said = f": {' / '.join(lines)}" if lines else ""
        raise StepFailed(f"`{shown}` {_ended(status)}{said}", remedy)


def output_of(system: System, command: Sequence[str], accepted: Sequence[int] = (0,)) -> str:
    """What `command`, which changes nothing, printed; raises StepFailed if its status is not `accepted`."""
    shown = shlex.join(command)
    try:
        result = subprocess.run(
            _in_root(system, command),
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=_environment(os.environ),
            timeout=_QUERY_SECONDS,
        )
    except FileNotFoundError as error:
        raise _not_installed(command) from error
    except subprocess.TimeoutExpired as error:
        raise StepFailed(f"`{shown}` did not end within {_QUERY_SECONDS} s", f"`{shown}`") from error
    if result.returncode not in accepted:
        # apt says some things twice
        said = " / ".join(list(dict.fromkeys(result.stderr.strip().splitlines()))[-_LINES_KEPT:])
        raise StepFailed(f"`{shown}` {_ended(result.returncode)}: {said}", f"`{shown}`")
    return result.stdout


def _start(system: System, command: Sequence[str], has_input: bool) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            _in_root(system, command),
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(os.environ),
            process_group=0,
        )
    except FileNotFoundError as error:
        raise _not_installed(command) from error


def _not_installed(command: Sequence[str]) -> StepFailed:
    return StepFailed(f"`{command[0]}` is not installed", "is this a whole Debian system?", hopeless=True)


def _pass_on(system: System, stream: IO[bytes] | None, lines: deque[str]) -> None:
    assert stream is not None  # noqa: S101
    with stream:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                lines.append(text)
                system.say(f"| {text}")


def _end_of(system: System, process: subprocess.Popen[bytes], stdin: str | None) -> int:
    try:
        if process.stdin is not None and stdin is not None:
            _give(process.stdin, stdin)
        return process.wait(system.remaining.total_seconds())
    except subprocess.TimeoutExpired:
        system.say("its time is up: ending it")
        return _killed(process)
    except KeyboardInterrupt:
        # in a process group of its own it did not get Ctrl-C: dpkg must not end in the middle of a package
        system.say("waiting for the command to end by itself")
        with suppress(subprocess.TimeoutExpired):
            process.wait(system.remaining.total_seconds())
        raise


def _give(stream: IO[bytes], text: str) -> None:
    try:
        with stream:
            stream.write(text.encode())
    except BrokenPipeError:
        pass  # it ended without reading: its status tells


def _killed(process: subprocess.Popen[bytes]) -> int:
    """Ends the process and those that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            return process.wait(_GRACE_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    # it waits in the kernel, for a disk that is gone say, and ends when that does
    return -signal.SIGKILL


def _in_root(system: System, command: Sequence[str]) -> list[str]:
    return [*(["chroot", str(system.root)] if system.chroot else []), *command]


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
        "APT_LISTCHANGES_FRONTEND": "none",
        # an upgrade of ifupdown2 must not take the network away that the rest needs
        "IFUPDOWN2_NO_IFRELOAD": "1",
    }


def _ended(status: int) -> str:
    if status == _NOT_FOUND:
        return "was not found"
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
