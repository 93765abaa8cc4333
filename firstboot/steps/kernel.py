"""The step that brings the newest kernel to run and every ring port to its name, by a reboot if need be.

Proxmox's unit takes an exit with status 0 for the end of first boot: after asking for a reboot the program
waits until it is killed. A reboot is asked for once for each reason, so none can go on for ever.
"""

import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from firstboot.commands import output_of, run
from firstboot.locks import wait_for_locks
from firstboot.record import Record, reboots_for
from firstboot.settings import Port, Settings
from firstboot.step import Step, StepFailed
from firstboot.system import System

_MINIMUM = "6.2.16-14"
"""The first one whose thunderbolt-net takes a link up again after the peer's reboot (Proxmox's changelog)."""

_PROXMOX = "-pve"
_PIN = "/etc/kernel/proxmox-boot-pin"
_KILLED_WITHIN = timedelta(minutes=10)
_PAUSE = timedelta(seconds=1)
_PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]")


def kernel_step(settings: Settings, record: Record) -> Step:
    """Reboots until the newest kernel runs and the ports have their names, and checks what came of it."""
    return Step(
        name="kernel",
        is_done=lambda system: not system.live or next(_troubles(system, settings), None) is None,
        do=lambda system: _mend(system, settings, record),
        deadline=settings.deadlines["kernel"],
    )


def _mend(system: System, settings: Settings, record: Record) -> None:
    if system.live:
        for reason, remedy in reasons_to_reboot(system, settings.ports):
            _reboot(system, settings, record, reason, remedy)
        for trouble in _lasting_troubles(system):
            raise trouble


def _troubles(system: System, settings: Settings) -> Iterator[StepFailed]:
    for reason, remedy in reasons_to_reboot(system, settings.ports):
        yield StepFailed(reason, remedy)
    yield from _lasting_troubles(system)


def reasons_to_reboot(system: System, ports: tuple[Port, ...]) -> Iterator[tuple[str, str]]:
    """Why a reboot is needed, each with what to look at if a reboot did not help."""
    running, wanted = _running(system), _wanted(system)
    if wanted and running != wanted:
        yield (
            f"kernel {running} runs, and {wanted} is the newest installed",
            "`proxmox-boot-tool kernel list` or `ls /boot` shows what the boot loader takes",
        )
    for port in ports:
        if (present := _present_name(system, port)) not in {None, port.name}:
            yield (
                f"the interface of `{port.name}` is still called `{present}`",
                f"`udevadm test-builtin net_setup_link /sys/class/net/{present}` shows which .link is taken",
            )


def _lasting_troubles(system: System) -> Iterator[StepFailed]:
    running = _running(system)
    if running.endswith(_PROXMOX) and _order(running) < _order(_MINIMUM):
        yield StepFailed(
            f"kernel {running} runs, and the ring needs {_MINIMUM} or newer",
            "`apt-get full-upgrade` installs a newer one; then reboot",
            hopeless=True,
        )
    if failed := _failed_units(system):
        yield StepFailed(f"{', '.join(failed)} failed", f"`systemctl status {' '.join(failed)}` says why")


def _reboot(system: System, settings: Settings, record: Record, reason: str, remedy: str) -> None:
    if system.dry_run:
        _make_initramfs(system)
        system.say(f"would reboot: {reason}")
        return
    events = record.events()
    if reboots_for(events, reason):
        raise StepFailed(f"{reason}, even after a reboot", remedy, hopeless=True)
    if reboots_for(events) >= settings.retry.reboots:
        raise StepFailed(f"{reason}, after {settings.retry.reboots} reboots", remedy, hopeless=True)
    _make_initramfs(system)
    # without this on the disk the next boot would not know: no record, no reboot
    record.add("reboot", reason=reason)
    system.say(f"rebooting: {reason}")
    run(system, ["systemctl", "reboot"], "reboot by hand")
    _wait_to_be_killed(system)


def _make_initramfs(system: System) -> None:
    """Nobody is there to choose another kernel when the next boot does not find its root file system."""
    if not system.dry_run:
        wait_for_locks(system)  # the kernel's own package may be making it
    kernel = _wanted(system)
    if kernel is None or _has_initramfs(system, kernel):
        return
    system.say(f"kernel {kernel} has no initramfs")
    command = ["update-initramfs", "-c", "-k", kernel]
    remedy = f"`{shlex.join(command)}` says why; do not reboot before it succeeds"
    try:
        run(system, command, remedy)
        # GRUB's menu has it only if it was there when the menu was made
        if system.path("/boot/grub/grub.cfg").exists():
            run(system, ["update-grub"], remedy)
    except StepFailed:
        # the boot loader's hooks run last: what is there by now would pass for whole at the next try
        _image(system, kernel).unlink(missing_ok=True)
        raise
    if not system.dry_run and not _has_initramfs(system, kernel):
        raise StepFailed(f"kernel {kernel} has no initramfs, even after `{shlex.join(command)}`", remedy)


def _has_initramfs(system: System, kernel: str) -> bool:
    image = _image(system, kernel)
    return image.is_file() and image.stat().st_size > 0


def _image(system: System, kernel: str) -> Path:
    return system.path(f"/boot/initrd.img-{kernel}")


def _wait_to_be_killed(system: System) -> None:
    end = system.clock.monotonic() + _KILLED_WITHIN.total_seconds()
    while system.clock.monotonic() < end:
        system.clock.sleep(_PAUSE)
    raise StepFailed("asked for a reboot, and nothing happened", "`reboot` by hand", hopeless=True)


def _running(system: System) -> str:
    return output_of(system, ["uname", "--kernel-release"]).strip()


def _wanted(system: System) -> str | None:
    """The kernel that the next boot takes: the pinned one, else the newest of Proxmox's, else the newest."""
    installed = [
        file.name.removeprefix("vmlinuz-")
        for file in system.path("/boot").glob("vmlinuz-*")
        if system.path(f"/lib/modules/{file.name.removeprefix('vmlinuz-')}").is_dir()
    ]
    pinned = system.text(_PIN).strip()
    if pinned in installed:
        return pinned
    own = [kernel for kernel in installed if kernel.endswith(_PROXMOX)]
    return max(own or installed, key=_order, default=None)


def _order(kernel: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", kernel)]


def _present_name(system: System, port: Port) -> str | None:
    """The name of the interface at the port's controller, if a cable makes one exist."""
    for folder in sorted(system.path("/sys/class/net").glob("*")):
        device = folder / "device"
        driver = device / "driver"
        controllers = _PCI.findall(str(device.resolve())) if device.exists() else []
        if controllers and port.path == f"pci-{controllers[-1]}" and driver.resolve().name == port.driver:
            return folder.name
    return None


def _failed_units(system: System) -> list[str]:
    options = ["--failed", "--plain", "--no-legend"]
    said = output_of(system, ["systemctl", "list-units", *options, "pmx-ring*"])
    return [line.split()[0] for line in said.splitlines() if line.strip()]
