"""Names that are pinned to the MAC addresses of NICs."""

import re
from collections.abc import Mapping
from typing import Any

from .problem import Refused
from .schema import Version

_PATH = "network.interface-name-pinning.mapping"
_AT_FIRST = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LIKE_THE_GUI = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,20}([:.][0-9]+)?")
"""Since 9.1.3, which so takes the name of a VLAN, too."""


def check_names(pinning: Mapping[str, Any], version: Version) -> None:
    """Raises Refused for a name that no NIC may have, or that two have, unless pinning is off."""
    if not pinning.get("enabled"):
        return
    pattern = _LIKE_THE_GUI if version >= (9, 1, 3) else _AT_FIRST
    for mac, name in pinning.get("mapping", {}).items():
        if not 2 <= len(name) <= 15:
            raise Refused(f"{_PATH}.{mac}: {name!r} must have 2 to 15 characters")
        if not pattern.fullmatch(name):
            raise Refused(f"{_PATH}.{mac}: {name!r} is no name for an interface")
    _refuse_doubles(pinning.get("mapping", {}))


def names_of(macs: Mapping[str, str], pinning: Mapping[str, Any]) -> dict[str, str]:
    """The names that NICs get, by their names now, whose MAC addresses are `macs` in the order of finding.

    A NIC that the mapping does not name is `nic` with its number. Raises Refused if two get one name.
    """
    if not pinning.get("enabled"):
        return {name: name for name in macs}
    by_mac = {mac.lower(): name for mac, name in pinning.get("mapping", {}).items()}
    names = {mac: f"nic{number}" for number, mac in enumerate(macs.values())} | by_mac
    _refuse_doubles(names)
    return {name: names[mac] for name, mac in macs.items()}


def _refuse_doubles(names: Mapping[str, str]) -> None:
    first: dict[str, str] = {}
    for mac, name in names.items():
        if name in first:
            raise Refused(f"{_PATH}: {name!r} is the name of both {first[name]} and {mac}")
        first[name] = mac
