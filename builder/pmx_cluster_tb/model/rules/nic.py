"""The NIC of the LAN: how it is found, and the name that is pinned to it."""

import re
from collections.abc import Iterator

from pmx_cluster_tb.model.hardware import LAN_NAME, unfit_for_pinning
from pmx_cluster_tb.model.report import Report, listed, shown
from pmx_cluster_tb.model.tables import FileTable, NicTable
from pmx_cluster_tb.model.versions import PINS_NAMES

_OTHER_NAME = f'`name = "{LAN_NAME}"`, or leave `name` out'


def _nics(file: FileTable) -> Iterator[tuple[tuple[str, int, str], NicTable]]:
    return ((("node", index, "nic"), node.nic) for index, node in file.numbered_nodes() if node.nic)


def _found(file: FileTable, report: Report) -> None:
    ports = {port.name for port in (file.ring.ports if file.ring and file.ring.ports else ()) if port}
    for path, nic in _nics(file):
        if not report.has((*path, "mac")) and not report.has((*path, "name")):
            report.error(path, "must have `mac` (the safe way) or `name`")
        elif nic.name in ports and nic.name:
            report.error((*path, "name"), f"{shown(nic.name)} is a port of the ring, not of the LAN")
        elif LAN_NAME in ports and not report.has((*path, "name")) and nic.pin is not False and _pins(file):
            rule = f"has the name `{LAN_NAME}` pinned to it, which is a port of the ring"
            report.error(path, rule, '`name = "lan0"` in it, or another name for the port')


def _pins(file: FileTable) -> bool:
    """Whether the installer of this file's version pins names."""
    return bool(file.cluster and file.cluster.proxmox_ve in PINS_NAMES)


def _can_be_pinned(file: FileTable, report: Report) -> None:
    version = file.cluster and file.cluster.proxmox_ve
    unable = version if version and version not in PINS_NAMES else None
    cannot = f"the installer of {unable} cannot pin names: those of {listed(sorted(PINS_NAMES))} can"
    for path, nic in _nics(file):
        if nic.pin and not report.has((*path, "mac")):
            rule = "a name is pinned to a MAC address: give `mac`"
            report.error((*path, "pin"), rule, "`ip -br link` on the node shows it")
        elif nic.pin and unable:
            report.error((*path, "pin"), cannot, "`pin = false`")
        if not report.has((*path, "mac")) or not report.has((*path, "name")):
            continue
        if why_not := cannot if unable else "`pin` is `false`" if nic.pin is False else "":
            rule = f"beside `mac` this is the name to pin, but {why_not}"
            report.error((*path, "name"), rule, "leave `name` out")


def _pinned_names(file: FileTable, report: Report) -> None:
    for path, nic in _nics(file):
        if not nic.mac or not nic.name:
            continue
        place = (*path, "name")
        if why := unfit_for_pinning(nic.name):
            report.error(place, f"{shown(nic.name)} {why}", _OTHER_NAME)
        elif found := re.fullmatch("nic([0-9]+)", nic.name):
            report.warning(
                place,
                f"{shown(nic.name)} is the installer's own name for NIC number {found[1]}, from 0 on: if "
                "another NIC is that one, it stops before it writes anything",
                _OTHER_NAME,
            )


RULES = (_found, _can_be_pinned, _pinned_names)
