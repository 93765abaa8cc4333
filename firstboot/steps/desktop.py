"""The optional step that installs a desktop, keeps the node awake, and keeps the desktop off the ring."""

import os
import re

from firstboot.apt import install, installed_versions
from firstboot.changes import write_file
from firstboot.commands import output_of, run
from firstboot.settings import Settings
from firstboot.step import Step, StepFailed
from firstboot.system import System

_PACKAGES = ("mate-desktop-environment", "chromium", "lightdm")
"""`mate` is a virtual package on Debian 12 and 13, and this is what provides it."""

_SLEEP = ("sleep.target", "suspend.target", "hibernate.target", "hybrid-sleep.target")
_SLEEP_TARGETS = (*_SLEEP, "suspend-then-hibernate.target")
_DISPLAY_MANAGER = "/etc/systemd/system/display-manager.service"
_UNITS = "/etc/systemd/system"
_AVAHI = "/etc/avahi/avahi-daemon.conf"
_REMEDY = "the lines above say more; then reboot: every boot tries again"

_SERVER = re.compile(r"(?m)^\[server\][ \t]*$")
_DENIED = re.compile(r"(?m)^deny-interfaces[ \t]*=(.*)$")


def desktop_step(settings: Settings) -> Step:
    """Installs MATE, Chromium and LightDM, if the cluster wants a desktop."""
    ports = tuple(port.name for port in settings.ports)
    return Step(
        name="desktop",
        is_done=lambda system: not settings.desktop or _is_done(system, ports),
        do=lambda system: _make(system, ports) if settings.desktop else None,
        deadline=settings.deadlines["desktop"],
        optional=True,
    )


def _is_done(system: System, ports: tuple[str, ...]) -> bool:
    return (
        not _unmasked(system)
        and len(installed_versions(system, _PACKAGES)) == len(_PACKAGES)
        and _starts_at_boot(system)
        and _starts_graphical(system)
        and _avahi_text(system) == with_denied_interfaces(_avahi_text(system), ports)
    )


def _make(system: System, ports: tuple[str, ...]) -> None:
    # first of all: the desktop's power manager suspends an idle node
    if unmasked := _unmasked(system):
        run(system, ["systemctl", "mask", *unmasked], _REMEDY)
    if len(installed_versions(system, _PACKAGES)) < len(_PACKAGES):
        # the X server is a recommendation of lightdm
        install(system, "-o", "APT::Install-Recommends=1", *_PACKAGES)
    if not _starts_at_boot(system):
        _enable(system)
    if not _starts_graphical(system):
        run(system, ["systemctl", "set-default", "graphical.target"], _REMEDY)
    _keep_avahi_off(system, ports)


def _unmasked(system: System) -> list[str]:
    return [unit for unit in _SLEEP_TARGETS if _link(system, f"{_UNITS}/{unit}") != os.devnull]


def _starts_at_boot(system: System) -> bool:
    return _link(system, _DISPLAY_MANAGER).endswith("/lightdm.service")


def _enable(system: System) -> None:
    """As lightdm's own postinst does: the unit has no [Install] section."""
    if system.dry_run:
        system.say(f"would link {_DISPLAY_MANAGER} to lightdm.service")
        return
    write_file(system, "/etc/X11/default-display-manager", b"/usr/sbin/lightdm\n")
    link = system.path(_DISPLAY_MANAGER)
    link.unlink(missing_ok=True)
    link.symlink_to("/lib/systemd/system/lightdm.service")
    if system.live:
        run(system, ["systemctl", "daemon-reload"], _REMEDY)


def _starts_graphical(system: System) -> bool:
    return output_of(system, ["systemctl", "get-default"]).strip() == "graphical.target"


def _link(system: System, path: str) -> str:
    try:
        return str(system.path(path).readlink())
    except OSError:
        return ""


def _keep_avahi_off(system: System, ports: tuple[str, ...]) -> None:
    text = _avahi_text(system)
    new = with_denied_interfaces(text, ports)
    if new == text:
        return
    write_file(system, _AVAHI, new.encode("utf-8", "surrogateescape"))
    if system.live:
        run(system, ["systemctl", "try-restart", "avahi-daemon.service"], _REMEDY)


def _avahi_text(system: System) -> str:
    return system.text(_AVAHI)


def with_denied_interfaces(text: str, interfaces: tuple[str, ...]) -> str:
    """An avahi-daemon.conf(5) that keeps avahi off `interfaces` as well; no text stays no text."""
    if not text:
        return text
    if denied := _DENIED.search(text):
        names = [name.strip() for name in denied[1].split(",") if name.strip()]
        missing = [name for name in interfaces if name not in names]
        line = f"deny-interfaces={','.join([*names, *missing])}"
        return text if not missing else text[: denied.start()] + line + text[denied.end() :]
    line = f"deny-interfaces={','.join(interfaces)}"
    server = _SERVER.search(text)
    if server is None:
        raise StepFailed(f"{_AVAHI} has no section [server]", "`apt-get install --reinstall avahi-daemon`")
    return f"{text[: server.end()]}\n{line}{text[server.end() :]}"
