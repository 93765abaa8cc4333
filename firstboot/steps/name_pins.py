"""The files by which Proxmox VE pins the names of NICs to their MAC addresses.

Installers since 9.1, and `pve-network-interface-pinning`, write a `50-pmx-<name>.link` (`50-pve-` at first)
for every NIC that is there, a plugged in Thunderbolt cable's too. That MAC address need not come back.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

PIN_FOLDER = "usr/local/lib/systemd/network"
PIN_FILE = re.compile(r"50-(?:pmx|pve)-.+\.link")

_SETTING = re.compile(r"^[ \t]*(MACAddress|Name)[ \t]*=[ \t]*(\S+)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_THUNDERBOLT_DRIVER = "thunderbolt-net"


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC that is there: its name, MAC address, driver, and whether a bridge or bond holds it."""

    name: str
    mac: str
    driver: str
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Pin:
    """What a pin file says."""

    mac: str
    name: str


def pin_of(text: str) -> Pin | None:
    """The pin in a `.link` file; None if it matches by something else than one MAC address."""
    settings = [(key.lower(), value) for key, value in _SETTING.findall(text)]
    values = dict(settings)
    if len(settings) != 2 or len(values) != 2:
        return None
    return Pin(values["macaddress"].lower(), values["name"])


def thunderbolt_pins(
    pins: Mapping[str, Pin], nics: Collection[Nic], ports: Collection[str], used: Collection[str]
) -> set[str]:
    """The keys of those `pins` that are of Thunderbolt NICs.

    That is one whose driver says so, or that has the name of one of the ring's `ports`, or whose MAC address
    is of the driver's making while no NIC has it. Never one that is held, or whose name is one of `used`.
    """
    return {key for key, pin in pins.items() if pin.name not in used and _is_thunderbolt(pin, nics, ports)}


def _is_thunderbolt(pin: Pin, nics: Collection[Nic], ports: Collection[str]) -> bool:
    present = [nic for nic in nics if nic.mac == pin.mac]
    if not present:
        return _is_drivers_own(pin.mac)
    return all(
        not nic.is_held and (nic.driver == _THUNDERBOLT_DRIVER or nic.name in ports) for nic in present
    )


def _is_drivers_own(mac: str) -> bool:
    # the number of the port is in the upper half of the first byte, and 3 is the highest: a controller has
    # two ports of two lanes each, or four in all (linux, drivers/net/thunderbolt/main.c, tbnet_generate_mac).
    # Others that administer addresses locally, as USB adapters do, take any first byte.
    return bool(re.fullmatch(r"[0-3]2(?::[0-9a-f]{2}){5}", mac))
