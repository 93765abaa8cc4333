"""Virtual cables: veth pairs that appear and vanish as Thunderbolt's interfaces do."""

from dataclasses import dataclass

from pmx_cluster_tb.model.cluster import Cluster
from tests.nodes import apt, carry, make_node, packages
from tests.roots.commands import run
from tests.roots.machine import Machine
from tests.roots.root import Root

_KERNEL_NAMES = {"en05": "thunderbolt0", "en06": "thunderbolt1"}
"""What the interface of each port is called until udev renames it."""


def install_node(root: Root, cluster: Cluster, name: str) -> None:
    """Make `root` the node `name` with both packages, and give its virtual ports a place that udev knows."""
    make_node(root, name)
    (node,) = (node for node in cluster.nodes if node.name == name)
    rules = (
        f'SUBSYSTEM=="net", KERNEL=="{_KERNEL_NAMES[port.name]}|{port.name}", ENV{{ID_PATH}}="{port.path}"\n'
        for port in node.ports
    )
    root.write("/etc/udev/rules.d/79-place.rules", "".join(rules))
    root.run(apt("install", *carry(root, *packages(cluster, name))))


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable between a port of one machine and a port of another."""

    machine: Machine
    port: str
    other: Machine
    other_port: str

    def plug(self) -> None:
        """Connect: an interface appears on both sides, with the kernel's name, down, with the default MTU."""
        near, far = _KERNEL_NAMES[self.port], _KERNEL_NAMES[self.other_port]
        argv = ["ip", "link", "add", near, "netns", str(self.machine.leader), "type", "veth"]
        run([*argv, "peer", "name", far, "netns", str(self.other.leader)])

    def unplug(self) -> None:
        """Disconnect: both interfaces vanish."""
        self.machine.run(["ip", "link", "delete", self.port])
