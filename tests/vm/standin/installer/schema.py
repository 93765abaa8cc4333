"""The keys of an answer file, by section: since which version of the installer, and how they are spelled.

Facts about Proxmox's installer as probed with its own validator, in a form of our own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import kinds
from .kinds import Kind
from .problem import Refused

Version = tuple[int, ...]

ALWAYS: Version = (0,)
NEVER: Version = (99,)
_KEBAB: Version = (8, 4, 0)
"""From here on keys of several words may have hyphens."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, in kebab-case, since the version `kebab`; with underscores since `snake`."""

    name: str
    kind: Kind
    kebab: Version = ALWAYS
    snake: Version = ALWAYS
    required: bool = False

    def spellings(self, version: Version) -> set[str]:
        """How the installer `version` writes it; none if it does not know it."""
        forms = {(self.name, self.kebab), (self.name.replace("-", "_"), self.snake)}
        return {name for name, since in forms if version >= since}


def _words(name: str, kind: Kind, snake: Version = ALWAYS) -> Key:
    return Key(name, kind, kebab=max(_KEBAB, snake), snake=snake)


def _since(version: Version, name: str, kind: Kind) -> Key:
    return Key(name, kind, kebab=version, snake=version)


_KEYBOARDS = (
    *("de", "de-ch", "dk", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it"),
    *("jp", "lt", "mk", "nl", "no", "pl", "pt", "pt-br", "se", "si", "tr"),
)
_TIMEZONE = kinds.listed("timezones.txt")


def _timezone(path: str, value: Any) -> None:
    if value != "UTC":
        _TIMEZONE(path, value)


def _fqdn(path: str, value: Any) -> None:
    if not isinstance(value, dict):
        kinds.fqdn(path, value)


def _anything(path: str, value: Any) -> None:
    """Looked at elsewhere."""


def raid_levels(version: Version) -> Mapping[str, tuple[str, ...]]:
    """The names of RAID levels for zfs and btrfs."""
    plain, parity = ("raid0", "raid1", "raid10"), ("raidz-1", "raidz-2", "raidz-3")
    if version < (8, 2, 7):
        return {"zfs": (*plain, *parity), "btrfs": plain}
    if version < (8, 3, 3):
        return {"zfs": (*plain, *(name.upper() for name in parity)), "btrfs": plain}
    both = (*plain, *(name.upper() for name in plain))
    return {"zfs": (*both, *parity, *(name.upper() for name in parity)), "btrfs": both}


def sections(version: Version) -> Mapping[str, tuple[Key, ...]]:
    """The tables of an answer by their path."""
    return {
        "global": _global(version),
        "global.fqdn": (Key("source", kinds.one_of("from-dhcp")), Key("domain", kinds.text)),
        "network": _network(version),
        "network.interface-name-pinning": (
            Key("enabled", kinds.flag, required=True),
            Key("mapping", kinds.filters),
        ),
        **_disk_setup(version),
        "post-installation-webhook": (
            Key("url", kinds.text, required=True),
            _words("cert-fingerprint", kinds.text, (8, 2, 7)),
            _since((9, 2, 0), "auth-token", kinds.text),
        ),
        "first-boot": (
            Key("source", kinds.one_of("from-iso", "from-url"), required=True),
            Key("ordering", kinds.one_of("before-network", "network-online", "fully-up")),
            Key("url", kinds.text),
            Key("cert-fingerprint", kinds.text, kebab=(8, 3, 0), snake=_KEBAB),
        ),
    }


def _global(version: Version) -> tuple[Key, ...]:
    return (
        Key("country", kinds.listed("countries.txt"), required=True),
        Key("fqdn", _fqdn, required=True),
        Key("keyboard", kinds.one_of(*_KEYBOARDS), required=True),
        Key("mailto", kinds.mail if version >= (8, 2, 7) else kinds.text, required=True),
        Key("timezone", _timezone, required=True),
        _words("root-password", kinds.text),
        _words("root-password-hashed", kinds.text, (8, 2, 7)),
        _words("root-ssh-keys", kinds.texts),
        _words("reboot-on-error", kinds.flag),
        _since((8, 4, 3), "reboot-mode", kinds.one_of("reboot", "power-off")),
        _since((9, 2, 0), "subscription-key", kinds.text),
    )


def _network(version: Version) -> tuple[Key, ...]:
    return (
        Key("source", kinds.one_of("from-dhcp", "from-answer"), required=version >= (9, 2, 0)),
        Key("cidr", kinds.network(needs_prefix=version < (9, 2, 0))),
        Key("dns", kinds.address),
        Key("gateway", kinds.address),
        Key("filter", kinds.filters),
        Key("interface-name-pinning", _anything, kebab=(9, 1, 0), snake=NEVER),
    )


def _disk_setup(version: Version) -> dict[str, tuple[Key, ...]]:
    levels = raid_levels(version)
    size = kinds.number
    lvm = ("hdsize", "swapsize", "maxroot", "maxvz", "minfree")
    return {
        "disk-setup": (
            Key("filesystem", kinds.one_of("ext4", "xfs", "zfs", "btrfs"), required=True),
            _words("disk-list", kinds.texts),
            Key("filter", kinds.filters),
            _words("filter-match", kinds.one_of("any", "all")),
            *(Key(name, _anything) for name in ("zfs", "lvm", "btrfs")),
        ),
        "disk-setup.zfs": (
            Key("raid", kinds.one_of(*levels["zfs"]), required=True),
            Key("ashift", kinds.count),
            _words("arc-max", kinds.count),
            Key("checksum", kinds.one_of("on", "fletcher4", "sha256")),
            Key("compress", kinds.one_of("on", "off", "lzjb", "lz4", "zle", "gzip", "zstd")),
            Key("copies", kinds.count),
            Key("hdsize", size),
        ),
        "disk-setup.lvm": tuple(Key(name, size) for name in lvm),
        "disk-setup.btrfs": (
            Key("raid", kinds.one_of(*levels["btrfs"]), required=True),
            Key("hdsize", size),
            _since((8, 2, 7), "compress", kinds.one_of("on", "off", "zlib", "lzo", "zstd")),
        ),
    }


SINCE: Mapping[str, Version] = {
    "global": ALWAYS,
    "network": ALWAYS,
    "disk-setup": ALWAYS,
    "post-installation-webhook": (8, 2, 7),
    "first-boot": (8, 3, 0),
}
"""The sections at the top."""


def read_table(path: str, table: Any, version: Version) -> dict[str, Any]:
    """The table at `path` with its keys in kebab-case; raises Refused."""
    if not isinstance(table, dict):
        raise Refused(f"{path}: invalid type, expected a table")
    keys = {spelled: key for key in sections(version)[path] for spelled in key.spellings(version)}
    found: dict[str, Any] = {}
    for spelled, value in table.items():
        if spelled not in keys:
            raise Refused(f"{path}: unknown field `{spelled}`")
        key = keys[spelled]
        if key.name in found:
            raise Refused(f"{path}: duplicate field `{key.name}`")
        key.kind(f"{path}.{spelled}", value)
        found[key.name] = value
    for key in sections(version)[path]:
        if key.required and key.name not in found:
            raise Refused(f"{path}: missing field `{key.name}`")
    return found
