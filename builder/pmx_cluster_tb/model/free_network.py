"""A private network for the ring that overlaps none of those that are taken."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_WIDEST_STEP = 16
_FIRST_UNIQUE_LOCAL = int(IPv6Address("fd00:706d:7800::"))
_SITES = 1 << 16


def free_network(
    like: IPv4Network | IPv6Network, taken: Iterable[IPv4Network | IPv6Network]
) -> IPv4Network | IPv6Network | None:
    """A network as wide as `like` that overlaps none of `taken`, or None; it ends like `like`.

    The same arguments give the same network. IPv6 networks are unique local ones (RFC 4193).
    """
    others = [network for network in taken if network.version == like.version]
    candidates = _ipv4_like(like) if isinstance(like, IPv4Network) else _ipv6_like(like)
    return next((one for one in candidates if not any(map(one.overlaps, others))), None)


def _ipv4_like(like: IPv4Network) -> Iterator[IPv4Network]:
    step = min(like.prefixlen, _WIDEST_STEP)
    last_bits = int(like.network_address) & ((1 << 32 - step) - 1)
    for block in _PRIVATE:
        if step >= block.prefixlen:
            for part in block.subnets(new_prefix=step):
                yield IPv4Network((int(part.network_address) | last_bits, like.prefixlen))


def _ipv6_like(like: IPv6Network) -> Iterator[IPv6Network]:
    last_bits = int(like.network_address) & ((1 << 64) - 1)
    for site in range(_SITES):
        yield IPv6Network((_FIRST_UNIQUE_LOCAL + (site << 80) | last_bits, like.prefixlen))
