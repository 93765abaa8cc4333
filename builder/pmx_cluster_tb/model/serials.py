"""Disks by serial, udev's ID_SERIAL_SHORT: one, or several that one filter of the installer takes."""

import re
from dataclasses import dataclass

from pmx_cluster_tb.model.cluster import DiskSerials
from pmx_cluster_tb.model.disk_filter import disk_by_serial, disks_by_serial
from pmx_cluster_tb.model.hardware import refuse_globs
from pmx_cluster_tb.model.kinds import Define, JsonObject, Kind, ListOf, Text
from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Refusal, Report

_UDEV_CHARACTERS = r"[0-9A-Za-z#+.:=@_/-]"
"""What udev leaves as it is in its properties; none of them means anything in a glob."""


def _serial(text: str) -> str:
    if text.startswith("/dev/"):
        raise Refusal(
            "is a device name, which changes between boots", "`lsblk -dno NAME,SERIAL` shows serials"
        )
    refuse_globs(text)
    if not re.fullmatch(f"{_UDEV_CHARACTERS}{{1,128}}", text):
        raise Refusal("must be udev's ID_SERIAL_SHORT: letters, digits and `#+-.:=@_/`")
    return text


_WANTED = "the serial that `lsblk -dno NAME,SERIAL` shows"
_JSON = {"pattern": f"^{_UDEV_CHARACTERS}{{1,128}}$"}

DISK_SERIAL = Text(lambda text: disk_by_serial(_serial(text)), _WANTED, _JSON)


@dataclass(frozen=True, slots=True)
class _Serials(Kind[DiskSerials]):
    """A list of serials that one filter of the installer takes, and no other disk."""

    elements: ListOf[str]

    def read(self, raw: object, path: KeyPath, report: Report) -> DiskSerials | None:
        """The disks, if each serial is right and there is such a filter."""
        serials = self.elements.read(raw, path, report)
        if raw == []:
            report.error(path, "must name at least one disk")
        if not serials or not isinstance(raw, list) or len(serials) < len(raw):
            return None
        disks = disks_by_serial(serials)
        if disks is None:
            report.error(
                path,
                "the installer cannot be told to take exactly these disks: it finds them by patterns, "
                "and what matches all of these serials matches others too",
                "name fewer disks, and add the others when Proxmox VE runs",
            )
        return disks

    def schema(self, define: Define) -> JsonObject:
        """An array of serials."""
        return self.elements.schema(define)


DISK_SERIALS = _Serials(ListOf(Text(_serial, _WANTED, _JSON), most=16))
