"""A virtual machine and what can be done to it, in three layers.

`execute` never judges; `succeed` and `fail` raise MachineFailed; `wait_until_succeeds` and the other waits
try again to their deadline and then say what they saw last, with the last lines of the console.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from pmx_cluster_tb.machines.acceleration import acceleration
from pmx_cluster_tb.machines.console import Console
from pmx_cluster_tb.machines.failure import Deadline, MachineFailed, wait_until
from pmx_cluster_tb.machines.hardware import CablePort, Firmware, Hardware, lan_id, nic_id, options, plugged
from pmx_cluster_tb.machines.images import uefi_code
from pmx_cluster_tb.machines.running import Running
from pmx_cluster_tb.machines.shell import Result
from pmx_cluster_tb.machines.snapshots import Snapshot, read_memory, write_memory
from pmx_cluster_tb.machines.terminal import LineListener

_QUICKLY = timedelta(seconds=30)
_LASTS = timedelta(minutes=2)
_BOOT_LASTS = timedelta(minutes=10)
_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


class Machine:
    """A machine called `name`, off at first; what it leaves is in `folder`.

    `console.log` there is the transcript of all its boots, `qemu.log` what QEMU complained about. `prefix` is
    what QEMU is started by, as `nsenter --net=...`. Leaving its context is a power cut.
    """

    def __init__(
        self,
        name: str,
        hardware: Hardware,
        folder: Path,
        *,
        prefix: Sequence[str] = (),
        listener: LineListener = lambda _: None,
    ) -> None:
        self.name = name
        self.hardware = hardware
        self.folder = folder
        self.transcript = folder / "console.log"
        self._prefix = tuple(prefix)
        self._listener = listener
        self._plugged: set[str] = set()
        self._running: Running | None = None
        self._console: Console | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.crash()

    # the power

    @property
    def is_on(self) -> bool:
        return self._running is not None and self._running.process.poll() is None

    def start(self, hardware: Hardware | None = None) -> None:
        """Switches it on, from now on with other `hardware` if that is given."""
        self._require_off()
        self.hardware = hardware or self.hardware
        with self._starting():
            self._switch_on()
            # the console is attached before the first instruction: nothing that the guest says is lost
            self.resume()

    def crash(self) -> None:
        """Cuts the power."""
        # taken first: an interrupted program cuts the power of machines that others are about to end
        running, self._running = self._running, None
        if running is not None:
            running.end()
        if self._console is not None:
            self._console.close()

    def wait_off(self, lasts: timedelta = _BOOT_LASTS) -> None:
        """Waits until the guest has switched itself off."""
        running = self.running
        wait_until(
            f"power-off of {self.name}",
            running.process.poll,
            Deadline(lasts),
            until=lambda status: status is not None,
            explain=self.console.last_lines,
        )
        running.monitor.drain()
        by_guest = [event.data.get("guest") for event in running.monitor.events if event.name == "SHUTDOWN"]
        status = running.process.returncode
        self.crash()
        if status != 0 or by_guest != [True]:
            raise MachineFailed(
                f"QEMU of {self.name} ended with status {status}, and not by the guest's power-off\n"
                f"{self.console.last_lines()}"
            )

    # snapshots

    def pause(self) -> None:
        """Stops its processors and its clocks."""
        self.running.monitor.execute("stop", Deadline(_QUICKLY))

    def resume(self) -> None:
        """Goes on after `pause` or `load`."""
        self.running.monitor.execute("cont", Deadline(_QUICKLY))

    def save(self, folder: Path) -> Snapshot:
        """Freezes it, memory and disks: it is off then, and the files of its disks must change no more.

        `folder` gets the memory. A machine whose state QEMU cannot save goes on, and MachineFailed says what
        it was: an NVMe disk, for one.
        """
        self.pause()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            memory = write_memory(self.running.monitor, folder / "memory")
        except MachineFailed as error:
            self.resume()
            raise MachineFailed(f"{self.name} cannot be saved: {error.message}") from error
        self.crash()
        return Snapshot.of(self.hardware, memory, frozenset(self._plugged), self.console.commands)

    def restore(self, snapshot: Snapshot) -> None:
        """Goes on where `snapshot` was made, with fresh overlays over its disks in a new folder of `folder`.

        A shell that was ready is ready: `execute` works at once. The guest does not know that time has
        passed: its clocks go on from where they were, so its date is in the past from now on. What runs
        outside, as the LAN and the ends of cables, is that of this machine's `hardware`; MachineFailed if
        the guest would find other hardware than before.
        """
        self.load(snapshot)
        self.resume()

    def load(self, snapshot: Snapshot) -> None:
        """Does all of `restore` but the last step, so that several machines can go on at one moment."""
        self._require_off()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.hardware = snapshot.thawed(self.hardware, self.folder)
        except MachineFailed as error:
            raise MachineFailed(f"{self.name} cannot be restored: {error.message}") from error
        self._plugged = set(snapshot.plugged)
        with self._starting():
            self._switch_on("-incoming", "defer", commands=snapshot.commands)
            read_memory(self.running.monitor, snapshot.memory)

    # the console

    @property
    def console(self) -> Console:
        """Of the present boot, or of the last one while it is off."""
        if self._console is None:
            raise MachineFailed(f"{self.name} was never switched on")
        return self._console

    def log_in(self, user: str = "root", password: str | None = None, lasts: timedelta = _BOOT_LASTS) -> None:
        """Waits for the login prompt and logs in."""
        self.console.log_in(user, password, Deadline(lasts))

    def take_shell(self, lasts: timedelta = _BOOT_LASTS) -> None:
        """Waits for a shell that asks for no login."""
        self.console.take_shell(Deadline(lasts))

    def execute(self, command: str, lasts: timedelta = _LASTS) -> Result:
        """What came of `command`, which root's shell runs."""
        return self.console.run(command, Deadline(lasts))

    def succeed(self, command: str, lasts: timedelta = _LASTS) -> str:
        """What `command` prints; MachineFailed if its status is not 0."""
        result = self.execute(command, lasts)
        if result.status != 0:
            raise MachineFailed(f"{self.name}: {result}")
        return result.output

    def fail(self, command: str, lasts: timedelta = _LASTS) -> str:
        """What `command` prints; MachineFailed if its status is 0."""
        result = self.execute(command, lasts)
        if result.status == 0:
            raise MachineFailed(f"{self.name}: {result}, and had to fail")
        return result.output

    def wait_until_succeeds(self, command: str, lasts: timedelta = _LASTS) -> str:
        """What `command` prints when it succeeds for the first time."""
        deadline = Deadline(lasts)

        def look() -> Result:
            # one try may be slow: it gets at least some seconds, and at most what is left
            return self.console.run(command, Deadline(timedelta(seconds=max(10.0, deadline.seconds_left))))

        result = wait_until(
            f"success of `{command}` on {self.name}",
            look,
            deadline,
            until=lambda seen: seen.status == 0,
            explain=self.console.last_lines,
        )
        return result.output

    # boots

    def boot_id(self) -> str:
        """The kernel's name for this boot (random(4))."""
        return self.succeed(_BOOT_ID).strip()

    def reboot(self, user: str = "root", password: str | None = None, lasts: timedelta = _BOOT_LASTS) -> None:
        """Reboots and logs in again; that it has rebooted is proved by the boot id."""
        before = self.boot_id()
        self.console.type_command("reboot")
        self.log_in_after(before, user, password, lasts)

    def log_in_after(
        self, boot_id: str, user: str = "root", password: str | None = None, lasts: timedelta = _BOOT_LASTS
    ) -> None:
        """Logs in on a later boot than `boot_id`."""
        self.log_in(user, password, lasts)
        if self.boot_id() == boot_id:
            raise MachineFailed(f"{self.name} has not rebooted: its boot id is still {boot_id}")

    # cables

    def plug(self, port: str) -> None:
        """A NIC appears in the port, at once or at the next start."""
        place = self._port(port)
        if port not in self._plugged:
            self._plugged.add(port)
            if self.is_on:
                self.running.monitor.execute("device_add", Deadline(_QUICKLY), **plugged(place))

    def unplug(self, port: str, lasts: timedelta = _LASTS) -> None:
        """The NIC in the port vanishes; done when the guest has let go of it."""
        self._port(port)
        if port not in self._plugged:
            return
        self._plugged.remove(port)
        if self.is_on:
            monitor = self.running.monitor
            told = len(monitor.events)
            monitor.execute("device_del", Deadline(_QUICKLY), id=nic_id(port))
            try:
                monitor.wait_event(
                    "DEVICE_DELETED",
                    Deadline(lasts),
                    after=told,
                    where=lambda data: data.get("device") == nic_id(port),
                )
            except MachineFailed as error:
                raise MachineFailed(f"{self.name}: {error.message}\n{self.console.last_lines()}") from error

    def set_lan(self, index: int = 0, *, up: bool) -> None:
        """Takes the carrier from the NIC with `index`, or gives it back."""
        self.running.monitor.execute("set_link", Deadline(_QUICKLY), name=lan_id(index), up=up)

    def _port(self, name: str) -> CablePort:
        return next(port for port in self.hardware.ports if port.name == name)

    @property
    def running(self) -> Running:
        """QEMU and the lines to it; MachineFailed while it is off."""
        if self._running is None:
            raise MachineFailed(f"{self.name} is off")
        return self._running

    def _require_off(self) -> None:
        if self.is_on:
            raise MachineFailed(f"{self.name} is on already")
        self.crash()

    def _switch_on(self, *more: str, commands: int = 0) -> None:
        """Starts QEMU with `more` options, before the first instruction."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._running = running = Running.started([*self._command(), *more], self.folder)
        self._console = Console(self.name, running.line, self._listener, commands=commands)
        running.monitor.greet(Deadline(_QUICKLY))
        running.prefer_timers()
        for port in self.hardware.ports:
            if port.name in self._plugged:
                running.monitor.execute("device_add", Deadline(_QUICKLY), **plugged(port))

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """A failure ends it and is told with QEMU's complaints."""
        try:
            yield
        except MachineFailed as error:
            said = (self.folder / "qemu.log").read_text(errors="replace").strip()
            self.crash()
            raise MachineFailed(f"{self.name} does not start: {error.message}\n{said}".rstrip()) from error

    def _command(self) -> list[str]:
        code = uefi_code() if self.hardware.firmware is Firmware.UEFI else None
        return [*self._prefix, "qemu-system-x86_64", *acceleration(), *options(self.hardware, code)]
