"""The text of a new cluster file: the template with what was chosen, and random prefixes for the ring."""

import json
import secrets
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

from pmx_cluster_tb.model.cluster import ProxmoxVersion
from pmx_cluster_tb.model.report import listed
from pmx_cluster_tb.model.schema import SCHEMA_ID
from pmx_cluster_tb.release import HOMEPAGE

_TEMPLATE = Path(__file__).with_name("cluster.toml.j2")
_UNIQUE_LOCAL = 0xFD
_TEN = IPv4Network("10.0.0.0/8")
_PORTS = ("en05", "en06")
_FEW = 14
"""How many nodes a /28 has addresses for."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A value, and whether it is this computer's and nobody was asked."""

    value: str
    is_found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the file is to say. `hash_file` is relative to it, or None; `lan_address` is this computer's."""

    nodes: int
    country: Chosen
    keyboard: Chosen
    timezone: Chosen
    keys: tuple[Chosen, ...]
    hash_file: str | None
    default_hash_file: str
    lan_address: IPv4Address | None


def cluster_text(choices: Choices) -> str:
    """A cluster file in which what nobody could know yet is empty."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701 - the template is no HTML
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    ipv4 = random_ring_ipv4(choices.nodes, choices.lan_address)
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(
        schema=SCHEMA_ID,
        documentation=f"{HOMEPAGE}/blob/main/docs",
        versions=listed(ProxmoxVersion, "or").replace("`", ""),
        country=_line(choices.country, 'two letters, such as "nl"'),
        keyboard=_line(choices.keyboard, 'such as "de" or "en-gb"'),
        timezone=_line(choices.timezone, 'such as "Europe/Amsterdam"'),
        keys=[_quoted(key.value) for key in choices.keys],
        keys_comment=_keys_comment(choices.keys),
        ipv4=_padded(ipv4),
        first_address=ipv4[1],
        ipv6=_padded(random_ring_ipv6(choices.nodes)),
        ports=_PORTS[: choices.nodes - 1],
        numbers=range(1, choices.nodes + 1),
        hash_file=choices.hash_file and _quoted(choices.hash_file),
        default_hash_file=choices.default_hash_file,
    )


def random_ring_ipv4(nodes: int, lan_address: IPv4Address | None) -> IPv4Network:
    """A private network wide enough for the nodes, in another block (RFC 1918) than the LAN's address.

    Home routers keep to the first networks of 10.0.0.0/8, so these are not taken.
    """
    is_ten = lan_address is not None and lan_address in _TEN
    first, second = (172, 16 + secrets.randbelow(16)) if is_ten else (10, 64 + secrets.randbelow(128))
    third = secrets.randbelow(254) + 1
    return IPv4Network(f"{first}.{second}.{third}.{'80/28' if nodes <= _FEW else '0/24'}")


def random_ring_ipv6(nodes: int) -> IPv6Network:
    """The first addresses of a /48 in fd00::/8 with a random global ID, as RFC 4193 section 3.2 wants."""
    address = bytes([_UNIQUE_LOCAL]) + secrets.token_bytes(5) + bytes(10)
    return IPv6Network((address, 124 if nodes <= _FEW else 120))


def _line(chosen: Chosen, comment: str) -> str:
    found = "as on this computer: is it right for the nodes?"
    return f"{_quoted(chosen.value):<20}# {found if chosen.is_found else comment}"


def _keys_comment(keys: tuple[Chosen, ...]) -> str:
    if any(key.is_found for key in keys):
        return "those of ~/.ssh on this computer: take out what must not log in as root"
    return "one line of ~/.ssh/id_ed25519.pub each; without one, only the password lets you in"


def _padded(value: object) -> str:
    return f"{_quoted(str(value)):<24}"


def _quoted(text: str) -> str:
    # a JSON string of printable characters is a TOML string too
    return json.dumps(text, ensure_ascii=False)
