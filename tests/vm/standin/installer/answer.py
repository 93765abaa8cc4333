"""The answer file: what the genuine installer accepts, and what it says then."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .pins import check_names
from .problem import Refused
from .schema import SINCE, Version, read_table

Table = Mapping[str, Any]

_LEAST_DISKS = {"raid0": 1, "raid1": 2, "raid10": 4, "raidz-1": 3, "raidz-2": 4, "raidz-3": 5}
_OWN_TABLE = {"ext4": "lvm", "xfs": "lvm", "zfs": "zfs", "btrfs": "btrfs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An accepted answer, with all keys in kebab-case. Sizes in `lvm` are GiB."""

    fqdn: str | Table
    keyboard: str
    timezone: str
    password: str = field(repr=False)
    password_is_hash: bool
    ssh_keys: tuple[str, ...]
    reboot_mode: str
    reboot_on_error: bool
    network: Table
    disk_setup: Table
    lvm: Mapping[str, float]
    first_boot: Table


def read_answer(text: str, version: str) -> Answer:
    """What the installer `version`, such as `9.2.4`, makes of an answer; raises Refused."""
    try:
        answer = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"answer: {error}") from error
    numbers = tuple(int(word) for word in version.split("."))
    tables = _tables(answer, numbers)
    _check_passwords(tables["global"], numbers)
    _check_network(tables["network"], numbers)
    check_names(tables["network"].get("interface-name-pinning", {}), numbers)
    _check_disks(tables["disk-setup"], numbers)
    _check_first_boot(tables.get("first-boot"))
    return _answer(tables)


def _tables(answer: Table, version: Version) -> dict[str, dict[str, Any]]:
    known = {name for name, since in SINCE.items() if version >= since}
    if unknown := sorted(answer.keys() - known):
        raise Refused(f"unknown field `{unknown[0]}`")
    for name in ("global", "network", "disk-setup"):
        if name not in answer:
            raise Refused(f"missing field `{name}`")
    tables = {name: read_table(name, table, version) for name, table in answer.items()}
    for path in (
        "network.interface-name-pinning",
        *(f"disk-setup.{name}" for name in ("zfs", "lvm", "btrfs")),
    ):
        section, _, name = path.partition(".")
        if name in tables[section]:
            tables[section][name] = read_table(path, tables[section][name], version)
    if isinstance(tables["global"]["fqdn"], dict):
        if version < (8, 4, 3):
            raise Refused("global.fqdn: invalid type, expected a string")
        tables["global"]["fqdn"] = read_table("global.fqdn", tables["global"]["fqdn"], version)
    return tables


def _check_passwords(general: Table, version: Version) -> None:
    if len(general.keys() & {"root-password", "root-password-hashed"}) != 1:
        raise Refused("global: exactly one of `root-password` and `root-password-hashed` must be set")
    if version >= (8, 4, 0) and len(general.get("root-password", "x" * 8).encode()) < 8:
        raise Refused("global.root-password: must be at least 8 characters long")


def _check_network(network: Table, version: Version) -> None:
    own = network.keys() - {"source", "interface-name-pinning"}
    if network.get("source", "from-dhcp") == "from-dhcp":
        if own:
            raise Refused(f"network.{min(own)}: not with source `from-dhcp`")
        return
    needed = {"cidr", "dns", "gateway"} | ({"filter"} if version < (9, 2, 0) else set())
    if missing := sorted(needed - own):
        raise Refused(f"network: missing field `{missing[0]}`")
    if (9, 0, 4) <= version < (9, 2, 0) and not network["filter"]:
        raise Refused("network.filter: must not be empty")


def _check_disks(setup: Table, version: Version) -> None:
    names, wanted = setup.get("disk-list", []), setup.get("filter")
    both = names and (wanted is not None if version < (9, 0, 4) else wanted)
    if both or not (names or wanted):
        raise Refused("disk-setup: exactly one of `disk-list` and `filter` must be set")
    filesystem = setup["filesystem"]
    own = _OWN_TABLE[filesystem]
    if foreign := sorted({"zfs", "lvm", "btrfs"} & setup.keys() - {own}):
        raise Refused(f"disk-setup.{foreign[0]}: not with filesystem `{filesystem}`")
    if own == "lvm":
        _check_lvm(names, setup.get("lvm", {}), version)
    elif own not in setup:
        raise Refused(f"disk-setup: filesystem `{filesystem}` needs `{own}`")
    elif names:
        _check_raid(names, setup[own]["raid"].lower(), version)


def _check_lvm(names: list[str], lvm: Table, version: Version) -> None:
    if len(names) > 1:
        raise Refused("disk-setup.disk-list: ext4 and xfs take one disk")
    if version >= (9, 0, 5) and {"hdsize", "swapsize"} <= lvm.keys() and lvm["swapsize"] > lvm["hdsize"] / 2:
        raise Refused("disk-setup.lvm.swapsize: more than half of hdsize")


def _check_raid(names: list[str], raid: str, version: Version) -> None:
    if version >= (9, 0, 5):
        if len(set(names)) < len(names):
            raise Refused("disk-setup.disk-list: a disk is there twice")
        if len(names) < _LEAST_DISKS[raid]:
            raise Refused(f"disk-setup.disk-list: {raid} needs {_LEAST_DISKS[raid]} disks")
    if version >= (9, 2, 6) and raid == "raid10" and len(names) % 2:
        raise Refused("disk-setup.disk-list: raid10 needs an even number of disks")


def _check_first_boot(table: Table | None) -> None:
    if table and table["source"] == "from-url" and "url" not in table:
        raise Refused("first-boot: missing field `url`")


def _answer(tables: Mapping[str, dict[str, Any]]) -> Answer:
    general, setup = tables["global"], tables["disk-setup"]
    return Answer(
        fqdn=general["fqdn"],
        keyboard=general["keyboard"],
        timezone=general["timezone"],
        password=general.get("root-password-hashed") or general.get("root-password", ""),
        password_is_hash="root-password-hashed" in general,
        ssh_keys=tuple(general.get("root-ssh-keys", ())),
        reboot_mode=general.get("reboot-mode", "reboot"),
        reboot_on_error=general.get("reboot-on-error", False),
        network=tables["network"],
        disk_setup=setup,
        lvm=setup.get("lvm", {}),
        first_boot=tables.get("first-boot", {}),
    )
