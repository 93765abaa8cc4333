"""The interfaces of the ring: found by controller and driver, named, given their MTU and brought up.

An interface vanishes at any moment, when somebody pulls its cable or the neighbour reboots: what fails for
that reason is no failure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pmx_ring.changes import Change, Changes, Context
from pmx_ring.facts import Facts, Port
from pmx_ring.offload import offload_changes
from pmx_ring.problems import RingError
from pmx_ring.programs import output_of
from pmx_ring.system import System

_INTERFACES = "/sys/class/net"
_UP = 0x1


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface, with udev's ID_PATH of its controller and the driver's name; empty if unknown."""

    name: str
    path: str
    driver: str

    def belongs_to(self, port: Port) -> bool:
        """Whether this is the interface of `port`, by whatever name."""
        return (self.path, self.driver) == (port.path, port.driver)


def exists(system: System, name: str) -> bool:
    """Whether there is an interface `name`."""
    return system.path(f"{_INTERFACES}/{name}").exists()


def mtu_bytes(system: System, name: str) -> int:
    """The MTU of the interface."""
    return int(_attribute(system, name, "mtu") or "0")


def is_up(system: System, name: str) -> bool:
    """Whether the interface is up, cable or not."""
    return bool(int(_attribute(system, name, "flags") or "0", 16) & _UP)


def has_carrier(system: System, name: str) -> bool:
    """Whether the other end answers."""
    return _attribute(system, name, "carrier") == "1"


def _attribute(system: System, name: str, attribute: str) -> str:
    # `carrier` has no content while the interface is down, and none has one any more while it vanishes
    try:
        return (system.text(f"{_INTERFACES}/{name}/{attribute}") or "").strip()
    except OSError:
        return ""


def possible_ports(system: System, ports: tuple[Port, ...]) -> Iterator[Interface]:
    """The interfaces with a name of `ports`, or with hardware behind them: no bridges, no machines' taps."""
    names = {port.name for port in ports}
    for folder in system.glob(_INTERFACES, "*"):
        if folder.name in names or (folder / "device").exists():
            said = _done_to(
                system,
                folder.name,
                "udevadm",
                "info",
                "--query=property",
                f"--path={_INTERFACES}/{folder.name}",
            )
            properties = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
            yield Interface(folder.name, properties.get("ID_PATH", ""), properties.get("ID_NET_DRIVER", ""))


def _done_to(system: System, name: str, *command: str) -> str:
    """What `command` wrote, which has to do with the interface; nothing if that has vanished meanwhile."""
    try:
        return output_of(*command)
    except RingError:
        if exists(system, name):
            raise
        return ""


def bring_up(system: System, name: str, mtu: int) -> Iterator[Change]:
    """Give the interface its MTU and bring it up, in the one order that never shows the wrong MTU."""
    if mtu_bytes(system, name) != mtu:
        yield Change(
            f"set the MTU of `{name}` to {mtu}",
            lambda: _done_to(system, name, "ip", "link", "set", "dev", name, "mtu", str(mtu)),
        )
    if not is_up(system, name):
        yield Change(
            f"bring up `{name}`", lambda: _done_to(system, name, "ip", "link", "set", "dev", name, "up")
        )


def port_changes(context: Context, facts: Facts | None) -> Changes:
    """Name and bring up what is plugged; without facts, only end the units and let TSO be on."""
    if facts is None:
        yield from _ended_units()
        yield from offload_changes(context, (), {})
        return
    names = _present_names(context.system, facts.ports)
    yield from _renamings(context.system, names)
    for name in sorted(names):
        yield from bring_up(context.system, name, facts.mtu)
    yield from offload_changes(context, [port.name for port in facts.ports], names)


def _present_names(system: System, ports: tuple[Port, ...]) -> dict[str, str]:
    """The present name of each port that exists, by the one that it is to have.

    A controller with two sockets may have two interfaces: the one that has the name already keeps it.
    """
    names: dict[str, str] = {}
    for interface in possible_ports(system, ports):
        for port in ports:
            if interface.belongs_to(port) and names.get(port.name) != port.name:
                names[port.name] = interface.name
    return names


def _ended_units() -> Iterator[Change]:
    active = output_of("systemctl", "list-units", "--plain", "--no-legend", "pmx-ring-port@*.service")
    if active.strip():
        yield Change(
            "stop the units of the ports",
            lambda: output_of("systemctl", "stop", "pmx-ring-port@*.service"),
        )


def _renamings(system: System, names: dict[str, str]) -> Iterator[Change]:
    """From a mapping of the wanted to the present name: first out of each other's way, then into place."""
    wrong = {new: old for new, old in names.items() if new != old}
    for new in wrong:
        if exists(system, new) and new not in wrong.values():
            raise RingError(
                f"`{new}` exists, but not on the controller of that port",
                f"`udevadm info /sys/class/net/{new}` shows ID_PATH and ID_NET_DRIVER",
            )
    in_the_way = {old: f"ring{index}" for index, old in enumerate(wrong.values()) if old in wrong}
    for old, aside in in_the_way.items():
        yield Change(f"rename `{old}` to `{aside}`", _renaming(system, old, aside))
    for new, old in wrong.items():
        now = in_the_way.get(old, old)
        yield Change(f"rename `{now}` to `{new}`", _renaming(system, now, new))


def _renaming(system: System, old: str, new: str) -> Callable[[], None]:
    def rename() -> None:
        _done_to(system, old, "ip", "link", "set", "dev", old, "down")
        _done_to(system, old, "ip", "link", "set", "dev", old, "name", new)

    return rename
