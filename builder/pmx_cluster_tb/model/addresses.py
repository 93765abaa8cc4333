"""Addresses, networks, MACs and URLs."""

import re
from ipaddress import (
    AddressValueError,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    NetmaskValueError,
    ip_address,
    ip_interface,
)
from typing import Literal

from pmx_cluster_tb.model.cluster import IPAddress, IPInterface
from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, shown

NoNetwork = Literal["none"]

_UNIQUE_LOCAL = IPv6Network("fc00::/7")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_THIS_HOST_OR_NETWORK = IPv4Network("0.0.0.0/8")
_WIDEST_IPV4 = 8
_WITH_PREFIX = re.compile(r"[^/]+/[0-9]{1,3}")


def _no_host_reason(address: IPAddress) -> str:
    """Why `address` cannot be a host's own on a LAN; empty if it can."""
    if address.is_loopback:
        return "is a loopback address"
    if address.is_multicast:
        return "is a multicast address"
    if address.is_link_local:
        return "is a link-local address"
    if address.is_unspecified or address in _THIS_HOST_OR_NETWORK:
        return "is not an address of a host"
    if isinstance(address, IPv6Address):
        known = address in _UNIQUE_LOCAL or address in _GLOBAL_UNICAST
        return "" if known else "must be in `2000::/3` or `fd00::/8`"
    return "is in the reserved range `240.0.0.0/4`" if address.is_reserved else ""


def _gateway(text: str) -> IPAddress:
    try:
        address = ip_address(text)
    except ValueError:
        address = None
    # routers announce themselves by one, and the LAN's bridge is the only way there
    if address and address.version == 6 and address.is_link_local and "%" not in text:
        return address
    return _ip_address(text)


def _ip_address(text: str) -> IPAddress:
    try:
        address = ip_address(text)
    except ValueError:
        if "/" in text:
            raise Refusal("must be an address without a prefix", shown(text.partition("/")[0])) from None
        raise Refusal("must be an IP address") from None
    _refuse_scope(text)
    if reason := _no_host_reason(address):
        raise Refusal(reason)
    return address


def _refuse_scope(text: str) -> None:
    if "%" in text:
        raise Refusal("must not name an interface after `%`", shown(re.sub("%[^/]*", "", text)))


_ADDRESS_JSON = {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}], "pattern": r"^[0-9A-Fa-f:.]+$"}

ADDRESS: Text[IPAddress] = Text(
    _ip_address,
    "an IP address such as `192.168.178.1`",
    _ADDRESS_JSON,
)
GATEWAY: Text[IPAddress] = Text(_gateway, ADDRESS.wanted, _ADDRESS_JSON)


def _ip_interface(text: str) -> IPInterface:
    _refuse_scope(text)
    try:
        interface = ip_interface(text)
    except ValueError:
        raise Refusal("must be an address with its prefix such as `192.168.178.11/24`") from None
    if not _WITH_PREFIX.fullmatch(text):
        raise Refusal("must be an address with its prefix", _prefix_hint(interface, text))
    if reason := _no_host_reason(interface.ip):
        raise Refusal(reason)
    network = interface.network
    # RFC 3021 and 6164: both addresses of a network of two are hosts'
    if interface.ip == network.network_address and network.num_addresses > 2:
        raise Refusal("is the network's own address, not a host's")
    if interface.version == 4 and interface.ip == network.broadcast_address and network.num_addresses > 2:
        raise Refusal("is the network's broadcast address")
    return interface


def _prefix_hint(interface: IPInterface, text: str) -> str:
    if "/" in text:
        return f"`{interface}`"
    return f"`{interface.ip}/{24 if interface.version == 4 else 64}`, if that is your LAN's"


INTERFACE: Text[IPInterface] = Text(
    _ip_interface,
    "an address with its prefix such as `192.168.178.11/24`",
    {"pattern": r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$"},
)


def _ipv4_network(text: str) -> IPv4Network | NoNetwork:
    if text == "none":
        return "none"
    _require_network_form(text, "10.0.0.80/28")
    try:
        network = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError):
        raise Refusal("must be an IPv4 network such as `10.0.0.80/28`, or `none`") from None
    _refuse_host_bits(text, network)
    address = network.network_address
    if network.prefixlen < _WIDEST_IPV4:
        raise Refusal(
            f"is too wide: the prefix must be /{_WIDEST_IPV4} or longer", f"`{address}/{_WIDEST_IPV4}`"
        )
    if reason := _no_host_reason(address):
        raise Refusal(reason)
    return network


def _ipv6_network(text: str) -> IPv6Network | NoNetwork:
    if text == "none":
        return "none"
    _refuse_scope(text)
    _require_network_form(text, "fd00:706d:7800::80/124")
    try:
        network = IPv6Network(text, strict=False)
    except (AddressValueError, NetmaskValueError):
        raise Refusal("must be an IPv6 network such as `fd00:706d:7800::80/124`, or `none`") from None
    _refuse_host_bits(text, network)
    if network.prefixlen < 64:
        raise Refusal("is too wide: the prefix must be /64 or longer", f"`{network.network_address}/64`")
    if not (network.subnet_of(_UNIQUE_LOCAL) or network.subnet_of(_GLOBAL_UNICAST)):
        raise Refusal("must be in `fd00::/8` (unique local) or `2000::/3` (global)")
    return network


def _require_network_form(text: str, example: str) -> None:
    if not _WITH_PREFIX.fullmatch(text):
        raise Refusal(f"must be a network with its prefix such as `{example}`, or `none`")


def _refuse_host_bits(text: str, network: IPv4Network | IPv6Network) -> None:
    if type(network.network_address)(text.partition("/")[0]) != network.network_address:
        raise Refusal(f"must begin at a multiple of its size, {network.num_addresses}", f"`{network}`")


IPV4_NETWORK = Text(
    _ipv4_network,
    "an IPv4 network such as `10.0.0.80/28`",
    {"pattern": r"^(?:none|[0-9.]+/[0-9]{1,2})$"},
)
IPV6_NETWORK = Text(
    _ipv6_network,
    "an IPv6 network such as `fd00:706d:7800::80/124`",
    {"pattern": r"^(?:none|[0-9A-Fa-f:.]+/[0-9]{1,3})$"},
)

_NO_MAC = "00:00:00:00:00:00"
_MAC = r"(?:[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{12})"


def _mac(text: str) -> str:
    if not re.fullmatch(_MAC, text):
        raise Refusal("must be a MAC address such as `58:47:ca:00:00:11`")
    mac = ":".join(re.findall("..", re.sub("[:.-]", "", text.lower())))
    if int(mac[:2], 16) & 1:
        raise Refusal("is a multicast or broadcast address, which no NIC has")
    if mac == _NO_MAC:
        raise Refusal("is the address of no NIC")
    return mac


MAC = Text(_mac, "a MAC address such as `58:47:ca:00:00:11`", {"pattern": f"^{_MAC}$"})

_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[0-9A-Fa-f:.]+\])"
_URL = rf"https?://(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?(?P<path>(?:/[A-Za-z0-9._~%+@:-]*)*)"


def _url(text: str) -> str:
    if re.match(r"[a-z]+://[^/]*@", text):
        raise Refusal(
            "must hold no user name or password: it is shown in logs, and all users of a node can read it"
        )
    found = re.fullmatch(_URL, text)
    if not found:
        raise Refusal("must be an http or https URL as `http://192.168.178.5:8080`, without `?` and `#`")
    if found["port"] and not 1 <= int(found["port"]) <= 65535:
        raise Refusal("must have a port from 1 to 65535")
    _refuse_useless_host(found["host"])
    return text.rstrip("/")


def _refuse_useless_host(host: str) -> None:
    if host.lower() in ("localhost", "localhost.localdomain"):
        raise Refusal("means the node itself: it must be a host that the nodes can reach")
    literal = host.strip("[]")
    if host.startswith("[") or re.fullmatch(r"[0-9.]+", host):
        try:
            address = ip_address(literal)
        except ValueError:
            raise Refusal(f"must have a host name or an address; `{literal}` is none") from None
        if reason := _no_host_reason(address):
            raise Refusal(f"cannot be reached from a node: `{address}` {reason}")


URL = Text(
    _url,
    "an http or https URL",
    {"format": "uri", "pattern": r"^https?://[^\s/@?#]+(?:/[^\s@?#]*)?$"},
)
