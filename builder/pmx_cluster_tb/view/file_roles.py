"""What each file of the packages is for, and what a change of it touches on a running node."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class FileRole:
    """`touches` is empty where a new content has no effect of its own."""

    purpose: str
    touches: str = ""


_REBOOT = "initramfs, and a reboot"

_ROLES = {
    "/etc/lldpd.d/*": FileRole("for lldpd"),
    "/etc/network/interfaces.d/*": FileRole("for ifupdown2", "network"),
    "/usr/lib/modprobe.d/*": FileRole("module options", _REBOOT),
    "/usr/lib/modules-load.d/*": FileRole("kernel modules at boot", "a reboot"),
    "/usr/lib/pmx-ring/frr.conf": FileRole("OpenFabric routing", "FRR"),
    "/usr/lib/pmx-ring/ifupdown2-policy.json": FileRole("keeps the MTU from the GUI", "network"),
    "/usr/lib/pmx-ring/interfaces": FileRole("addresses, ports, MTU", "network"),
    "/usr/lib/pmx-ring/lldpd.conf": FileRole("neighbours see port names", "lldpd"),
    "/usr/lib/pmx-ring/node.json": FileRole("this node, for pmx-ring"),
    "/usr/lib/pmx-ring/*": FileRole("the program", "pmx-ring"),
    "/usr/lib/python3*": FileRole("the program", "pmx-ring"),
    "/usr/lib/sysctl.d/*": FileRole("routes between the ports", "sysctl"),
    "/usr/lib/systemd/network/*.link": FileRole("names a port", _REBOOT),
    "/usr/lib/systemd/system/*": FileRole("systemd unit", "systemd units"),
    "/usr/lib/systemd/system-preset/*": FileRole("units that are on", "systemd units"),
    "/usr/lib/tmpfiles.d/*": FileRole("folders made at boot"),
    "/usr/lib/udev/rules.d/*-power.rules": FileRole("keeps controllers awake", "udev rules"),
    "/usr/lib/udev/rules.d/*": FileRole("a cable was plugged in", "udev rules"),
    "/usr/sbin/*": FileRole("the command on the node", "pmx-ring"),
    "/usr/share/doc/*": FileRole("documentation"),
    "/usr/share/lintian/*": FileRole("reasons for lintian"),
    "/usr/share/man/*": FileRole("manual page"),
    "/var/lib/ifupdown2/policy.d/*": FileRole("for ifupdown2", "network"),
}


def file_role(path: PurePosixPath) -> FileRole:
    """The role of the file at `path` on the node; the first pattern that fits wins.

    What no pattern knows touches whatever reads its folder.
    """
    for pattern, role in _ROLES.items():
        if fnmatchcase(str(path), pattern):
            return role
    return FileRole(f"for what reads {path.parent}", f"what reads {path.parent}")
