"""A root that is booted: its own systemd, udev and network, in systemd-nspawn."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from tests.roots.commands import Outcome, require, run
from tests.roots.root import ENVIRONMENT, Root
from tests.roots.waiting import wait_for

_BOOT_SECONDS = 180
_NSPAWN_ENVIRONMENT = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
_serial = count()

# Devices of this machine are none of the container's business: only network devices are announced to its udev
_NETWORK_DEVICES_ONLY = (
    "[Service]\nExecStart=\nExecStart=udevadm trigger --subsystem-match=net --action=add\n"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A booted root. `leader` is its first process, as this machine counts them."""

    root: Root
    leader: int

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        seconds: float = 120,
    ) -> Outcome:
        """Run `argv` as root inside."""
        enter = ["nsenter", "--target", str(self.leader), "--all", "--", *argv]
        environment = {**ENVIRONMENT, **(env or {})}
        return run(enter, shown=argv, check=check, env=environment, stdin=stdin, seconds=seconds)

    def says(self, *argv: str) -> str:
        """What `argv` prints, whatever its status."""
        return self.run(argv, check=False).stdout.strip()

    def failed_units(self) -> list[str]:
        """The names of the units that failed."""
        said = self.says("systemctl", "list-units", "--failed", "--plain", "--no-legend")
        return [line.split()[0] for line in said.splitlines()]

    def journal(self, *options: str) -> str:
        """The tail of the journal, or what `options` select."""
        return self.says("journalctl", "--no-pager", *(options or ("--lines=40",)))

    def properties(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit, by name."""
        lines = self.says("systemctl", "show", unit, f"--property={','.join(names)}").splitlines()
        return dict(line.split("=", 1) for line in lines)


@dataclass(frozen=True, slots=True)
class Power:
    """A root that `process` runs; all its processes are in the control group `group`."""

    root: Root
    process: "subprocess.Popen[bytes]"
    group: Path

    def cut(self) -> None:
        """Ends all processes at once."""
        (self.group / "cgroup.kill").write_text("1")
        self.process.wait()
        wait_for("end of all processes", lambda: "populated 0" in (self.group / "cgroup.events").read_text())

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Nothing in the machine moves meanwhile."""
        (self.group / "cgroup.freeze").write_text("1")
        wait_for("halt of all processes", lambda: "frozen 1" in (self.group / "cgroup.events").read_text())
        yield
        (self.group / "cgroup.freeze").write_text("0")

    def machine(self) -> Machine:
        """The machine, as soon as its first process runs."""
        leader = wait_for("first process", lambda: _first_process(self.process.pid), seconds=10)
        return Machine(self.root, leader)


def make_bootable(root: Root) -> None:
    """Write what a root needs to boot here, unless it is there; only a root that is full needs it earlier."""
    settings = "/etc/systemd/system/systemd-udev-trigger.service.d/net.conf"
    if not root.file(settings).exists():
        root.write(settings, _NETWORK_DEVICES_ONLY)


@contextmanager
def powered_on(root: Root, console: int | IO[bytes], *, kind: str = "pipe") -> Iterator[Power]:
    """Boot `root`, with what it writes to its console going to `console`; the end of it is a power cut.

    `kind` is what systemd-nspawn(1) calls so; only what is not a `pipe` gets the messages of systemd. The
    process ends with status 133 when the machine reboots.
    """
    require("systemd-nspawn")
    serial = f"{os.getpid()}-{next(_serial)}"
    make_bootable(root)
    # what a test prepares is older than any power cut
    run(["sync", "--file-system", str(root.layer)])
    with _control_group(serial) as group:
        nspawn = subprocess.Popen(
            ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, *_command(root, serial, kind)],
            env={**os.environ, **_NSPAWN_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
        power = Power(root, nspawn, group)
        try:
            yield power
        finally:
            power.cut()


@contextmanager
def booted(root: Root) -> Iterator[Machine]:
    """Boot `root` and wait until it is up, be it with failed units; the end of it is a power cut."""
    with TemporaryFile() as console, powered_on(root, console) as power:
        yield _started(power, console)


def _command(root: Root, serial: str, console: str) -> list[str]:
    # systemd subscribes to udev's events only if udev has made this socket before it started
    udev = root.layer.parent / f"udev-{serial}"
    udev.mkdir()
    (udev / "control").touch()
    return [
        *("nsenter", "--target", str(root.pid), "--mount", "--pid", "--"),
        *("systemd-nspawn", "--boot", "--quiet", f"--directory={root.mount}/root", f"--machine=m{serial}"),
        *("--register=no", "--keep-unit", "--private-network", f"--console={console}"),
        f"--bind={root.mount}/{udev.name}:/run/udev",
        # writable are only the settings of its own network, not those of this machine's kernel
        *(f"--bind-ro=/proc/sys/{area}" for area in ("fs", "kernel", "vm")),
    ]


def _started(power: Power, console: IO[bytes]) -> Machine:
    machine = power.machine()
    wait_for(
        "booted system",
        lambda: machine.says("systemctl", "is-system-running"),
        until=lambda state: state in {"running", "degraded"},
        seconds=_BOOT_SECONDS,
        explain=lambda: f"{_read(console)}\n{machine.journal()}",
    )
    return machine


def _first_process(pid: int) -> int:
    """What counts as the first process in its name space, of nsenter `pid`'s child's children; 0 as yet.

    systemd-nspawn has other children too, for a moment.
    """
    for nspawn in _children(pid):
        for child in _children(nspawn):
            # one that ends between opening and reading its file is no such process
            with suppress(FileNotFoundError, ProcessLookupError):
                numbers = re.findall(r"(?m)^NSpid:.*\t(\d+)$", Path(f"/proc/{child}/status").read_text())
                if numbers == ["1"]:
                    return child
    return 0


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _read(console: IO[bytes]) -> str:
    console.seek(0)
    return console.read().decode(errors="replace")


@contextmanager
def _control_group(serial: str) -> Iterator[Path]:
    """A control group of its own, which two machines side by side need; those of killed runs go first."""
    top = _control_groups()
    # processes are numbered anew in each process namespace, of which several may see these control groups
    ours = f"pmx-cluster-tb-{Path('/proc/self/ns/pid').stat().st_ino}"
    for old in top.glob(f"{ours}-*"):
        if not Path("/proc", old.name.removeprefix(f"{ours}-").split("-")[0]).exists():
            with suppress(OSError):
                _remove(old)
    group = top / f"{ours}-{serial}"
    group.mkdir()
    try:
        yield group
    finally:
        _remove(group)


def _control_groups() -> Path:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            return Path(fields[4])
    raise AssertionError("no control groups (cgroup2) are mounted here")


def _remove(group: Path) -> None:
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(FileNotFoundError):
            Path(folder).rmdir()
