"""Asking for an apply from dpkg's scripts, doing it after apt has returned, and waiting for its end.

A request is a note, /var/lib/pmx-ring/noted. Where systemd runs and policy-rc.d has nothing against it, the
service pmx-ring-apply is started too; else that service finds the note at the next boot.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pmx_ring.apply import Outcome, Say, apply
from pmx_ring.changes import Context
from pmx_ring.dpkg import dpkg_lock_holder, wait_for_dpkg
from pmx_ring.facts import read_facts
from pmx_ring.forwarding import router_advertisement_changes
from pmx_ring.problems import RingError
from pmx_ring.programs import output_of, run
from pmx_ring.state import FOLDER, State
from pmx_ring.system import System, remove_file, write_file

_NOTE = f"{FOLDER}/noted"
_LOCK = "/run/pmx-ring.lock"
_SERVICE = "pmx-ring-apply.service"
_POLICY = "/usr/sbin/policy-rc.d"
_FORBIDDEN = 101
_PAUSE_SECONDS = 0.25


def request_apply(system: System, say: Say) -> None:
    """Note that an apply is due, and start the service that does it as soon as apt has returned."""
    write_file(system.path(_NOTE), "")
    if not system.is_live:
        say("the settings are noted, the next boot puts them into force")
        return
    _keep_router_advertisements(system)
    if _is_forbidden(system):
        say("policy-rc.d forbids to apply the settings now, the next boot puts them into force")
        return
    output_of("systemctl", "start", "--no-block", _SERVICE)


def _keep_router_advertisements(system: System) -> None:
    # systemd's own trigger may set the sysctls of our package before the apply does
    with suppress(RingError):  # which the apply will meet again, and tell
        _accept_router_advertisements(system)


def _accept_router_advertisements(system: System) -> None:
    facts = read_facts(system)
    if facts is not None and any(address.version == 6 for address in facts.addresses):
        for change in router_advertisement_changes(Context(system, State.load(system))):
            change.do()


def _is_forbidden(system: System) -> bool:
    policy = system.path(_POLICY)
    return os.access(policy, os.X_OK) and run(str(policy), "pmx-ring-apply", "start").status == _FORBIDDEN


def note_identity(system: System) -> str:
    """Which request is noted; empty where none is."""
    try:
        status = system.path(_NOTE).stat()
    except FileNotFoundError:
        return ""
    return f"{status.st_ino}.{status.st_mtime_ns}"


@contextmanager
def _one_at_a_time(system: System) -> Iterator[None]:
    descriptor = os.open(system.path(_LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def recorded_apply(system: System, *, force: bool, say: Say) -> Outcome:
    """Apply, and remember how it went; the note goes when all of it went well.

    A note that was written during the apply stays: the service applies once more for it.
    """
    with _one_at_a_time(system):
        if process := dpkg_lock_holder(system):
            # half of the files may be there, or for a moment none
            say(f"waiting for apt or dpkg, process {process}")
            wait_for_dpkg(system)
        # what apt noted meanwhile is applied now
        note = note_identity(system)
        try:
            outcome = apply(system, dry_run=False, force=force, say=say)
        except RingError as problem:
            outcome = Outcome(problems=[problem])
        problems = [str(problem) for problem in outcome.problems]
        state = State.load(system)
        is_mended = bool(state.last_problems) and not problems
        state.save(last_note=note, last_problems=problems)
        if not problems and note == note_identity(system):
            remove_file(system.path(_NOTE))
        if is_mended:
            with suppress(RingError):  # all is in force, whatever systemd says
                # the service that met the problems would count as failed until the next boot
                run("systemctl", "reset-failed", _SERVICE)
    return outcome


def wait_for_apply(system: System, timeout_seconds: float) -> list[str]:
    """The problems of the last apply, once it has ended; none, and everything is in force.

    Raises RingError when it has not ended in time, or when nothing but the next boot will start it.
    """
    deadline = time.monotonic() + timeout_seconds
    while _is_applying(system):
        if time.monotonic() > deadline:
            raise RingError(
                f"the settings are not in force after {timeout_seconds:g} s", f"`systemctl status {_SERVICE}`"
            )
        time.sleep(_PAUSE_SECONDS)
    state = State.load(system)
    note = note_identity(system)
    if note and state.last_note != note:
        raise RingError("the settings are noted, but not in force before the next boot", "`pmx-ring apply`")
    return state.last_problems


def _is_applying(system: System) -> bool:
    if not system.is_live:
        return False
    said = run("systemctl", "show", "--property=ActiveState,Job", _SERVICE).output
    properties = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return properties.get("ActiveState") in {"activating", "deactivating"} or bool(properties.get("Job"))
