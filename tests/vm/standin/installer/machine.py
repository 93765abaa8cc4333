"""The machine's disks and NICs, as udev describes them, and which of them an answer means."""

import fnmatch
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .problem import Refused

Properties = Mapping[str, str]
_DISKS = re.compile(r"(sd[a-z]+|nvme\d+n\d+|vd[a-z]+|mmcblk\d+)$")


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk. `size` is in bytes."""

    name: str
    size: int
    properties: Properties

    @property
    def device(self) -> str:
        return f"/dev/{self.name}"


def disks() -> list[Disk]:
    """What the installer takes for disks: a stick is one, but not a device that is an ISO as a whole."""
    found = []
    for folder in sorted(Path("/sys/block").iterdir()):
        properties = _properties(folder)
        if _DISKS.match(folder.name) and properties.get("ID_FS_TYPE") != "iso9660":
            size = int((folder / "size").read_text()) * 512
            found.append(Disk(folder.name, size, properties))
    return found


def nics() -> dict[str, Properties]:
    """The network interfaces by name."""
    folders = sorted(Path("/sys/class/net").iterdir())
    return {folder.name: _properties(folder) for folder in folders if folder.name != "lo"}


def mac_addresses() -> dict[str, str]:
    """The MAC addresses of the network interfaces, by name."""
    folders = sorted(Path("/sys/class/net").iterdir())
    return {
        folder.name: (folder / "address").read_text().strip() for folder in folders if folder.name != "lo"
    }


def chosen_disk(disks: Iterable[Disk], setup: Mapping[str, object]) -> Disk:
    """The disk of an ext4 or xfs installation: `filter-match` does not matter to it, any key will do."""
    names = setup.get("disk-list")
    if isinstance(names, list) and names:
        matching = [disk for disk in disks for name in names if disk.device.endswith(name)]
    else:
        wanted = _strings(setup.get("filter"))
        matching = [disk for disk in disks if _any_matches(disk.properties, wanted)]
    if not matching:
        raise Refused("no disk found that matches the answer's disk-setup")
    return matching[0]


def chosen_nic(nics: Mapping[str, Properties], wanted: object) -> str:
    """The first interface that matches any key of `wanted`."""
    patterns = _strings(wanted)
    if not patterns:
        raise Refused("no filter defined")
    for name, properties in nics.items():
        if _any_matches(properties, patterns):
            return name
    raise Refused("no network interface found that matches the answer's network.filter")


def _any_matches(properties: Properties, wanted: Properties) -> bool:
    return any(
        key in properties and fnmatch.fnmatchcase(properties[key], checked_pattern(pattern))
        for key, pattern in wanted.items()
    )


def checked_pattern(pattern: str) -> str:
    """`pattern`; raises Refused where the genuine one's library takes none like it.

    `**` must be a whole part of a path, and a class ends after its first character, as in `[]a]`.
    """
    recursive = any("**" in part and part != "**" for part in pattern.split("/"))
    if recursive or not re.fullmatch(r"(?:[^\[]|\[(?:!.|[^!])[^\]]*\])*", pattern, re.DOTALL):
        raise Refused(f"invalid pattern {pattern!r}")
    return pattern


def _strings(table: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in table.items()} if isinstance(table, dict) else {}


def _properties(folder: Path) -> Properties:
    said = subprocess.run(
        ["udevadm", "info", "--query=property", f"--path={folder}"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
