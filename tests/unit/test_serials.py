"""What people write in place of a disk's ID_SERIAL_SHORT, and what is likely to be it."""

import pytest

from pmx_cluster_tb.model.report import Report
from pmx_cluster_tb.model.serials import DISK_SERIAL, likely_serial
from pmx_cluster_tb.problems import Problem

DEVICES = [
    "nvme0n1",
    "nvme0",
    "nvme1n1p3",
    "nvme0c0n1",
    "nvme10n12",
    "sda",
    "sdaa",
    "sda1",
    "sdb",
    "hda",
    "vda",
    "vdb2",
    "xvda",
    "mmcblk0",
    "mmcblk0p1",
    "mmcblk0boot0",
    "dm-0",
    "md0",
    "md127",
    "loop0",
    "sr0",
    "sg1",
    "nbd0",
    "pmem0",
    "zram0",
    "bcache0",
    "zd16",
    "dasda",
    "rbd0",
    "/dev/nvme0n1",
    "/dev/sda",
    "dev/sda",
    "/dev/mapper/pve-root",
]
BY_ID = {
    "nvme-Samsung_SSD_990_PRO_2TB_S7KGNU0X000001": "S7KGNU0X000001",
    "nvme-Samsung_SSD_990_PRO_2TB_S7KGNU0X000001_1": "S7KGNU0X000001",
    "/dev/disk/by-id/nvme-Samsung_SSD_990_PRO_2TB_S7KGNU0X000001-part2": "S7KGNU0X000001",
    "disk/by-id/ata-WDC_WD40EFRX-68N32N0_WD-WCC7K1234567": "WD-WCC7K1234567",
    "ata-CT1000BX500SSD1_2113E590B2C5": "2113E590B2C5",
    "usb-SanDisk_Ultra_4C530001-0:0": "4C530001",
    "usb-SanDisk_Ultra_4C530001-0:0-part1": "4C530001",
    "scsi-35000c500a1b2c3d4": "5000c500a1b2c3d4",
    "scsi-SATA_Samsung_SSD_870_S6P1NS0T412345": "S6P1NS0T412345",
    "scsi-0QEMU_QEMU_HARDDISK_drive-scsi0": "drive-scsi0",
    "nvme-eui.0025385b21404d38": None,
    "wwn-0x5002538e40a1b2c3": None,
    "mmc-DG4016_0x1a2b3c4d": None,
    "virtio-disk1": None,
    "dm-name-pve-root": None,
    "lvm-pv-uuid-abc": None,
    "md-uuid-1:2:3:4": None,
    "ieee1394-0010b9f7007ebe35": None,
}
PATHS = [
    "pci-0000:01:00.0-nvme-1",
    "pci-0000:00:17.0-ata-1.0",
    "pci-0000:00:14.0-usb-0:2:1.0-scsi-0:0:0:0",
    "virtio-pci-0000:00:04.0",
    "platform-fe330000.mmc-mmc-0:0",
    "/dev/disk/by-path/pci-0000:01:00.0-nvme-1",
]
NAMES_OF_THE_WORLD = [
    "0x5002538e40a1b2c3",
    "0x6005076801808765400000000000abcd",
    "eui.0025385b21404d38",
    "naa.5000c500a1b2c3d4",
    "nvme.144d-53364241",
    "uuid.12345678-aaaa",
    "t10.ATA",
]
PLACEHOLDERS = [
    "None",
    "none",
    "NULL",
    "N/A",
    "n/a",
    "unknown",
    "default",
    "SERIAL",
    "serial",
    "SERIAL_NUMBER",
    "my-serial",
    "your-serial-here",
    "disk-serial",
    "No-Serial",
    "Not-Specified",
    "TO-BE-FILLED",
    "change-me",
    "TODO",
    "TBD",
    "xxxx",
    "XXXXXXXX",
    "---",
    "...",
    "placeholder",
]
SERIALS = [
    "S7KGNU0X000001",
    "WD-WCC4N1",
    "5QG7BWGF",
    "2113E590B2C5",
    "PHKS746500DK375AGN",
    "5000c500a1b2c3d4",
    "50026B7282ABCDEF",
    "BTNH1234",
    "drive-scsi0",
    "QM00001",
    "VBc8d8c2a1-12345678",
    "0000:ab",
    "A",
    "sdcard1",
    "nvme",
    "ATA1234",
    "XX1",
    "NA5B1234",
    "1A2B3C4D",
    "disk1234",
]
DOUBTFUL = {
    "Samsung_SSD_990_PRO_2TB_S7KGNU0X000001": "S7KGNU0X000001",
    "Samsung_SSD_990_PRO_2TB_S7KGNU0X000001_1": "S7KGNU0X000001",
    "WDC_WD40EFRX-68N32N0_WD-WCC7K1234567": "WD-WCC7K1234567",
    "JMicron_Generic_0123456789ABCDEF-0:0": "0123456789ABCDEF",
    "35000c500a1b2c3d4": "5000c500a1b2c3d4",
    "S7KGNU0X000001_1": None,
    "WD_BLACK": None,
    "012345678999": None,
    "0123456789ABCDEF": None,
    "123456789012": None,
    "000000000000": None,
}


def problem_of(serial: str) -> Problem | None:
    """The one problem of a serial, if it has one."""
    report = Report("cluster.toml", {})
    value = DISK_SERIAL.read(serial, ("serial",), report)
    assert len(report.problems) <= 1
    assert (value is None) == any(problem.severity == "error" for problem in report.problems)
    return report.problems[0] if report.problems else None


@pytest.mark.parametrize("name", [*DEVICES, *BY_ID, *PATHS, *NAMES_OF_THE_WORLD, *PLACEHOLDERS, "0x1a2b3c4d"])
def test_what_matches_no_disk_is_refused(name: str) -> None:
    problem = problem_of(name)
    assert problem is not None
    assert problem.severity == "error"
    assert "/dev/DISK` " in problem.hint or problem.hint.startswith('`path = "')


@pytest.mark.parametrize(("name", "serial"), [*BY_ID.items(), *DOUBTFUL.items()])
def test_the_likely_serial_is_in_the_hint(name: str, serial: str | None) -> None:
    problem = problem_of(name)
    assert problem is not None
    assert likely_serial(name) == serial or "path" in problem.hint
    assert serial is None or problem.hint.startswith(f"`{serial}`")


@pytest.mark.parametrize("name", PATHS)
def test_a_path_is_said_to_be_one(name: str) -> None:
    problem = problem_of(name)
    assert problem is not None
    assert problem.hint == f'`path = "{name.removeprefix("/dev/disk/by-path/")}"`'


@pytest.mark.parametrize("serial", DOUBTFUL)
def test_what_no_disk_may_have_is_warned_about(serial: str) -> None:
    problem = problem_of(serial)
    assert problem is not None
    assert problem.severity == "warning"


@pytest.mark.parametrize("serial", SERIALS)
def test_serials_of_disks_are_taken(serial: str) -> None:
    assert problem_of(serial) is None
