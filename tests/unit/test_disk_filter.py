"""Disks by serial, held against a model of the installer's matcher and of udev's properties."""

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmx_cluster_tb.model.disk_filter import disks_by_serial, literal_glob

Properties = Mapping[str, str]


def glob_matches(glob: str, text: str) -> bool:
    """The crate `glob`: `*`, `?`, `[abc]`, `[a-c]`, `[!abc]`; whole text, case-sensitive."""
    if not glob:
        return not text
    if glob[0] == "*":
        return glob_matches(glob[1:], text) or (text != "" and glob_matches(glob, text[1:]))
    if not text:
        return False
    if glob[0] == "[":
        end = glob.index("]", 3 if glob[1] == "!" else 2)
        return in_class(glob[1:end], text[0]) and glob_matches(glob[end + 1 :], text[1:])
    return glob[0] in ("?", text[0]) and glob_matches(glob[1:], text[1:])


def in_class(content: str, char: str) -> bool:
    if content[0] == "!":
        return not in_class(content[1:], char)
    assert "-" not in content[1:-1], "no ranges are expected here"
    return char in content


def serials_filter(serials: tuple[str, ...]) -> Properties | None:
    disks = disks_by_serial(serials)
    return dict(disks.found_by) if disks else None


def is_taken(found_by: Properties, disk: Properties) -> bool:
    """Any key that the disk has and whose glob matches."""
    return any(key in disk and glob_matches(glob, disk[key]) for key, glob in found_by.items())


def disks_with(serial: str) -> Iterator[Properties]:
    """What udev of Debian 12 and 13 knows of a disk: NVMe in three forms, SATA, USB."""
    for model, suffix in product(("Samsung SSD 990 PRO 2TB", "CT1000P3SSD8"), ("", "_1", "_2")):
        joined = f"{model.replace(' ', '_')}_{serial}{suffix}"
        links = f"/dev/disk/by-id/nvme-{joined} /dev/disk/by-path/pci-0000:01:00.0-nvme-1"
        yield {"ID_SERIAL_SHORT": serial, "ID_SERIAL": joined, "DEVLINKS": links}
    joined = f"WDC_WD40EFRX-68N32N0_{serial}"
    links = f"/dev/disk/by-id/wwn-0x50014ee2b5b5b5b5 /dev/disk/by-id/ata-{joined}"
    yield {
        "ID_SERIAL_SHORT": serial,
        "ID_SERIAL": joined,
        "DEVLINKS": links,
        "ID_MODEL": "WDC_WD40EFRX-68N32N0",
    }
    joined = f"SanDisk_Ultra_{serial}-0:0"
    yield {"ID_SERIAL_SHORT": serial, "ID_SERIAL": joined, "DEVLINKS": f"/dev/disk/by-id/usb-{joined}"}


FILTERS: dict[tuple[str, ...], dict[str, str] | None] = {
    ("S7KGNU0X000001",): {"ID_SERIAL_SHORT": "S7KGNU0X000001"},
    ("S7[K]*?",): {"ID_SERIAL_SHORT": "S7[[]K[]][*][?]"},
    ("S7KGNU0X000001", "S7KGNU0X000002"): {"ID_SERIAL_SHORT": "S7KGNU0X00000[12]"},
    ("S7KGNU0X000011", "S7KGNU0X000012", "S7KGNU0X000021", "S7KGNU0X000022"): {
        "ID_SERIAL_SHORT": "S7KGNU0X0000[12][12]"
    },
    # [12][12] would take two more, which may well have been bought together with these
    ("S7KGNU0X000012", "S7KGNU0X000021"): {
        "ID_SERIAL_SHORT": "S7KGNU0X000012",
        "ID_SERIAL": "*_S7KGNU0X000021*",
    },
    ("S7KGNU0X-00001", "S7KGNU0X000001"): {"ID_SERIAL_SHORT": "S7KGNU0X[-0]00001"},
    ("S7KGNU0X000001", "WD-WX11A123456", "2113E590B2C5AB", "PHKS7465003751"): {
        "ID_SERIAL_SHORT": "[2PSW][17DH][-1K][3GSW][7ENX][145U][0169][05AX][01B][02][03C][0457][05A][16B]"
    },
    ("S7KGNU0X000001", "WD-WX11A1234567", "2113E590B2C5"): {
        "ID_SERIAL_SHORT": "2113E590B2C5",
        "ID_SERIAL": "*_S7KGNU0X000001*",
        "DEVLINKS": "*_WD-WX11A1234567*",
    },
    ("S7KGNU0X000001", "S7KGNU0X000002", "WD-WX11A1234567", "2113E590B2C5"): {
        "ID_SERIAL_SHORT": "S7KGNU0X00000[12]",
        "ID_SERIAL": "*_2113E590B2C5*",
        "DEVLINKS": "*_WD-WX11A1234567*",
    },
    # too short, or in another place or another form in the longer values: as a whole or not at all
    ("S7KGNU0X000001", "DISK1"): {"ID_SERIAL_SHORT": "DISK1", "ID_SERIAL": "*_S7KGNU0X000001*"},
    ("S7KGNU0X000001", "5000c500a1b2c3d4"): {
        "ID_SERIAL_SHORT": "5000c500a1b2c3d4",
        "ID_SERIAL": "*_S7KGNU0X000001*",
    },
    ("S7KGNU0X000001", "AB CD 123"): {"ID_SERIAL_SHORT": "AB CD 123", "ID_SERIAL": "*_S7KGNU0X000001*"},
    ("S7KGNU0X000001", "ABCD1234", "ABC1234"): {
        "ID_SERIAL_SHORT": "ABC1234",
        "ID_SERIAL": "*_ABCD1234*",
        "DEVLINKS": "*_S7KGNU0X000001*",
    },
    ("S7KGNU0X000001", "ABCD123", "ABC123"): None,
    ("DISK1", "SSD22"): {"ID_SERIAL_SHORT": "[DS][IS][DS][2K][12]"},
    ("5000c500a1b2c3d4", "5000c500a1b2c3e5"): {"ID_SERIAL_SHORT": "5000c500a1b2c3[de][45]"},
    # a bracket could end a class
    ("S7[KGNU0X000001", "S7XKGNU0X000001"): {
        "ID_SERIAL_SHORT": "S7[[]KGNU0X000001",
        "ID_SERIAL": "*_S7XKGNU0X000001*",
    },
    ("S7KGNU0X000001", "WD-WX11A1234567", "2113E590B2C5", "PHKS746500DK375AGN"): None,
    (): None,
}


@pytest.mark.parametrize(("serials", "expected"), FILTERS.items())
def test_filters(serials: tuple[str, ...], expected: dict[str, str] | None) -> None:
    assert serials_filter(serials) == expected


@given(st.text())
def test_a_literal_glob_matches_its_text(text: str) -> None:
    assert glob_matches(literal_glob(text), text)


@given(st.text(alphabet="a*?[]!-", max_size=5), st.text(alphabet="a*?[]!-", max_size=5))
def test_a_literal_glob_matches_nothing_else(text: str, other: str) -> None:
    assert glob_matches(literal_glob(text), other) == (text == other)


endings = st.text(alphabet="12A", min_size=3, max_size=3)
similar_serials = st.builds("S7KGNU0X{}".format, endings)
any_serials = st.text(alphabet="12Aa-_ []!*", min_size=1, max_size=10)
lists_of_serials = st.one_of(
    st.lists(similar_serials, min_size=1, max_size=9, unique=True),
    st.lists(any_serials | similar_serials, min_size=1, max_size=4, unique=True),
)


@given(lists_of_serials, st.data())
def test_a_filter_takes_the_disks_of_the_list_and_no_other(serials: list[str], data: st.DataObject) -> None:
    disks = disks_by_serial(tuple(serials))
    if disks is None:
        return
    found_by = dict(disks.found_by)
    for serial in serials:
        assert all(is_taken(found_by, disk) for disk in disks_with(serial)), serial
    other = data.draw(other_serials(serials))
    longer = any(len(other) > len(serial) and other.startswith(serial) for serial in serials)
    if other not in serials and not longer and any(is_taken(found_by, disk) for disk in disks_with(other)):
        assert disks.strangers, "what is taken besides is counted"


@given(st.lists(similar_serials, min_size=1, max_size=9, unique=True))
def test_all_others_of_the_same_length_that_a_filter_takes_are_counted(serials: list[str]) -> None:
    disks = disks_by_serial(tuple(serials))
    assert disks is not None
    alike = map("S7KGNU0X{}".format, map("".join, product("12A", repeat=3)))
    taken = {one for one in alike if any(is_taken(dict(disks.found_by), disk) for disk in disks_with(one))}
    assert set(serials) <= taken
    assert disks.strangers == len(taken) - len(serials)
    assert set(disks.some_strangers) == (taken - set(serials) if disks.strangers <= 4 else set())


@given(st.lists(similar_serials, min_size=1, max_size=3, unique=True))
def test_up_to_three_disks_are_told_from_all_that_were_bought_with_them(serials: list[str]) -> None:
    disks = disks_by_serial(tuple(serials))
    assert disks is not None
    assert disks.strangers == 0


def other_serials(serials: list[str]) -> st.SearchStrategy[str]:
    """One that has in each place a character of a listed one, one that differs in one character, or any."""
    alphabet = sorted(set("".join(serials)) | {"0"})
    columns = [sorted(set(column)) for column in zip(*serials, strict=False)]
    mixed = st.tuples(*map(st.sampled_from, columns)).map("".join)
    changed = st.builds(
        lambda serial, at, char: serial[: at % len(serial)] + char + serial[at % len(serial) + 1 :],
        st.sampled_from(serials),
        st.integers(0, 20),
        st.sampled_from(alphabet),
    )
    return mixed | changed | st.text(alphabet, min_size=1, max_size=12)


@given(st.lists(similar_serials, min_size=1, max_size=6, unique=True))
def test_the_number_of_properties_does_not_depend_on_the_order(serials: list[str]) -> None:
    shuffled = sorted(serials, reverse=True)
    first, second = serials_filter(tuple(serials)), serials_filter(tuple(shuffled))
    assert (first is None) == (second is None)
    assert first is None or second is None or len(first) == len(second)


@pytest.mark.parametrize("length", [8, 5, 0])
def test_a_long_list_is_decided_quickly(length: int) -> None:
    """A cluster file may be anything: no list may keep `check` busy."""
    serials = tuple(f"SN{number * 7919:0{length}d}" for number in range(60))
    assert (serials_filter(serials) is None) == (length == 0)
