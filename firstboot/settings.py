"""Reading settings.json: accepts exactly what `settings.schema.json` describes."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

SCHEMA = 1
"""The version of the schema that this program reads."""

STEPS = (
    "wait-online",
    "repositories",
    "upgrade",
    "node-package",
    "extras",
    "user",
    "desktop",
    "leftovers",
    "kernel",
    "report",
)
"""The names of all steps, in their order."""

_CLUSTER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_NODE = re.compile(r"[a-z0-9][a-z0-9-]*")
_URL = re.compile(r"https?://[!-~]+")
# it is written into apt's configuration, between quotes and in lists of words
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~%+@:/\[\]-]+")
_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_INTERFACE = re.compile(r"en[a-z0-9]+")
_ID_PATH = re.compile(r"[!-~]+")
_DRIVER = re.compile(r"[a-z0-9_-]+")
_ADDRESS = re.compile(r"[0-9a-f:.]+")
_NETWORK = re.compile(r"[0-9a-f:.]+/[0-9]+")
_USER = re.compile(r"[a-z_][a-z0-9_-]*")
_FULL_NAME = re.compile(r"[^:,\x00-\x1f\x7f]*")
_CRYPT = re.compile(r"\$[!-9;-~]+")
_SSH_KEY = re.compile(r"[!-~][^\x00-\x1f\x7f]*")
_PACKAGE = {
    "name": _PACKAGE_NAME,
    "version": re.compile(r"[0-9][A-Za-z0-9.+~-]*"),
    "file": re.compile(r"[a-z0-9][A-Za-z0-9.+~_-]*\.deb"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
}
_PORT = {"name": _INTERFACE, "path": _ID_PATH, "driver": _DRIVER}
_MOST = 604_800
"""A week in seconds: more is a mistake."""
_MOMENT = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\+00:00")

Value = TypeVar("Value")
_Table = Mapping[str, object]


class BadSettings(Exception):
    """The settings are not for this program; the message says where and why, and shows no secret."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package to install: its name, version, file name in the archive, and that file's SHA-256."""

    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Online:
    """How to see that the network and the clock are right.

    Any answer from `url` will do; no right clock shows a time before `not_before`.
    """

    url: str
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """Mirrors of Proxmox's and Debian's archives, without a slash at the end; None for the archive itself."""

    proxmox: str | None
    debian: str | None
    debian_security: str | None


@dataclass(frozen=True, slots=True)
class Port:
    """A ring interface: its name, its controller's udev ID_PATH, and its driver."""

    name: str
    path: str
    driver: str


@dataclass(frozen=True, slots=True)
class User:
    """The second user, who may use sudo; without a hash only keys let it in."""

    name: str
    full_name: str
    password_hash: str | None = field(repr=False)
    ssh_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A node of the cluster, with its address in the LAN and those on the ring."""

    name: str
    lan: str
    ring: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to try: pauses within a boot double from the first to the longest; boots and reboots end."""

    first_pause: timedelta
    longest_pause: timedelta
    boots: int
    reboots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this node's first boot does.

    `members` are the node that creates the cluster and, if it is another, this one.
    """

    cluster: str
    node: str
    packages: tuple[Package, ...]
    online: Online
    mirrors: Mirrors
    apt_proxy: str | None
    """URL of the proxy that apt asks, None for none."""
    extras: tuple[str, ...]
    desktop: bool
    user: User | None
    ports: tuple[Port, ...]
    members: tuple[Member, ...]
    node_count: int
    ring_networks: tuple[str, ...]
    retry: Retry
    deadlines: Mapping[str, timedelta]
    """How long each step may take in one boot, by its name."""


def read_settings(text: bytes) -> Settings:
    """The settings in the JSON `text`; raises BadSettings."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadSettings(f"no JSON: {error}") from error
    schema = _any_table(value, "settings").get("schema")
    if isinstance(schema, bool) or schema != SCHEMA:
        raise BadSettings(f"schema is {schema!r}, and this program reads {SCHEMA} only")
    return _settings(table_with(value, _KEYS, "settings"))


_KEYS = {
    "schema",
    "cluster",
    "node",
    "packages",
    "online",
    "mirrors",
    "apt_proxy",
    "extras",
    "desktop",
    "user",
    "ports",
    "members",
    "node_count",
    "ring_networks",
    "retry",
    "deadlines_s",
}


def _settings(table: _Table) -> Settings:
    return Settings(
        cluster=_matching(table["cluster"], _CLUSTER, "cluster"),
        node=_matching(table["node"], _NODE, "node"),
        packages=list_of(table["packages"], _package, "packages", minimum=1),
        online=_online(table["online"], "online"),
        mirrors=_mirrors(table["mirrors"], "mirrors"),
        apt_proxy=_optional_url(table["apt_proxy"], "apt_proxy"),
        extras=list_of(table["extras"], _package_name, "extras"),
        desktop=_boolean(table["desktop"], "desktop"),
        user=None if table["user"] is None else _user(table["user"], "user"),
        ports=list_of(table["ports"], _port, "ports", minimum=1),
        members=list_of(table["members"], _member, "members", minimum=1),
        node_count=_positive(table["node_count"], "node_count"),
        ring_networks=list_of(table["ring_networks"], _network, "ring_networks", minimum=1),
        retry=_retry(table["retry"], "retry"),
        deadlines=_deadlines(table["deadlines_s"], "deadlines_s"),
    )


def _package(value: object, place: str) -> Package:
    return Package(**_strings(value, _PACKAGE, place))


def _port(value: object, place: str) -> Port:
    return Port(**_strings(value, _PORT, place))


def _strings(value: object, patterns: Mapping[str, re.Pattern[str]], place: str) -> dict[str, str]:
    table = table_with(value, set(patterns), place)
    return {key: _matching(table[key], pattern, f"{place}.{key}") for key, pattern in patterns.items()}


def _package_name(value: object, place: str) -> str:
    return _matching(value, _PACKAGE_NAME, place)


def _network(value: object, place: str) -> str:
    return _matching(value, _NETWORK, place)


def _address(value: object, place: str) -> str:
    return _matching(value, _ADDRESS, place)


def _ssh_key(value: object, place: str) -> str:
    return _matching(value, _SSH_KEY, place)


def _online(value: object, place: str) -> Online:
    table = table_with(value, {"url", "not_before"}, place)
    return Online(
        url=_matching(table["url"], _URL, f"{place}.url"),
        not_before=_moment(table["not_before"], f"{place}.not_before"),
    )


def _mirrors(value: object, place: str) -> Mirrors:
    table = table_with(value, {"proxmox", "debian", "debian_security"}, place)
    return Mirrors(**{key: _optional_url(table[key], f"{place}.{key}") for key in table})


def _optional_url(value: object, place: str) -> str | None:
    return None if value is None else _matching(value, _PLAIN_URL, place)


def _user(value: object, place: str) -> User:
    table = table_with(value, {"name", "full_name", "password_hash", "ssh_keys"}, place)
    crypt = table["password_hash"]
    return User(
        name=_matching(table["name"], _USER, f"{place}.name"),
        full_name=_matching(table["full_name"], _FULL_NAME, f"{place}.full_name"),
        password_hash=None if crypt is None else _secret(crypt, _CRYPT, f"{place}.password_hash"),
        ssh_keys=list_of(table["ssh_keys"], _ssh_key, f"{place}.ssh_keys"),
    )


def _member(value: object, place: str) -> Member:
    table = table_with(value, {"name", "lan", "ring"}, place)
    return Member(
        name=_matching(table["name"], _NODE, f"{place}.name"),
        lan=_address(table["lan"], f"{place}.lan"),
        ring=list_of(table["ring"], _address, f"{place}.ring", minimum=1),
    )


def _retry(value: object, place: str) -> Retry:
    table = table_with(value, {"first_pause_s", "longest_pause_s", "boots", "reboots"}, place)
    return Retry(
        first_pause=_seconds(table["first_pause_s"], f"{place}.first_pause_s"),
        longest_pause=_seconds(table["longest_pause_s"], f"{place}.longest_pause_s"),
        boots=_positive(table["boots"], f"{place}.boots"),
        reboots=_positive(table["reboots"], f"{place}.reboots"),
    )


def _deadlines(value: object, place: str) -> dict[str, timedelta]:
    table = table_with(value, set(STEPS), place)
    return {step: _seconds(table[step], f"{place}.{step}") for step in STEPS}


# the kinds of JSON values: each function raises BadSettings, which says where


def table_with(value: object, keys: set[str], place: str) -> _Table:
    """A table with exactly these keys."""
    found = _any_table(value, place)
    if missing := sorted(keys - found.keys()):
        raise BadSettings(f"{place} lacks {', '.join(missing)}")
    if unknown := sorted(found.keys() - keys):
        raise BadSettings(f"{place} has unknown keys {', '.join(unknown)}")
    return found


def _any_table(value: object, place: str) -> _Table:
    """A table, whatever its keys."""
    if not isinstance(value, dict):
        raise BadSettings(f"{place} must be a table")
    return value


def list_of(
    value: object, read: Callable[[object, str], Value], place: str, minimum: int = 0
) -> tuple[Value, ...]:
    """A list of what `read` takes, with the place of each."""
    if not isinstance(value, list) or len(value) < minimum:
        raise BadSettings(f"{place} must be a list of at least {minimum}")
    return tuple(read(item, f"{place}[{index}]") for index, item in enumerate(value))


def _matching(value: object, pattern: re.Pattern[str], place: str) -> str:
    """A string that `pattern` matches wholly."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadSettings(f"{place} is {value!r}, which does not match {pattern.pattern}")
    return value


def _secret(value: object, pattern: re.Pattern[str], place: str) -> str:
    """The same, but no message shows the value."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadSettings(f"{place} does not match {pattern.pattern}")
    return value


def _boolean(value: object, place: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise BadSettings(f"{place} must be true or false")
    return value


def _positive(value: object, place: str) -> int:
    """A whole number from 1 to `_MOST`."""
    # to JSON 5 and 5.0 are one number
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1 <= value <= _MOST or value % 1:
        raise BadSettings(f"{place} must be a whole number from 1 to {_MOST}")
    return int(value)


def _seconds(value: object, place: str) -> timedelta:
    """A duration, written as whole seconds."""
    return timedelta(seconds=_positive(value, place))


def _moment(value: object, place: str) -> datetime:
    """A time in UTC, as ISO 8601 writes it."""
    try:
        return datetime.fromisoformat(_matching(value, _MOMENT, place))
    except ValueError as error:
        raise BadSettings(f"{place} is {value!r}: {error}") from error
