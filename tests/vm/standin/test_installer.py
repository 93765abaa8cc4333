"""What the stand-in's installer chooses and writes, without a machine."""

from pathlib import Path

import pytest

from tests.vm.standin.installer.disk_layout import GIB, layout
from tests.vm.standin.installer.fetch import fetched, labelled, read_mode
from tests.vm.standin.installer.machine import Disk, checked_pattern, chosen_disk, chosen_nic
from tests.vm.standin.installer.network_files import hosts, interfaces, resolv_conf
from tests.vm.standin.installer.pins import names_of
from tests.vm.standin.installer.problem import Refused
from tests.vm.standin.installer.target import kept_words

DISKS = [
    Disk("nvme0n1", 64 * GIB, {"ID_SERIAL_SHORT": "A1", "ID_MODEL": "Example Disk 64", "ID_BUS": "nvme"}),
    Disk("nvme1n1", 64 * GIB, {"ID_SERIAL_SHORT": "B2", "ID_MODEL": "Example Disk 64"}),
    Disk("sda", 8 * GIB, {"ID_SERIAL_SHORT": "STICK", "ID_BUS": "usb"}),
]


@pytest.mark.parametrize(
    ("setup", "name"),
    [
        ({"filter": {"ID_SERIAL_SHORT": "B2"}}, "nvme1n1"),
        ({"filter": {"ID_SERIAL_SHORT": "B?"}}, "nvme1n1"),
        ({"filter": {"ID_SERIAL_SHORT": "[BC]2"}}, "nvme1n1"),
        # the first of two that are the same model
        ({"filter": {"ID_MODEL": "Example*"}}, "nvme0n1"),
        # any key is enough, whatever filter-match says
        ({"filter": {"ID_SERIAL_SHORT": "B2", "ID_BUS": "nvme"}, "filter-match": "all"}, "nvme0n1"),
        # a stick is a disk
        ({"filter": {"ID_BUS": "usb"}}, "sda"),
        ({"disk-list": ["sda"]}, "sda"),
        ({"disk-list": ["/dev/nvme1n1"]}, "nvme1n1"),
        ({"disk-list": ["1n1"]}, "nvme1n1"),
        ({"disk-list": [""]}, "nvme0n1"),
    ],
)
def test_the_first_disk_that_matches_anything_is_taken(setup: dict[str, object], name: str) -> None:
    assert chosen_disk(DISKS, setup).name == name


@pytest.mark.parametrize(
    "setup",
    [
        {"filter": {"ID_SERIAL_SHORT": "C3"}},
        {"filter": {"ID_SERIAL_SHORT": "b2"}},
        {"filter": {"NO_SUCH_KEY": "*"}},
        {"filter": {"ID_SERIAL_SHORT": "[B"}},
        {"disk-list": ["sdb"]},
    ],
)
def test_without_a_match_nothing_is_taken(setup: dict[str, object]) -> None:
    with pytest.raises(Refused):
        chosen_disk(DISKS, setup)


def test_nics_are_chosen_in_the_same_way() -> None:
    nics = {
        "enp1s0": {"ID_NET_NAME_MAC": "enx525400000001"},
        "enp2s0": {"ID_NET_NAME_MAC": "enx525400000002"},
    }
    assert chosen_nic(nics, {"ID_NET_NAME_MAC": "enx525400000002"}) == "enp2s0"
    assert chosen_nic(nics, {"ID_NET_NAME_MAC": "enx*", "ID_PATH": "pci-0000:02:00.0"}) == "enp1s0"
    with pytest.raises(Refused, match="no filter defined"):
        chosen_nic(nics, {})
    with pytest.raises(Refused, match="no network interface"):
        chosen_nic(nics, {"ID_NET_NAME_MAC": "enx525400000003"})


def test_volumes_fill_the_disk_up_to_hdsize() -> None:
    sizes = layout(64 * GIB, {"hdsize": 20}, 2 * GIB)
    assert sizes.end == 20 * GIB
    assert sizes.swap + sizes.root + sizes.data < 20 * GIB
    assert sizes.root > 5 * GIB < sizes.data + sizes.root
    assert layout(64 * GIB, {"swapsize": 0.5, "maxvz": 0}, 2 * GIB).swap == GIB // 2
    assert layout(64 * GIB, {"maxvz": 0}, 2 * GIB).data == 0


def test_a_size_that_is_too_small_is_refused() -> None:
    with pytest.raises(Refused):
        layout(64 * GIB, {"hdsize": 5}, 2 * GIB)


def test_of_a_disk_that_is_smaller_than_the_size_all_is_taken() -> None:
    assert layout(64 * GIB, {"hdsize": 65}, 2 * GIB) == layout(64 * GIB, {}, 2 * GIB)


@pytest.mark.parametrize("pattern", ["**", "**/a", "a/**/b", "*", "[[]a", "[]]", "[!a]", "", "a*b*"])
def test_a_pattern(pattern: str) -> None:
    assert checked_pattern(pattern) == pattern


@pytest.mark.parametrize("pattern", ["***", "a**", "**a", "a**/b", "[", "[]", "[!]", "a[b"])
def test_a_pattern_that_is_refused(pattern: str) -> None:
    with pytest.raises(Refused, match="invalid pattern"):
        checked_pattern(pattern)


MACS = {"enp1s0": "52:54:00:00:00:01", "enp2s0": "52:54:00:00:00:02"}


@pytest.mark.parametrize(
    ("pinning", "names"),
    [
        ({}, ["enp1s0", "enp2s0"]),
        ({"enabled": False, "mapping": {"52:54:00:00:00:01": "lan0"}}, ["enp1s0", "enp2s0"]),
        ({"enabled": True}, ["nic0", "nic1"]),
        ({"enabled": True, "mapping": {"52:54:00:00:00:02": "lan0"}}, ["nic0", "lan0"]),
        ({"enabled": True, "mapping": {"52:54:00:00:00:01": "nic0"}}, ["nic0", "nic1"]),
        ({"enabled": True, "mapping": {"52:54:00:00:00:99": "lan0"}}, ["nic0", "nic1"]),
    ],
)
def test_names_that_are_pinned(pinning: dict[str, object], names: list[str]) -> None:
    assert list(names_of(MACS, pinning).values()) == names


def test_a_name_that_the_installer_gives_to_another_nic_is_refused() -> None:
    with pytest.raises(Refused, match="'nic0' is the name of both"):
        names_of(MACS, {"enabled": True, "mapping": {"52:54:00:00:00:02": "nic0"}})


def test_network_files() -> None:
    text = interfaces("enp1s0", ["enp2s0", "thunderbolt0"], "192.168.178.11/24", "192.168.178.1")
    assert "\nauto vmbr0\niface vmbr0 inet static\n\taddress 192.168.178.11/24\n" in text
    assert "\n\tbridge-ports enp1s0\n" in text
    assert "\niface thunderbolt0 inet manual\n" in text
    assert text.endswith("\nsource /etc/network/interfaces.d/*\n")
    assert "\n192.168.178.11 pve1.example.org pve1\n" in hosts("192.168.178.11/24", "pve1.example.org")
    assert (
        resolv_conf("pve1.example.org", "192.168.178.1") == "search example.org\nnameserver 192.168.178.1\n"
    )


def test_unknown_words_go_on_to_the_installed_system() -> None:
    line = "BOOT_IMAGE=/boot/linux26 ro ramdisk_size=16777216 rw quiet splash=silent console=ttyS0 "
    assert kept_words(f"{line}proxmox-start-auto-installer rdinit=/vtoy/vtoy\n") == [
        "console=ttyS0",
        "rdinit=/vtoy/vtoy",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "not prepared"),
        ('mode = "disc"', "unknown mode"),
        ('mode = "iso"\nlabel = "x"', "unknown field `label`"),
        ("mode", "auto-installer-mode.toml: "),
    ],
)
def test_a_medium_that_was_not_prepared_is_refused(text: str | None, why: str) -> None:
    with pytest.raises(Refused, match=why):
        read_mode(text)


def test_modes() -> None:
    assert read_mode('mode = "partition"\npartition_label = "PMX"')["partition_label"] == "PMX"


@pytest.mark.parametrize("name", ["Pmx-1", "PMX-1", "pmx-1"])
def test_labels_are_taken_as_they_are_or_in_one_case(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert labelled("Pmx-1", tmp_path) == tmp_path / name


def test_a_label_in_another_case_is_none(tmp_path: Path) -> None:
    (tmp_path / "pMX-1").touch()
    with pytest.raises(Refused, match="no partition labelled Pmx-1 found"):
        labelled("Pmx-1", tmp_path)


def test_an_answer_on_the_medium(tmp_path: Path) -> None:
    (tmp_path / "auto-installer-mode.toml").write_text('mode = "iso"\n')
    with pytest.raises(Refused, match="no answer: "):
        fetched(tmp_path)
    (tmp_path / "answer.toml").write_text("[global]\n")
    assert fetched(tmp_path) == "[global]\n"
