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


@dataclass(frozen=True, slots=True)
class Running:
    """QEMU, its monitor, and our end of the guest's serial line."""

    process: process.Process
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
        return cls(started, Monitor(monitor), line)

    def end(self) -> None:
        """Ends QEMU as a power cut does."""
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
