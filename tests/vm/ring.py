"""The ring's fortunes: cables that are plugged in and pulled, and nodes that lose their power."""

from datetime import timedelta

from pmx_cluster_tb.machines.failure import Deadline, wait_until
from pmx_cluster_tb.machines.shell import Result
from tests.vm.cluster import CABLES, ring_addresses
from tests.vm.story import HEALS, STARTS, Node, Story, log_in

Cable = tuple[tuple[str, str], tuple[str, str]]
"""Two ends, each a node and its port."""


def plug(story: Story, cable: Cable) -> None:
    """The cable comes in: a NIC appears at both ends, if both machines are on."""
    for name, port in cable:
        story.nodes[name].machine.plug(port)
    story.milestones.tell("", f"cable {_named(cable)} is plugged in")


def pull(story: Story, cable: Cable) -> None:
    """The cable comes out: the NICs vanish at both ends."""
    for name, port in cable:
        story.nodes[name].machine.unplug(port)
    story.milestones.tell("", f"cable {_named(cable)} is pulled")


def cut_power(story: Story, node: Node) -> None:
    """The node dies, and with it the NICs at the other ends of its cables."""
    node.machine.crash()
    story.milestones.tell(node.name, "loses its power")
    for name, port in _far_ends(node.name):
        story.nodes[name].machine.unplug(port)


def give_power(story: Story, node: Node) -> None:
    """The node starts, and the NICs at the other ends come back when its own do."""
    node.machine.start()
    story.milestones.tell(node.name, "has power again")
    for name, port in _far_ends(node.name):
        story.nodes[name].machine.plug(port)


def whole(story: Story, lasts: timedelta = HEALS) -> None:
    """Waits until each node reaches every other one by the cable between them, and by both families."""
    for node in story.nodes.values():
        for other in story.nodes:
            if other != node.name:
                goes_by(node, other, port_to(node.name, other), lasts)
                reaches(node, other, lasts)
    story.milestones.tell("", "every node reaches every other one directly")


def reaches(node: Node, other: str, lasts: timedelta = HEALS) -> None:
    """Waits until the node reaches the ring addresses of `other`, from its own ones."""
    for source, address in zip(ring_addresses(node.name), ring_addresses(other), strict=True):
        # from its own ring address: another source might go out by the LAN
        wait_until(
            f"answer from {address} to {source} of {node.name}",
            lambda pair=(source, address): _ping(node, *pair),  # type: ignore[misc]
            Deadline(lasts),
            until=lambda seen: seen.status == 0,
            explain=lambda: node.machine.execute("pmx-ring status").output,
        )


def goes_by(node: Node, other: str, port: str, lasts: timedelta = HEALS) -> None:
    """Waits until the node sends to both ring addresses of `other` by `port`."""
    for address in ring_addresses(other):
        wait_until(
            f"way from {node.name} to {address} by {port}",
            lambda address=address: _way(node, address),  # type: ignore[misc]
            Deadline(lasts),
            until=lambda seen: f" dev {port} " in seen,
            explain=lambda: (
                node.machine.execute(
                    "pmx-ring status; vtysh -c 'show openfabric neighbor'; ip -br link"
                ).output
            ),
        )


def port_to(name: str, other: str) -> str:
    """The port of the cable between two nodes, at the end of `name`."""
    for cable in CABLES:
        ends = dict(cable)
        if {name, other} == ends.keys():
            return ends[name]
    raise LookupError(f"no cable between {name} and {other}")


def back_by_itself(story: Story, node: Node) -> None:
    """Waits until the other nodes reach the node, on which nobody logs in before that."""
    for other in story.nodes.values():
        if other is not node:
            goes_by(other, node.name, port_to(other.name, node.name), STARTS)
            reaches(other, node.name)
    story.milestones.tell(node.name, "is back in the ring by itself")
    log_in(node)


def _way(node: Node, address: str) -> str:
    return node.machine.execute(f"ip -o route get {address}").output


def _ping(node: Node, source: str, address: str) -> Result:
    return node.machine.execute(f"ping -n -c 1 -W 2 -I {source} {address}")


def _far_ends(name: str) -> list[tuple[str, str]]:
    return [end for cable in CABLES for end in cable if name in dict(cable) and end[0] != name]


def _named(cable: Cable) -> str:
    return " - ".join(f"{name} {port}" for name, port in cable)
