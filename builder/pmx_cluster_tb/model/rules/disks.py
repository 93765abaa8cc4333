"""Which disk of each node is wiped, and how it is used: a node's table goes before the cluster's."""

from pmx_cluster_tb.model.cluster import Raid
from pmx_cluster_tb.model.hardware import DISK_PROPERTIES
from pmx_cluster_tb.model.inherited import CLUSTER_DISK, RAIDS, node_disks
from pmx_cluster_tb.model.report import Report, listed, shown
from pmx_cluster_tb.model.tables import FIND_KEYS, FileTable

_FEWEST_DISKS = {
    Raid.RAID0: 1,
    Raid.RAID1: 2,
    Raid.RAID10: 4,
    Raid.RAIDZ1: 3,
    Raid.RAIDZ2: 4,
    Raid.RAIDZ3: 5,
}
"""The installer's own minimums, which it does not check behind a filter."""


def _one_way(file: FileTable, report: Report) -> None:
    tables = [CLUSTER_DISK, *(("node", index, "disk") for index, _ in file.numbered_nodes())]
    for path in tables:
        given = [name for name in FIND_KEYS if report.has((*path, name))]
        for name in given[1:]:
            report.error(
                (*path, name), f"only one way to find the disk may be given; `{given[0]}` is another"
            )


def _some_way(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        if disk.way is None:
            report.error(
                disk.path,
                f"must say which disk may be wiped: {listed(FIND_KEYS, 'or')}, here or in `[disk]`",
                f"`lsblk -dno NAME,SIZE,MODEL` on the node shows its disks, "
                f"{DISK_PROPERTIES} what one is found by",
            )


def _raid_fits(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        filesystem = disk.filesystem
        if filesystem is None:
            continue
        raid, place = disk.raid(filesystem)
        levels = sorted(RAIDS[filesystem])
        if levels and place is None:
            _, filesystem_place = disk.value("filesystem")
            table = (filesystem_place or CLUSTER_DISK)[:-1]
            report.error((*table, "raid"), f"is required for `{filesystem}`: {listed(levels, 'or')}")
        elif raid and place and raid not in levels:
            allowed = f"must be {listed(levels, 'or')} for" if levels else "must not be given for"
            report.error(place, f"{shown(raid)} {allowed} `{filesystem}`")


def _enough_disks(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        filesystem, way = disk.filesystem, disk.way
        if filesystem is None or way is None:
            continue
        raid, _ = disk.raid(filesystem)
        name, value, place = way
        if not value or name == "model" or raid not in RAIDS[filesystem]:
            continue
        count = len(value.serials) if name == "serials" else 1
        disks = f"{count} disk" + ("s" if count > 1 else "")
        if count < _FEWEST_DISKS[raid]:
            hint = "list all of them in `serials`" if name != "serials" else ""
            report.error(
                place, f"`{raid}` needs at least {_FEWEST_DISKS[raid]} disks; this names {disks}", hint
            )
        elif raid is Raid.RAID10 and count % 2:
            report.error(place, f"`raid10` needs an even number of disks; this names {disks}")


def _list_of_serials(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        way, filesystem = disk.way, disk.filesystem
        if way and way[0] == "serials" and filesystem and not RAIDS[filesystem]:
            report.error(way[2], f"`{filesystem}` takes one disk: use `serial`")


_SHARED_HINT = (
    "USB enclosures of one model may share a serial, which is theirs and not the disk's: then give each node "
    f"`path`, the ID_PATH that {DISK_PROPERTIES} shows"
)


def _no_serial_twice(file: FileTable, report: Report) -> None:
    first: dict[str, str] = {}
    for disk in node_disks(file, report.lines):
        way = disk.way
        if way is None or way[0] not in ("serial", "serials") or not way[1]:
            continue
        name, value, place = way
        for serial in value.serials:
            if serial in first and place[:-1] == CLUSTER_DISK:
                report.error(
                    place, f"{shown(serial)} is in one machine only: give each node its own `disk.{name}`"
                )
            elif serial in first:
                report.error(place, f"{shown(serial)} is already a disk of {first[serial]}", _SHARED_HINT)
            first.setdefault(serial, disk.owner)


def _careless_ways(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        way, filesystem = disk.way, disk.filesystem
        if way is None or way[1] is None or filesystem is None:
            continue
        name, value, place = way
        several = bool(RAIDS[filesystem])
        if name == "model":
            which = (
                "every disk of this model is" if several else "the first disk of this model that is found is"
            )
            report.warning(place, f"{shown(value)}: {which} wiped", "`serial` names one disk for sure")
        elif name == "path":
            report.warning(
                place,
                f"{shown(value)}: whatever disk sits there is wiped",
                "`serial` names one disk for sure",
            )


_MILLION = 1_000_000


def _strangers(file: FileTable, report: Report) -> None:
    for disk in node_disks(file, report.lines):
        way = disk.way
        if way is None or way[0] != "serials" or not way[1] or not way[1].strangers:
            continue
        _, disks, place = way
        count = str(disks.strangers) if disks.strangers < _MILLION else "more than a million"
        patterns = listed(f"{name}={glob}" for name, glob in disks.found_by)
        which = f": {listed(disks.some_strangers)}" if disks.some_strangers else ""
        report.warning(
            place,
            f"the installer finds these disks by {patterns}, and {count} other serials could match{which}",
            f"no other disk of the node may match: {DISK_PROPERTIES} shows the serial of each",
        )


def _any_machine(file: FileTable, report: Report) -> None:
    nodes = dict(file.numbered_nodes())
    for disk in node_disks(file, report.lines):
        way, (*node, _) = disk.way, disk.path
        nic = nodes[int(node[1])].nic
        if way and way[1] and way[0] in ("model", "path") and nic and nic.name and not nic.mac:
            report.warning(
                (*node, "nic", "name"),
                f"{shown(nic.name)} and a disk found by `{way[0]}` are not one machine's alone: this answer "
                "installs on any machine that has both",
                "`mac` in its place, or `serial` for the disk, stops the installer on a wrong machine",
            )


RULES = (
    _one_way,
    _some_way,
    _raid_fits,
    _enough_disks,
    _list_of_serials,
    _no_serial_twice,
    _strangers,
    _careless_ways,
    _any_machine,
)
