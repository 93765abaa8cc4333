"""Disks by serial, udev's ID_SERIAL_SHORT: one, or several that one filter of the installer takes."""

import re
from dataclasses import dataclass
from typing import TypeVar

from pmx_cluster_tb.model.cluster import DiskSerials
from pmx_cluster_tb.model.disk_filter import disk_by_serial, disks_by_serial
from pmx_cluster_tb.model.hardware import DISK_PROPERTIES, refuse_globs
from pmx_cluster_tb.model.kinds import Define, JsonObject, Kind, ListOf, Text
from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Refusal, Report, shown

T = TypeVar("T")

_UDEV_CHARACTERS = r"[0-9A-Za-z#+.:=@_/-]"
"""What udev leaves as it is in its properties; none of them means anything in a glob."""

_KERNEL_NAME = re.compile(
    r"nvme[0-9]+(?:c[0-9]+)?(?:n[0-9]+)?(?:p[0-9]+)?"
    r"|mmcblk[0-9]+(?:boot[0-9]+|rpmb|p[0-9]+)?"
    r"|(?:sd|hd|vd|xvd|ubd|dasd)[a-z]{1,3}[0-9]{0,3}"
    r"|(?:bcache|drbd|fd|loop|md|nbd|pmem|ram|rbd|rssd|sg|sr|zd|zram)[0-9]+(?:p[0-9]+)?"
    r"|dm-[0-9]+"
)
"""Names of disks, their partitions and other block devices, in Linux' admin-guide/devices.txt and drivers."""

_BY_ID = re.compile(r"(?:ata|dm|ieee1394|lvm|md|memstick|mmc|nvme|raid|scsi|usb|virtio|wwn)-")
"""What names in /dev/disk/by-id begin with (60-persistent-storage.rules and its like)."""

_ID_PATH = re.compile(r"(?:acpi|ap|ccw|pci|platform|virtio-pci|vmbus|xen)-.*[:-].*")

_WWN = re.compile(r"0x[0-9a-fA-F]{16}|0x[0-9a-fA-F]{32}|(?:eui|naa|nvme|t10|uuid)\..+")
"""World-wide names as `lsblk -o WWN` and sysfs show them."""

_EMMC_SERIAL = re.compile(r"0x[0-9a-f]{8}")
"""eMMC and SD cards have it in sysfs and as ID_SERIAL, and no ID_SERIAL_SHORT."""

_PLACEHOLDER = re.compile(
    r"none|null|nil|n/a|na|unknown|default|empty|no[-_]?serial|not[-_. ]?(?:available|applicable|specified)"
    r"|(?:my|your|the)?[-_]?(?:disk|ssd|nvme)?[-_]?serial(?:[-_]?(?:number|no|here))?"
    r"|to[-_]?be[-_]?filled.*|change[-_]?me|fill[-_]?me|todo|tbd|fixme|example|placeholder|x{3,}|[.+-]+",
    re.IGNORECASE,
)

_SCSI_ID = re.compile(r"3([2356][0-9a-f]{15}(?:[0-9a-f]{16})?)")
"""ID_SERIAL of SAS disks: the type of the identifier, then the world-wide name, which is ID_SERIAL_SHORT."""

_OF_AN_ENCLOSURE = re.compile(r"0?12345678.*|(.)\1{3,}")


def likely_serial(text: str) -> str | None:
    """The ID_SERIAL_SHORT in an ID_SERIAL or a name of /dev/disk/by-id, `<model>_<serial>[_<namespace>]`.

    None if it is not in there, as in names by WWN.
    """
    name = re.sub(r"^(?:ata|ieee1394|nvme|scsi|usb)-|(?:-[0-9]+:[0-9]+)?(?:-part[0-9]+)?$", "", _last(text))
    if _BY_ID.match(name):
        return None
    if found := _SCSI_ID.fullmatch(name):
        return found[1]
    words = name.split("_")
    if len(words) > 2 and re.fullmatch("[0-9]{1,3}", words[-1]):
        words.pop()
    likely = words[-1] if len(words) > 1 else ""
    return likely if re.fullmatch(r"(?=.*[0-9])[0-9A-Za-z#+.:=@-]{4,}", likely) else None


def _last(text: str) -> str:
    return text.rpartition("/")[2]


def serial_hint(text: str) -> str:
    """What to write in place of `text`, with the command that shows it."""
    likely = likely_serial(text)
    return f"`{likely}`, if that is what {DISK_PROPERTIES} shows" if likely else f"{DISK_PROPERTIES} shows it"


_PATH_INSTEAD = f"`path` in its place, the ID_PATH that {DISK_PROPERTIES} shows"


def _refuse_other_names(text: str) -> None:
    """Raises Refusal for what names a disk, but is not its serial."""
    name = _last(text)
    if _ID_PATH.fullmatch(name):
        place = re.sub("-part[0-9]+$", "", name)
        raise Refusal("is udev's ID_PATH, the disk's place, not its serial", f'`path = "{place}"`')
    if _BY_ID.match(name) and not _KERNEL_NAME.fullmatch(name):
        hint = _PATH_INSTEAD if name.startswith(("mmc-", "virtio-")) else serial_hint(text)
        raise Refusal("is a name of /dev/disk/by-id, not the serial, and matches no disk", hint)
    if text.startswith(("/dev/", "dev/")) or _KERNEL_NAME.fullmatch(text):
        raise Refusal("is a device name, which changes between boots", f"{DISK_PROPERTIES} shows the serial")
    if _WWN.fullmatch(text):
        raise Refusal("is a world-wide name, not the serial, and matches no disk", serial_hint(text))
    if _EMMC_SERIAL.fullmatch(text):
        raise Refusal("is an eMMC's or SD card's serial, by which the installer finds no disk", _PATH_INSTEAD)
    if _PLACEHOLDER.fullmatch(text):
        raise Refusal("is no serial", f"{DISK_PROPERTIES} shows it")


def _doubt_of(serial: str) -> tuple[str, str] | None:
    """What makes it doubtful that a disk has this serial, and the hint; None if nothing does."""
    if _OF_AN_ENCLOSURE.fullmatch(serial):
        every = (
            "looks like a serial that every USB enclosure of one model has: whatever disk is in it is wiped"
        )
        return f"{shown(serial)} {every}", _PATH_INSTEAD
    if "_" in serial or _SCSI_ID.fullmatch(serial):
        form = (
            "has the form of ID_SERIAL; the installer looks at ID_SERIAL_SHORT, the serial without the model"
        )
        return f"{shown(serial)} {form}", serial_hint(serial)
    return None


def _serial(text: str) -> str:
    _refuse_other_names(text)
    refuse_globs(text)
    if not re.fullmatch(f"{_UDEV_CHARACTERS}{{1,128}}", text):
        raise Refusal(
            "must be udev's ID_SERIAL_SHORT: letters, digits and `#+-.:=@_/`", f"{DISK_PROPERTIES} shows it"
        )
    return text


_WANTED = f"the ID_SERIAL_SHORT that {DISK_PROPERTIES} shows"
_JSON = {"pattern": f"^{_UDEV_CHARACTERS}{{1,128}}$"}


@dataclass(frozen=True, slots=True)
class _Serial(Text[T]):
    """A serial, with a warning where no disk may have it."""

    def read(self, raw: object, path: KeyPath, report: Report) -> T | None:
        """The parsed text."""
        value = Text.read(self, raw, path, report)
        if value is not None and (doubt := _doubt_of(str(raw))):
            report.warning(path, *doubt)
        return value


DISK_SERIAL = _Serial(lambda text: disk_by_serial(_serial(text)), _WANTED, _JSON)


@dataclass(frozen=True, slots=True)
class _Serials(Kind[DiskSerials]):
    """A list of serials for which the installer has a filter."""

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
                "the installer cannot be told to take these disks: it finds them by patterns, one for each "
                "of three properties, and serials of different lengths or forms need one each",
                "name fewer disks, and add the others when Proxmox VE runs",
            )
        return disks

    def schema(self, define: Define) -> JsonObject:
        """An array of serials."""
        return self.elements.schema(define)


DISK_SERIALS = _Serials(ListOf(_Serial(_serial, _WANTED, _JSON), most=16))
