"""A root that is booted: its own systemd, udev and network, in systemd-nspawn."""

import os
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


@contextmanager
def booted(root: Root) -> Iterator[Machine]:
    """Boot `root` and wait until it is up, be it with failed units; the end of it is a power cut."""
    require("systemd-nspawn")
    serial = f"{os.getpid()}-{next(_serial)}"
    root.write("/etc/systemd/system/systemd-udev-trigger.service.d/net.conf", _NETWORK_DEVICES_ONLY)
    with _control_group(serial) as group, TemporaryFile() as console:
        nspawn = subprocess.Popen(
            ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, *_command(root, serial)],
            env={**os.environ, **_NSPAWN_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _started(root, nspawn, console)
        finally:
            (group / "cgroup.kill").write_text("1")
            nspawn.wait()


def _command(root: Root, serial: str) -> list[str]:
    # systemd subscribes to udev's events only if udev has made this socket before it started
    udev = root.path.parent / f"udev-{serial}"
    udev.mkdir()
    (udev / "control").touch()
    return [
        *("nsenter", "--target", str(root.pid), "--mount", "--pid", "--"),
        *("systemd-nspawn", "--boot", "--quiet", f"--directory={root.mount}/root", f"--machine=m{serial}"),
        *("--register=no", "--keep-unit", "--private-network", "--console=pipe"),
        f"--bind={root.mount}/{udev.name}:/run/udev",
        # writable are only the settings of its own network, not those of this machine's kernel
        *(f"--bind-ro=/proc/sys/{area}" for area in ("fs", "kernel", "vm")),
    ]


def _started(root: Root, nspawn: "subprocess.Popen[bytes]", console: IO[bytes]) -> Machine:
    # nsenter, systemd-nspawn, and in it the first process
    leader = wait_for(
        "first process", lambda: _descendant(nspawn.pid, 2), seconds=10, explain=lambda: _read(console)
    )
    machine = Machine(root, leader)
    wait_for(
        "booted system",
        lambda: machine.says("systemctl", "is-system-running"),
        until=lambda state: state in {"running", "degraded"},
        seconds=_BOOT_SECONDS,
        explain=lambda: f"{_read(console)}\n{machine.journal()}",
    )
    return machine


def _descendant(pid: int, generations: int) -> int:
    """The only child's only child ... of `pid`; 0 as long as there is none."""
    for _ in range(generations):
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except FileNotFoundError:
            return 0
        if len(children) != 1:
            return 0
        pid = int(children[0])
    return pid


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
        wait_for("end of all processes", lambda: "populated 0" in (group / "cgroup.events").read_text())
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
