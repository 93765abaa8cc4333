"""A first-boot file for several nodes: it makes itself the one of this node, before it does anything else.

Other nodes' settings, with what is secret in them, do not stay on the node. A power cut leaves the file for
all of them or the one for this node, and the next boot goes on with either.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from firstboot.archive import BadArchive
from firstboot.changes import write_file
from firstboot.own_machine import check_own_machine
from firstboot.settings import BadSettings, list_of, read_settings, table_with
from firstboot.system import System

NODES_NAME = "nodes.json"
_SCHEMA = 1
_SETTINGS_NAME = "settings.json"
_NODES = "nodes/"
_PACKAGES = "packages/"
_NICS = "/sys/class/net"
_ADDRESSES = ("address", "bonding_slave/perm_hwaddr")
"""Of a NIC; in a bond the first may be another one's."""

_DAMAGE = (OSError, KeyError, ValueError, zipfile.BadZipFile)


class NotOneNode(Exception):
    """This machine is none of the nodes, or more than one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that the file serves, and the MAC address of its NIC."""

    node: str
    mac: str


def is_shared(archive: Path) -> bool:
    """Whether `archive` serves several nodes; raises BadArchive if it is none."""
    try:
        with zipfile.ZipFile(archive) as file:
            return NODES_NAME in file.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise BadArchive(f"{archive}: {error}") from error


def keep_own_part(system: System, archive: Path) -> None:
    """Makes `archive` the first-boot file of this machine's node; in a dry run only tells which that is.

    Raises NotOneNode, WrongMachine, or BadArchive if the file is damaged. Whoever runs this program must
    start it again.
    """
    candidates = _candidates(archive)
    node = own_node(candidates, list(_addresses(system)))
    # with a NIC that was another node's, this machine's own part would be gone
    check_own_machine(system, node)
    if system.dry_run:
        others = ", ".join(one.node for one in candidates if one.node != node)
        system.say(
            f"this machine is `{node}`; would take what is for {others} out of `{archive}`, then begin"
        )
        return
    system.say(f"this machine is node `{node}`")
    # the file need not be below the root that is acted on
    write_file(replace(system, root=Path("/")), str(archive), own_part(archive, node))


def own_node(candidates: Sequence[Candidate], addresses: Sequence[str]) -> str:
    """The node whose MAC address is among the machine's `addresses`; raises NotOneNode."""
    found = [one.node for one in candidates if one.mac.lower() in addresses]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotOneNode(f"this machine has the network cards of several nodes: {', '.join(found)}")
    known = ", ".join(f"{one.node} {one.mac}" for one in candidates)
    raise NotOneNode(
        f"no network card of this machine is one of a node: it has {', '.join(addresses) or 'none'}, and the "
        f"nodes have {known}"
    )


def own_part(archive: Path, node: str) -> bytes:
    """The first-boot file for `node` alone: the bytes that `build` makes, where its zlib is this one's."""
    try:
        with zipfile.ZipFile(archive) as shared:
            settings = shared.getinfo(f"{_NODES}{node}/{_SETTINGS_NAME}")
            packages = [one.file for one in read_settings(shared.read(settings)).packages]
            infos = [*_program(shared), *(shared.getinfo(f"{_PACKAGES}{name}") for name in sorted(packages))]
            file = io.BytesIO()
            file.write(_first_line(archive))
            with zipfile.ZipFile(file, "w") as own:
                for info in infos:
                    own.writestr(_named(info, info.filename), shared.read(info), info.compress_type)
                own.writestr(_named(settings, _SETTINGS_NAME), shared.read(settings), zipfile.ZIP_STORED)
    except (*_DAMAGE, BadSettings) as error:
        raise BadArchive(f"{archive}: cannot take the part of {node} out of it: {error}") from error
    return file.getvalue()


def _program(shared: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    for info in shared.infolist():
        if not info.filename.startswith((_NODES, _PACKAGES)) and info.filename != NODES_NAME:
            yield info


def _named(info: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    new = zipfile.ZipInfo(name, info.date_time)
    new.create_system, new.external_attr = info.create_system, info.external_attr
    return new


def _first_line(archive: Path) -> bytes:
    with archive.open("rb") as file:
        return file.readline()


def _candidates(archive: Path) -> tuple[Candidate, ...]:
    try:
        with zipfile.ZipFile(archive) as file:
            value = json.loads(file.read(NODES_NAME))
        table = table_with(value, {"schema", "nodes"}, NODES_NAME)
        if table["schema"] != _SCHEMA:
            raise BadArchive(f"{archive}: schema of {NODES_NAME} is {table['schema']!r}, not {_SCHEMA}")
        return list_of(table["nodes"], _candidate, f"{NODES_NAME}: nodes", minimum=1)
    except (*_DAMAGE, BadSettings) as error:
        raise BadArchive(f"{archive}: cannot read {NODES_NAME}: {error}") from error


def _candidate(value: object, place: str) -> Candidate:
    table = table_with(value, {"node", "mac"}, place)
    return Candidate(node=str(table["node"]), mac=str(table["mac"]))


def _addresses(system: System) -> Iterator[str]:
    """Every MAC address of the machine's network interfaces, once."""
    files = (
        f"{_NICS}/{nic.name}/{name}" for nic in sorted(system.path(_NICS).glob("*")) for name in _ADDRESSES
    )
    found = (system.text(file).strip().lower() for file in files)
    yield from dict.fromkeys(one for one in found if one.strip("0:"))
