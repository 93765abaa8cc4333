"""What the record says about earlier boots."""

from collections.abc import Sequence

from firstboot.record import Event

BY_HAND = "by hand"
AT_BOOT = "at boot"


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
