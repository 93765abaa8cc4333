"""What this node is: /usr/lib/pmx-ring/node.json, which comes in the node's own package."""

import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from pmx_ring.problems import RingError
from pmx_ring.system import System

NODE_FACTS = "/usr/lib/pmx-ring/node.json"
SCHEMA = 1

THUNDERBOLT_DRIVER = "thunderbolt-net"


@dataclass(frozen=True, slots=True)
class Port:
    """An interface of the ring: its name, its controller's udev ID_PATH, its driver as ethtool names it."""

    name: str
    path: str
    driver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One node of a ring. One of its two addresses may be missing."""

    cluster: str
    node: str
    addresses: tuple[IPv4Address | IPv6Address, ...]
    ports: tuple[Port, ...]
    neighbours: tuple[str, ...]
    mtu: int
    e2e: bool | None

    @property
    def uses_thunderbolt(self) -> bool:
        """Whether a port needs the Thunderbolt modules; virtual machines have other drivers."""
        return any(port.driver == THUNDERBOLT_DRIVER for port in self.ports)

    def port(self, name: str) -> Port | None:
        """The port with this name."""
        return next((port for port in self.ports if port.name == name), None)


def read_facts(system: System) -> Facts | None:
    """The node's facts, or None where no node's package is installed.

    Raises RingError when the file is of a schema that this version does not know.
    """
    text = system.text(NODE_FACTS)
    if text is None:
        return None
    table = json.loads(text)
    if table["schema"] != SCHEMA:
        raise RingError(
            f"`{NODE_FACTS}` has schema {table['schema']}, this pmx-ring reads schema {SCHEMA}",
            "`apt-get install pmx-ring` brings the version that belongs to the node's package",
        )
    return Facts(
        cluster=table["cluster"],
        node=table["node"],
        addresses=tuple(ip_address(table[family]) for family in ("ipv4", "ipv6") if table[family]),
        ports=tuple(Port(port["name"], port["path"], port["driver"]) for port in table["ports"]),
        neighbours=tuple(neighbour["node"] for neighbour in table["neighbours"]),
        mtu=table["cluster_wide"]["mtu"],
        e2e=table["e2e"],
    )


def need_facts(system: System) -> Facts:
    """The node's facts. Raises RingError where no node's package is installed."""
    facts = read_facts(system)
    if facts is None:
        raise RingError(
            f"`{NODE_FACTS}` does not exist: no package of a node is installed",
            "install the package `pmx-<cluster>-<node>` of this machine",
        )
    return facts


def host_name(system: System) -> str:
    """The first label of the name in /etc/hostname, lower case; empty where there is none."""
    lines = (system.text("/etc/hostname") or "").split("\n")
    name = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), "")
    return name.split(".")[0].lower()
