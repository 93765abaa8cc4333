"""QEMU's monitor protocol (docs/interop/qmp-spec.rst of QEMU): commands, and events that come meanwhile."""

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pmx_cluster_tb.machines.failure import Deadline, MachineFailed


@dataclass(frozen=True, slots=True)
class Event:
    """Something that QEMU tells by itself."""

    name: str
    data: dict[str, Any]


class MonitorClosed(MachineFailed):
    """QEMU has ended, or closed its monitor."""


@dataclass(slots=True)
class Monitor:
    """The monitor of one QEMU, at the other end of a connected socket.

    `events` are all that came, in order.
    """

    connection: socket.socket
    events: list[Event] = field(default_factory=list)
    _received: bytes = b""

    def greet(self, deadline: Deadline) -> None:
        """Takes QEMU's greeting; commands are possible from then on."""
        greeting = self._message(deadline, "QEMU's greeting")
        if "QMP" not in greeting:
            raise MachineFailed(f"QEMU's monitor began with `{greeting}` in place of a greeting")
        self.execute("qmp_capabilities", deadline)

    def execute(self, command: str, deadline: Deadline, **arguments: object) -> Any:
        """What `command` returns; MachineFailed with QEMU's own words if it refuses."""
        request: dict[str, object] = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        try:
            self.connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise MonitorClosed(f"QEMU has ended before `{command}`") from error
        while True:
            answer = self._message(deadline, f"answer to `{command}`")
            if "event" in answer:
                self._keep(answer)
            elif "error" in answer:
                raise MachineFailed(f"QEMU refuses `{command}`: {answer['error'].get('desc')}")
            else:
                return answer["return"]

    def wait_event(
        self,
        name: str,
        deadline: Deadline,
        *,
        after: int = 0,
        where: Callable[[dict[str, Any]], bool] = lambda _: True,
    ) -> Event:
        """The first event `name` for which `where` holds, from the one with the index `after` on."""
        while True:
            for event in self.events[after:]:
                if event.name == name and where(event.data):
                    return event
            after = len(self.events)
            self._keep(self._message(deadline, f"event `{name}`"))

    def drain(self) -> None:
        """Takes the events that QEMU told before it ended."""
        at_once = Deadline(timedelta())
        with suppress(MachineFailed):
            while True:
                self._keep(self._message(at_once, "event"))

    def _keep(self, message: dict[str, Any]) -> None:
        self.events.append(Event(message["event"], message.get("data", {})))

    def _message(self, deadline: Deadline, what: str) -> dict[str, Any]:
        while b"\n" not in self._received:
            self._receive(deadline, what)
        line, _, self._received = self._received.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _receive(self, deadline: Deadline, what: str) -> None:
        # a timeout of 0 would make the socket non-blocking
        self.connection.settimeout(max(deadline.seconds_left, 0.001))
        try:
            received = self.connection.recv(65536)
        except TimeoutError:
            raise MachineFailed(f"no {what} from QEMU within {deadline}") from None
        except OSError:
            received = b""
        if not received:
            raise MonitorClosed(f"QEMU has ended before the {what}")
        self._received += received
