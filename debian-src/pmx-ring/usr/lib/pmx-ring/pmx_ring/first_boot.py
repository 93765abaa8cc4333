"""What first boot recorded: /var/lib/pmx-ring/first-boot, which the hook of the installer writes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pmx_ring.problems import RingError
from pmx_ring.system import System

_RECORD = "/var/lib/pmx-ring/first-boot/record.jsonl"
_REPORT = "/var/lib/pmx-ring/first-boot/report.txt"

Event = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FirstBoot:
    """The events of the last hook, oldest first, and its report; both may be empty."""

    events: tuple[Event, ...]
    report: str

    @property
    def state(self) -> str:
        """`none`, `finished`, `gave-up`, `unfinished`, or `running`, which a power cut may have ended."""
        kinds = [event["event"] for event in self.events]
        if not kinds:
            return "none"
        if "finished" in kinds:
            return "finished"
        ends = [kind for kind in kinds if kind in {"start", "unfinished", "gave-up", "reboot"}]
        return str(ends[-1]) if ends and ends[-1] in {"unfinished", "gave-up"} else "running"

    def failures(self) -> dict[str, Event]:
        """The last end of each step, where that was a failure."""
        ends = {str(event.get("step")): event for event in self.events if event["event"] == "step-end"}
        return {step: event for step, event in ends.items() if event.get("outcome") == "failed"}

    def problems(self) -> Iterator[str]:
        """Why the node is not finished; none where first boot runs, never ran, or was mended by hand."""
        if self.state in {"none", "finished", "running"}:
            return
        failures = self.failures()
        for step, event in failures.items():
            yield f"first boot could not do `{step}`: {event.get('message')}"
        stopped = [event for event in self.events if event["event"] == "unfinished"][-1:]
        steps = [step for event in stopped for step in _names(event.get("failed"))]
        # without a name a power cut or a bug ended each of the boots
        done_by_hand = bool(steps) and all(self._is_optional(step) for step in steps)
        if not failures and not done_by_hand:
            yield "first boot did not do all of its steps: `reboot` tries again"

    def _is_optional(self, step: str) -> bool:
        ends = [event for event in self.events if event["event"] == "step-end" and event.get("step") == step]
        return bool(ends and ends[-1].get("optional"))


def _names(value: object) -> Sequence[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def read_first_boot(system: System) -> FirstBoot:
    """What is recorded; a line that a power cut tore is left out."""
    events = [event for line in (system.text(_RECORD) or "").splitlines() for event in _event(line)]
    last = [event for event in events if event.get("run") == events[-1].get("run")] if events else []
    return FirstBoot(tuple(last), system.text(_REPORT) or "")


def need_first_boot(system: System) -> FirstBoot:
    """The same; raises RingError where nothing is recorded."""
    first_boot = read_first_boot(system)
    if not first_boot.events:
        raise RingError(
            "no first boot is recorded on this machine", "`systemctl status 'proxmox-first-boot*'`"
        )
    return first_boot


def as_table(first_boot: FirstBoot) -> dict[str, object]:
    """The record as JSON values."""
    return {
        "state": first_boot.state,
        "problems": list(first_boot.problems()),
        "events": list(first_boot.events),
        "report": first_boot.report,
    }


def as_lines(first_boot: FirstBoot) -> Iterator[str]:
    """The record for a person."""
    for event in first_boot.events:
        if line := _line(event):
            yield f"{event.get('time')}  {line}"
            if event.get("remedy"):
                yield f"  hint: {event['remedy']}"
    yield f"first boot: {first_boot.state}"
    if first_boot.report:
        yield ""
        yield from first_boot.report.splitlines()


def _line(event: Event) -> str:
    reason = f": {event['message']}" if event.get("message") else ""
    lines = {
        "start": f"started {event.get('how')}",
        "step-end": f"  {event.get('step')}: {event.get('outcome')} after {event.get('seconds')} s{reason}",
        "reboot": f"reboot asked for: {event.get('reason')}",
        "unfinished": f"not finished, because of {', '.join(_names(event.get('failed')))}",
        "gave-up": f"gave up after {event.get('boots')} boots",
        "finished": f"finished: {event.get('settings')}",
    }
    return lines.get(str(event["event"]), "")


def _event(line: str) -> Iterator[Event]:
    try:
        value = json.loads(line)
    except ValueError:
        return
    if isinstance(value, dict) and "event" in value:
        yield value
