"""What the installer of each ISO accepts: a strict judge of answers, written from what the real ones did.

It shares nothing with the builder. Accepted sets are those that `validate-answer` of that
installer takes without complaint, in kebab-case; everything else is a fault.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import cast

Table = Mapping[str, object]

VERSIONS = ("8.4", "9.0", "9.1", "9.2")

_8_4 = {
    "": "global network disk-setup post-installation-webhook first-boot",
    "global": "country fqdn keyboard mailto timezone root-password root-password-hashed root-ssh-keys"
    " reboot-on-error reboot-mode",
    "global.fqdn": "source domain",
    "network": "source cidr dns gateway filter",
    "disk-setup": "filesystem disk-list filter filter-match zfs lvm btrfs",
    "disk-setup.zfs": "raid ashift arc-max checksum compress copies hdsize",
    "disk-setup.lvm": "hdsize swapsize maxroot maxvz minfree",
    "disk-setup.btrfs": "raid hdsize compress",
    "post-installation-webhook": "url cert-fingerprint",
    "first-boot": "source ordering url cert-fingerprint",
}
_9_1 = {
    **_8_4,
    "network": "source cidr dns gateway filter interface-name-pinning",
    "network.interface-name-pinning": "enabled mapping",
}
_9_2 = {
    **_9_1,
    "global": _8_4["global"] + " subscription-key",
    "post-installation-webhook": "url cert-fingerprint auth-token",
}
ACCEPTED = {"8.4": _8_4, "9.0": _8_4, "9.1": _9_1, "9.2": _9_2}


def accepted_keys(version: str) -> frozenset[str]:
    """Every dotted path of a table or a key that the installer of `version` accepts."""
    tables = ACCEPTED[version].items()
    return frozenset(f"{table}.{key}".removeprefix(".") for table, keys in tables for key in keys.split())


def faults(version: str, answer: Table) -> list[str]:
    """What the installer of `version` would refuse in `answer`, or accept and then do wrong."""
    return [
        *_unknown_keys(version, answer),
        *_missing_keys(answer),
        *_bad_values(_flat(answer)),
        *_foreign_tables(answer),
        *_too_few_disks(answer),
        *_too_much_swap(answer),
    ]


def _flat(table: Table, path: str = "") -> dict[str, object]:
    """Values by dotted path; filters stay tables."""
    flat: dict[str, object] = {}
    for key, value in table.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping) and not name.endswith((".filter", ".mapping")):
            flat |= _flat(cast("Table", value), f"{name}.")
        else:
            flat[name] = value
    return flat


def _paths(table: Table, path: str = "") -> Iterator[str]:
    for key, value in table.items():
        yield f"{path}{key}"
        if isinstance(value, Mapping) and key not in {"filter", "mapping"}:
            yield from _paths(cast("Table", value), f"{path}{key}.")


def _unknown_keys(version: str, answer: Table) -> Iterator[str]:
    for path in _paths(answer):
        if path not in accepted_keys(version):
            yield f"{path}: unknown"


def _missing_keys(answer: Table) -> Iterator[str]:
    required = [
        *(
            f"global.{key}"
            for key in (
                "country",
                "fqdn",
                "keyboard",
                "mailto",
                "timezone",
                "root-password-hashed",
                "reboot-mode",
            )
        ),
        *(f"network.{key}" for key in ("source", "cidr", "dns", "gateway", "filter")),
        *("disk-setup.filesystem", "disk-setup.filter", "first-boot.source", "first-boot.ordering"),
    ]
    flat = _flat(answer)
    match flat.get("disk-setup.filesystem"):
        case "zfs":
            required.append("disk-setup.zfs.raid")
        case "btrfs":
            required.append("disk-setup.btrfs.raid")
    yield from (f"{path}: missing" for path in required if path not in flat)


def _foreign_tables(answer: Table) -> Iterator[str]:
    setup = cast("Table", answer.get("disk-setup", {}))
    own = {"ext4": "lvm", "xfs": "lvm", "zfs": "zfs", "btrfs": "btrfs"}[str(setup.get("filesystem"))]
    yield from (
        f"disk-setup.{name}: not for this file system"
        for name in {"lvm", "zfs", "btrfs"} & setup.keys() - {own}
    )


_FEWEST_DISKS = {"raid0": 1, "raid1": 2, "raid10": 4, "raidz-1": 3, "raidz-2": 4, "raidz-3": 5}


def _too_few_disks(answer: Table) -> Iterator[str]:
    """No installer counts what a filter finds; by serial it can be told from the globs."""
    setup = cast("Mapping[str, Mapping[str, str]]", answer["disk-setup"])
    raid = _flat(setup).get(f"{setup['filesystem']}.raid")
    if raid is None or "ID_SERIAL_SHORT" not in setup["filter"]:
        return
    classes = (re.findall(r"\[(.[^\]]*)\]", glob) for glob in setup["filter"].values())
    count = sum(math.prod(map(len, choices)) for choices in classes)
    if count < _FEWEST_DISKS[str(raid).lower()] or (raid == "raid10" and count % 2):
        yield f"disk-setup.filter: {count} disks for {raid}"


def _too_much_swap(answer: Table) -> Iterator[str]:
    lvm = cast("Mapping[str, Mapping[str, float]]", answer["disk-setup"]).get("lvm", {})
    if {"hdsize", "swapsize"} <= lvm.keys() and lvm["swapsize"] * 2 > lvm["hdsize"]:
        yield "disk-setup.lvm.swapsize: more than half"


def _one_of(*names: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in names


def _text(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _reads_as(read: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if not isinstance(value, str):
            return False
        try:
            read(value)
        except ValueError:
            return False
        return True

    return check


def _is_size(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_size_or_none(value: object) -> bool:
    return _is_size(value) or (value == 0 and not isinstance(value, bool))


def _from(lowest: int, highest: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and lowest <= value <= highest


_NAME_OF_A_NIC = r"(?!(?:nic|vlan|eth|en[osp])\d)[a-zA-Z][a-zA-Z0-9_]{1,14}"


def _is_mapping_of_names(value: object) -> bool:
    """Stricter than the installer, which also takes names of VLANs and those that it gives itself."""
    return (
        isinstance(value, Mapping)
        and len(value) == len(set(value.values())) == 1
        and all(re.fullmatch("[0-9a-f]{2}(?::[0-9a-f]{2}){5}", str(mac)) for mac in value)
        and all(re.fullmatch(_NAME_OF_A_NIC, str(name)) for name in value.values())
    )


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_filter(value: object) -> bool:
    """A glob of the crate `glob` for each udev property."""
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(re.fullmatch("[A-Z_]+", str(name)) and _is_glob(glob) for name, glob in value.items())
    )


def _is_glob(value: object) -> bool:
    # a closing bracket ends a class only after its first character
    return isinstance(value, str) and value != "" and "**" not in value and bool(
        re.fullmatch(r"(?:[^\[]|\[(?:!.|[^!])[^\]]*\])+", value)
    )  # fmt: skip


_KEYBOARDS = "de|de-ch|dk|en-gb|en-us|es|fi|fr|fr-be|fr-ca|fr-ch|hu|is|it|jp|lt|mk|nl|no|pl|pt|pt-br|se|si|tr"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

_VALUES: dict[str, Callable[[object], bool]] = {
    "global.country": _text("[a-z]{2}"),
    "global.fqdn": _text(rf"(?=.{{1,253}}$)(?!\d+\.){_LABEL}(?:\.{_LABEL})+"),
    "global.keyboard": _text(_KEYBOARDS),
    "global.mailto": _text(r"(?!mail@example\.invalid$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+"),
    "global.timezone": _text(r"UTC|[A-Z][A-Za-z]+(?:/[A-Za-z_+-]+){1,2}"),
    "global.root-password-hashed": _text(r"\$(?:y|6|5|2b)\$\S+"),
    "global.root-ssh-keys": _is_list_of_text,
    "global.reboot-on-error": lambda value: value is False,
    "global.reboot-mode": _one_of("reboot", "power-off"),
    "network.source": _one_of("from-answer"),
    "network.cidr": _reads_as(lambda text: (ipaddress.ip_interface(text), text.index("/"))),
    "network.dns": _reads_as(ipaddress.ip_address),
    "network.gateway": _reads_as(ipaddress.ip_address),
    "network.filter": lambda value: _is_filter(value) and len(cast("Table", value)) == 1,
    "disk-setup.filesystem": _one_of("ext4", "xfs", "zfs", "btrfs"),
    "disk-setup.filter": _is_filter,
    "disk-setup.filter-match": _one_of("any"),
    "disk-setup.lvm.hdsize": _is_size,
    "disk-setup.lvm.swapsize": _is_size_or_none,
    "disk-setup.lvm.maxroot": _is_size,
    "disk-setup.lvm.maxvz": lambda value: value == 0 or (_is_size(value) and cast("float", value) > 4),
    "disk-setup.lvm.minfree": _is_size_or_none,
    "disk-setup.zfs.ashift": _from(9, 16),
    "disk-setup.zfs.arc-max": _from(64, 2**32 - 1),
    "disk-setup.zfs.checksum": _one_of("on", "fletcher4", "sha256"),
    "disk-setup.zfs.compress": _one_of("on", "off", "lzjb", "lz4", "zle", "gzip", "zstd"),
    "disk-setup.zfs.copies": _from(1, 3),
    "disk-setup.btrfs.compress": _one_of("on", "off", "zlib", "lzo", "zstd"),
    "network.interface-name-pinning.enabled": lambda value: value is True,
    "network.interface-name-pinning.mapping": _is_mapping_of_names,
    "disk-setup.zfs.hdsize": _is_size,
    "disk-setup.btrfs.hdsize": _is_size,
    "disk-setup.zfs.raid": _one_of("raid0", "raid1", "raid10", "raidz-1", "raidz-2", "raidz-3"),
    "disk-setup.btrfs.raid": _one_of("raid0", "raid1", "raid10"),
    "first-boot.source": _one_of("from-iso"),
    "first-boot.ordering": _one_of("fully-up"),
}


def _bad_values(flat: dict[str, object]) -> Iterator[str]:
    for path, value in flat.items():
        if path not in _VALUES:
            yield f"{path}: never written by this program"
        elif not _VALUES[path](value):
            yield f"{path}: refused: {value!r}"
    if (
        flat.get("disk-setup.filesystem") in {"ext4", "xfs"}
        and len(cast("Table", flat["disk-setup.filter"])) > 1
    ):
        yield "disk-setup.filter: the first disk that has any of these would be taken"
    families = {ipaddress.ip_interface(str(flat[f"network.{key}"])).version for key in ("cidr", "gateway")}
    if len(families) > 1:
        yield "network.gateway: of another family"
