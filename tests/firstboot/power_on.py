"""A node that is powered on, and what happens until its boot has ended, the power is cut, or it reboots."""

import os
import re
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from tests.firstboot.proxmox import RUNNING_KERNEL, UNIT
from tests.roots.machine import Machine, Power, powered_on
from tests.roots.root import Root

_BOOT_SECONDS = 200
_REBOOTS = 133
"""How systemd-nspawn ends when the machine reboots."""

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\r")
_OF_JOURNAL = re.compile(r"proxmox-first-boot\[\d+\]: ?(.*)")
_UP = re.compile(r"systemd\[1\]: Reached target multi-user\.target")
_LAST = "pmx tests: the end"


@dataclass(frozen=True)
class Event:
    """What happens in the middle of a boot: `does` is a shell command; without one the power is cut.

    It happens `delay_s` after a line that matches `line`, of first boot or of anything else on the console.
    Of all such lines in an undisturbed run it is the one at `part`, from 0 for the first to 1.
    """

    line: str
    part: float = 0
    delay_s: float = 0
    does: str = ""


@dataclass
class Watch:
    """Looks for the moment of `event`: line `number`, from 1, of those that match, reboots included."""

    event: Event
    number: int
    happened: str = ""
    """What happened, once it has."""

    def sees(self, line: str) -> bool:
        """Whether this is the moment."""
        if self.happened or not re.search(self.event.line, line):
            return False
        self.number -= 1
        return self.number == 0


class End(Enum):
    """How a boot ended: it is up, and maybe first boot failed; or it reboots; or the power was cut."""

    UP = auto()
    REBOOT = auto()
    CUT = auto()


@dataclass
class Boot:
    """A boot, what first boot `said` in it, and all the `lines` of the console."""

    lines: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    end: End = End.UP
    state: str = ""
    """Of first boot's unit as systemd calls it, where the boot is up."""

    def __str__(self) -> str:
        return "\n".join([*self.lines[-400:], f"ended: {self.end.name} {self.state}"])


def power_on(root: Root, watch: Watch | None = None, look: Callable[[Machine], None] | None = None) -> Boot:
    """One boot of a node that `make_proxmox` made on a disk of its own, with what `watch` makes of it.

    `look` looks at the machine when it is up. At the end the power is off.
    """
    _take_newest_kernel(root)
    boot = Boot()
    read, write = os.pipe()
    try:
        with powered_on(root, write, kind="read-only") as power:
            os.close(write)
            _follow(boot, power, _lines(read), watch)
            if boot.end is End.UP:
                boot.state = power.machine().properties(UNIT, "ActiveState")["ActiveState"]
                if look:
                    look(power.machine())
    finally:
        os.close(read)
    if boot.end is End.CUT:
        root.start_disk()
    return boot


def _follow(boot: Boot, power: Power, lines: Iterator[str], watch: Watch | None) -> None:
    for raw in lines:
        line = _ESCAPE.sub("", raw).strip()
        # what first boot writes to the console itself is in the journal too
        if not line or line.startswith("pmx first boot:"):
            continue
        if of_journal := _OF_JOURNAL.fullmatch(line):
            line = of_journal[1]
            boot.said.append(line)
        boot.lines.append(line)
        if line.endswith(_LAST):
            return
        if _UP.search(line):
            # behind whatever is not yet on the console
            power.machine().run(["systemd-cat", "echo", _LAST])
        if watch and watch.sees(line):
            _happen(boot, power, watch)
            if boot.end is End.CUT:
                return
    status = power.process.wait()
    assert status == _REBOOTS, f"the machine ended with status {status}\n{boot}"
    boot.end = End.REBOOT


def _happen(boot: Boot, power: Power, watch: Watch) -> None:
    time.sleep(watch.event.delay_s)
    with power.halted():
        if watch.event.does:
            power.machine().run(["sh", "-c", watch.event.does])
            watch.happened = "done"
            return
        watch.happened = f"cut in {_running(power.group)}"
        boot.end = End.CUT
        power.root.stop_disk()
        power.cut()


def _running(group: Path) -> str:
    """The names of the programs of first boot's unit."""
    processes = [
        process for folder in group.rglob(UNIT) for process in (folder / "cgroup.procs").read_text().split()
    ]
    names = {Path(f"/proc/{process}/comm").read_text().strip() for process in processes}
    return " ".join(sorted(names - {"proxmox-first-b"})) or ("the hook" if names else "systemd")


def _lines(descriptor: int) -> Iterator[str]:
    """The lines until the end of the file; AssertionError if they take longer than a boot may."""
    deadline, rest, told = time.monotonic() + _BOOT_SECONDS, b"", list[str]()
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        assert ready, "\n".join([*told[-400:], f"the boot did not end within {_BOOT_SECONDS} s"])
        content = os.read(descriptor, 65536)
        if not content:
            return
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            told.append(line.decode(errors="replace"))
            yield told[-1]


def _take_newest_kernel(root: Root) -> None:
    """As the boot loader does."""
    kernels = [path.name.removeprefix("vmlinuz-") for path in root.file("/boot").glob("vmlinuz-*")]
    newest = max(kernels, key=lambda kernel: [int(number) for number in re.findall(r"\d+", kernel)])
    # on a full disk nothing is written that is there
    if root.file(RUNNING_KERNEL).read_text() != f"{newest}\n":
        root.write(RUNNING_KERNEL, f"{newest}\n")
