"""One run of QEMU, from switching on to switching off."""

import os
import socket
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pmx_cluster_tb import process
from pmx_cluster_tb.machines.hardware import escaped
from pmx_cluster_tb.machines.qmp import Monitor

_KILL = 'trap "" INT TERM HUP; read -r _; kill -9 "$1"'


@dataclass(frozen=True, slots=True)
class Guard:
    """A shell that ends QEMU as soon as the program that started it is gone, however it went."""

    watching: process.Process
    pipe: int

    @classmethod
    def over(cls, guarded: process.Process) -> Self:
        """Starts it; it waits for the end of a pipe that nobody else has."""
        reading, writing = os.pipe()
        try:
            return cls(process.start(["sh", "-c", _KILL, "sh", str(guarded.pid)], stdin=reading), writing)
        finally:
            os.close(reading)

    def end(self) -> None:
        """Spares what it guards."""
        self.watching.kill()
        self.watching.wait()
        os.close(self.pipe)


@dataclass(frozen=True, slots=True)
class Running:
    """QEMU, its monitor, and our end of the guest's serial line."""

    process: process.Process
    guard: "Guard"
    monitor: Monitor
    line: socket.socket

    @classmethod
    def started(cls, command: list[str], folder: Path) -> Self:
        """Starts `command` with the guest's processors stopped, and both lines connected.

        `console.log` in `folder` gets what the guest says, `qemu.log` what QEMU complains about.
        """
        with ExitStack() as stack:
            complaints = stack.enter_context((folder / "qemu.log").open("wb"))
            line, guests_line = socket.socketpair()
            monitor, qemus_monitor = socket.socketpair()
            stack.enter_context(guests_line)
            stack.enter_context(qemus_monitor)
            log = f"logfile={escaped(folder / 'console.log')},logappend=on"
            connections = [
                *(
                    "-chardev",
                    f"socket,id=console,fd={guests_line.fileno()},{log}",
                    "-serial",
                    "chardev:console",
                ),
                *("-chardev", f"socket,id=monitor,fd={qemus_monitor.fileno()}"),
                *("-mon", "chardev=monitor,mode=control", "-S"),
            ]
            fds = (guests_line.fileno(), qemus_monitor.fileno())
            started = process.start([*command, *connections], stderr=complaints, pass_fds=fds)
        return cls(started, Guard.over(started), Monitor(monitor), line)

    def end(self) -> None:
        """Ends QEMU as a power cut does."""
        # first: once QEMU is gone, another program may have its number
        self.guard.end()
        self.process.kill()
        self.process.wait()
        self.monitor.connection.close()

    def prefer_timers(self) -> None:
        """Has QEMU's first thread run before its guest's processors, where that is allowed.

        That thread delivers timers, and the processors are threads that never sleep: on a busy machine Linux
        finds its timer broken while it boots ("IO-APIC + timer doesn't work"), and panics. To be called when
        the other threads are there, for they would inherit it.
        """
        if sys.platform == "linux":
            with suppress(PermissionError, ProcessLookupError):
                # of one thread, not of the process (setpriority(2), "C library/kernel differences")
                os.setpriority(os.PRIO_PROCESS, self.process.pid, -10)
