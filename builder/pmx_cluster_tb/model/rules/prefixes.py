"""The ring's prefixes: which there are, what they overlap, and how far they reach."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from pmx_cluster_tb.model.free_network import free_network
from pmx_cluster_tb.model.report import Report, shown
from pmx_cluster_tb.model.tables import FileTable

_UNASSIGNED = IPv6Network("fc00::/8")


def ring_prefixes(file: FileTable) -> Iterator[tuple[str, IPv4Network | IPv6Network]]:
    """The prefixes that the ring has, with their keys."""
    if file.ring and isinstance(file.ring.ipv4, IPv4Network):
        yield "ipv4", file.ring.ipv4
    if file.ring and isinstance(file.ring.ipv6, IPv6Network):
        yield "ipv6", file.ring.ipv6


def _one_family_stays(file: FileTable, report: Report) -> None:
    if file.ring and file.ring.ipv4 == file.ring.ipv6 == "none":
        report.error(("ring", "ipv6"), "must not be `none` too: one family must stay")


def _right_range(file: FileTable, report: Report) -> None:
    for name, prefix in ring_prefixes(file):
        if isinstance(prefix, IPv4Network):
            if prefix.is_global:
                report.warning(
                    ("ring", name),
                    f"{shown(prefix)} belongs to somebody on the internet, whom the nodes then cannot reach",
                    "a part of `10.0.0.0/8`, `172.16.0.0/12` or `192.168.0.0/16`",
                )
        elif prefix.subnet_of(_UNASSIGNED):
            report.warning(
                ("ring", name),
                f"{shown(prefix)} is in `fc00::/8`, which is not assigned",
                "a random one in `fd00::/8`, for local use (RFC 4193), as `pmx-cluster-tb init` writes",
            )


def _no_overlap(file: FileTable, report: Report) -> None:
    lans: dict[IPv4Network | IPv6Network, str] = {}
    for index, node in file.numbered_nodes():
        if node.address:
            lans.setdefault(node.address.network, node.called(index))
    for name, prefix in ring_prefixes(file):
        for lan, owner in lans.items():
            if lan.overlaps(prefix):
                what = (
                    "overlaps"
                    if report.has(("ring", name))
                    else "is what the ring has by default; it overlaps"
                )
                report.error(
                    ("ring", name),
                    f"{shown(prefix)} {what} the LAN {shown(lan)} of {owner}",
                    other_prefix_hint(file, name, prefix),
                )


def other_prefix_hint(file: FileTable, name: str, prefix: IPv4Network | IPv6Network) -> str:
    """A line with another network for the ring, clear of what is in the LAN; empty if there is none."""
    addresses = [node.address for _, node in file.numbered_nodes() if node.address]
    hosts = (
        [host for host in (file.management.gateway, file.management.dns) if host] if file.management else []
    )
    taken = [*(address.network for address in addresses), *map(ip_network, hosts)]
    free = free_network(prefix, taken)
    return f'`{name} = "{free}"` in `[ring]`' if free else ""


def _wide_enough(file: FileTable, report: Report) -> None:
    numbers = {node.number: index for index, node in file.numbered_nodes() if node.number}
    for name, prefix in ring_prefixes(file):
        outside = sorted(number for number in numbers if number > highest_number(prefix))
        if not outside:
            continue
        others = f", and {len(outside) - 1} more," if len(outside) > 1 else ""
        verb = "are" if others else "is"
        report.error(
            ("node", numbers[outside[-1]], "number"),
            f"`{outside[-1]}`{others} {verb} outside `ring.{name}`, {shown(prefix)}: its numbers end at "
            f"{highest_number(prefix)}, and the prefix must be /{_width_for(outside[-1], prefix)} or wider",
        )


def highest_number(prefix: IPv4Network | IPv6Network) -> int:
    """The highest node number with an address in `prefix`: in IPv4 the last one would be for broadcasts."""
    return prefix.num_addresses - (2 if prefix.version == 4 else 1)


def _width_for(number: int, prefix: IPv4Network | IPv6Network) -> int:
    addresses = number + (2 if prefix.version == 4 else 1)
    return prefix.max_prefixlen - (addresses - 1).bit_length()


RULES = (_one_family_stays, _right_range, _no_overlap, _wide_enough)
