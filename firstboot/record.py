"""The record: one JSON value on a line for each event of all boots, which survives power cuts.

`pmx-ring first-boot` prints it. Events have `event`, `time` (ISO 8601) and `run`, which tells apart the hooks
of several builds. Nothing in it is secret.
"""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firstboot.changes import sync_folder
from firstboot.system import System

FOLDER = "/var/lib/pmx-ring/first-boot"
_FILE = f"{FOLDER}/record.jsonl"

Event = Mapping[str, object]

BY_HAND = "by hand"
AT_BOOT = "at boot"


@dataclass(frozen=True, slots=True)
class Record:
    """The record of a machine, as the hook `run` reads and adds to it."""

    system: System
    run: str

    def events(self) -> list[Event]:
        """This hook's events, oldest first; what a power cut tore is left out."""
        lines = self.system.text(_FILE).splitlines()
        return [event for event in map(_event, lines) if event.get("run") == self.run]

    def add(self, event: str, **values: object) -> None:
        """Adds an event, on the disk when this returns; raises OSError if it cannot be kept."""
        if self.system.dry_run:
            return
        time = self.system.clock.now().isoformat(timespec="seconds")
        value = {"event": event, "time": time, "run": self.run, **values}
        file = self.system.path(_FILE)
        is_new = not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        _append(file, json.dumps(value).encode())
        if is_new:
            for folder in (file.parent, file.parent.parent, file.parent.parent.parent):
                sync_folder(folder)


def finished_at(events: Sequence[Event]) -> str | None:
    """When this hook finished the node."""
    times = [str(event["time"]) for event in events if event["event"] == "finished"]
    return times[-1] if times else None


def boots_tried(events: Sequence[Event]) -> int:
    """In how many boots the hook was started since a person last started it."""
    starts = [event for event in events if event["event"] == "start"]
    for index, start in reversed(list(enumerate(starts))):
        if start.get("how") == BY_HAND:
            starts = starts[index:]
            break
    return len({event.get("boot") for event in starts})


def reboots_for(events: Sequence[Event], reason: str | None = None) -> int:
    """How many reboots were asked for, for `reason` or for any."""
    return sum(event["event"] == "reboot" and reason in {None, event.get("reason")} for event in events)


def failed_steps(events: Sequence[Event]) -> dict[str, Event]:
    """The steps whose last end was a failure, with that end."""
    ends = {str(event["step"]): event for event in events if event["event"] == "step-end"}
    return {step: event for step, event in ends.items() if event.get("outcome") == "failed"}


def _append(file: Path, line: bytes) -> None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
        text = (b"\n" if torn else b"") + line + b"\n"
        if os.write(descriptor, text) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _event(line: str) -> Event:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
