"""Addresses of the LAN at the ends of networks, and networks for the ring that are clear of the LAN."""

from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest

from pmx_cluster_tb.model.free_network import free_network
from tests.unit.test_model_load import changed, folder, loaded

__all__ = ["folder"]


def problems(gateway: str, *addresses: str, dns: str = "9.9.9.9") -> list[tuple[str, str]]:
    """Key and hint of each problem of two nodes with these addresses behind that gateway."""
    text = changed(
        ('gateway = "192.168.1.1"', f'gateway = "{gateway}"' + (f'\ndns = "{dns}"' if dns else "")),
        ("192.168.1.11/24", addresses[0]),
        ("192.168.1.12/24", addresses[1]),
    )
    return [(problem.path, problem.hint) for problem in loaded(text).problems]


@pytest.mark.parametrize(
    ("gateway", "addresses", "is_a_host"),
    [
        ("10.9.8.1", ("10.9.8.2/29", "10.9.8.3/29"), True),
        ("10.9.8.0", ("10.9.8.2/29", "10.9.8.3/29"), False),
        ("10.9.8.7", ("10.9.8.2/29", "10.9.8.3/29"), False),
        ("10.9.8.6", ("10.9.8.2/29", "10.9.8.3/29"), True),
        # four addresses, two of them hosts'
        ("10.9.8.0", ("10.9.8.1/30", "10.9.8.2/30"), False),
        ("10.9.8.3", ("10.9.8.1/30", "10.9.8.2/30"), False),
        # no broadcasts in IPv6
        ("fd12::ffff", ("fd12::1/112", "fd12::2/112"), True),
        ("fd12::", ("fd12::1/112", "fd12::2/112"), False),
        ("fd12::3", ("fd12::1/126", "fd12::2/126"), True),
    ],
)
def test_the_gateway_is_a_host(gateway: str, addresses: tuple[str, str], *, is_a_host: bool) -> None:
    assert [path for path, _ in problems(gateway, *addresses)] == (
        [] if is_a_host else ["management.gateway"]
    )


def test_both_addresses_of_a_network_of_two_are_hosts() -> None:
    # the other node is in a wider network of the same link, which a warning says
    assert [path for path, _ in problems("10.9.8.2", "10.9.8.3/31", "10.9.8.5/29")] == ["node[1].address"]
    assert [path for path, _ in problems("10.9.8.3", "10.9.8.2/31", "10.9.8.5/29")] == ["node[1].address"]


def test_a_link_local_gateway_is_in_every_lan_of_its_family() -> None:
    assert problems("fe80::1", "fd12::1/64", "fd12::2/64", dns="fd12::53") == []
    paths = [path for path, _ in problems("fe80::1", "fd12::1/64", "192.168.1.12/24", dns="fd12::53")]
    assert paths == ["node[1].address"]


def test_a_link_local_gateway_is_no_name_server() -> None:
    assert [path for path, _ in problems("fe80::1", "fd12::1/64", "fd12::2/64", dns="")] == ["management.dns"]


@pytest.mark.parametrize(
    ("like", "taken", "free"),
    [
        ("10.0.0.80/28", [], "10.0.0.80/28"),
        ("10.0.0.80/28", ["10.0.0.0/24"], "10.1.0.80/28"),
        ("10.0.0.80/28", ["10.0.0.64/27", "fd00::/8"], "10.1.0.80/28"),
        ("10.0.0.80/28", ["10.0.0.0/8"], "172.16.0.80/28"),
        ("10.0.0.80/28", ["10.0.0.0/8", "172.16.0.0/12"], "192.168.0.80/28"),
        ("10.0.0.80/28", ["0.0.0.0/1", "128.0.0.0/1"], None),
        ("192.168.178.64/26", ["192.168.178.0/24"], "10.0.178.64/26"),
        ("10.0.0.0/8", ["10.0.0.0/24"], None),
        ("10.0.0.0/12", ["10.0.0.0/24"], "10.16.0.0/12"),
        ("fd00:706d:7800::80/124", ["fd00:706d:7800::/64"], "fd00:706d:7801::80/124"),
        ("fd00:706d:7800::80/124", ["fd00:706d:7800::/64", "fd00:706d:7801::/48"], "fd00:706d:7802::80/124"),
        ("2001:db8::40/122", ["2001:db8::/64"], "fd00:706d:7800::40/122"),
        ("fd00:706d:7800::/64", ["fd00:706d:7800::/48"], "fd00:706d:7801::/64"),
    ],
)
def test_a_free_network(like: str, taken: list[str], free: str | None) -> None:
    assert free_network(ip_network(like), map(ip_network, taken)) == (ip_network(free) if free else None)


@pytest.mark.parametrize(
    ("gateway", "addresses"),
    [
        ("10.0.0.1", ("10.0.0.11/24", "10.0.0.12/24")),
        ("10.0.0.1", ("10.0.0.11/8", "10.0.0.12/8")),
        ("10.0.0.84", ("10.0.0.82/28", "10.0.0.83/28")),
        ("fd00:706d:7800::1", ("fd00:706d:7800::11/64", "fd00:706d:7800::12/64")),
        ("fd00:706d:7800::1", ("fd00:706d:7800::11/48", "fd00:706d:7800::12/48")),
    ],
)
def test_the_hint_for_a_ring_in_the_lan_works(gateway: str, addresses: tuple[str, str]) -> None:
    found = dict(problems(gateway, *addresses, dns=""))
    assert len(found) == 1
    (line,) = (hint.split("`")[1] for hint in found.values())
    text = changed(
        ('gateway = "192.168.1.1"', f'gateway = "{gateway}"'),
        ("192.168.1.11/24", addresses[0]),
        ("192.168.1.12/24", addresses[1]),
        ("[ring]\n", f"[ring]\n{line}\n"),
    )
    assert loaded(text).problems == ()


def test_the_hint_for_a_name_server_in_the_ring_works() -> None:
    ((path, hint),) = problems("192.168.1.1", "192.168.1.11/24", "192.168.1.12/24", dns="10.0.0.85")
    assert path == "management.dns"
    line = hint.split("`")[1]
    text = changed(
        ('gateway = "192.168.1.1"', 'gateway = "192.168.1.1"\ndns = "10.0.0.85"'),
        ("[ring]\n", f"[ring]\n{line}\n"),
    )
    assert loaded(text).problems == ()


def test_the_kind_of_network_stays() -> None:
    assert isinstance(free_network(IPv4Network("10.0.0.0/24"), []), IPv4Network)
    assert isinstance(free_network(IPv6Network("fd00::/64"), []), IPv6Network)
