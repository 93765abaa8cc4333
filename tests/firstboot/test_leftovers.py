"""Leftovers of an installation, on roots that look like a node's."""

from pathlib import Path

import pytest

from firstboot.step import StepFailed
from firstboot.steps.leftovers import changes_of_leftovers, leftovers_step
from firstboot.steps.name_pins import PIN_FOLDER, Nic, Pin, pin_of, thunderbolt_pins
from tests.firstboot.node import node_settings, system_of
from tests.roots.root import Root

_PORTS = ("en05", "en06")
_LAN = "58:47:ca:00:00:11"
_THUNDERBOLT = "02:5b:1c:9a:33:07"
_INSTALLED = """auto lo
iface lo inet loopback

iface nic0 inet manual

auto vmbr0
iface vmbr0 inet static
	address 192.168.178.11/24
	gateway 192.168.178.1
	bridge-ports nic0
	bridge-stp off
	bridge-fd 0

iface nic1 inet manual

iface nic2 inet manual


source /etc/network/interfaces.d/*
"""
_CLEAN = _INSTALLED.replace("\niface nic2 inet manual\n", "")


def _pin(mac: str, name: str) -> str:
    return (
        f"# setup by the Proxmox installer.\n[Match]\nMACAddress={mac}\nType=ether\n\n[Link]\nName={name}\n"
    )


def _nic(root: Path, name: str, mac: str, driver: str) -> Path:
    folder = root / "sys/class/net" / name
    (folder / "device").mkdir(parents=True)
    (folder / "address").write_text(f"{mac}\n")
    (folder / "device/driver").symlink_to(f"../../../bus/drivers/{driver}")
    return folder


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The root of a node that was installed by 9.1 with one cable plugged in."""
    (tmp_path / "etc/network/interfaces.d").mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_text(_INSTALLED)
    pins = tmp_path / "usr/local/lib/systemd/network"
    pins.mkdir(parents=True)
    for name, mac in (("nic0", _LAN), ("nic1", "58:47:ca:00:00:12"), ("nic2", _THUNDERBOLT)):
        (pins / f"50-pmx-{name}.link").write_text(_pin(mac, name))
    lan = _nic(tmp_path, "nic0", _LAN, "r8169")
    (lan / "master").symlink_to("../vmbr0")
    _nic(tmp_path, "nic1", "58:47:ca:00:00:12", "r8169")
    return tmp_path


def _pins(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "usr/local/lib/systemd/network").glob("*.link"))


@pytest.mark.parametrize("name", [None, "thunderbolt0", "nic2", "en05"])
def test_a_thunderbolt_nic_leaves_nothing(node: Path, name: str | None) -> None:
    if name:
        _nic(node, name, _THUNDERBOLT, "thunderbolt-net")
    step = leftovers_step(node_settings())
    assert not step.is_done(system_of(node))
    step.do(system_of(node))
    assert step.is_done(system_of(node))
    assert (node / "etc/network/interfaces").read_text() == _CLEAN
    assert _pins(node) == ["50-pmx-nic0.link", "50-pmx-nic1.link"]


@pytest.mark.parametrize("mac", [_LAN, "02:9b:2f:75:1f:55"])
@pytest.mark.parametrize("is_up", [True, False])
def test_the_pin_of_the_lan_stays(node: Path, mac: str, is_up: bool) -> None:
    """Whatever its MAC address, and also while nothing has the name yet."""
    interfaces = node / "etc/network/interfaces"
    interfaces.write_text(_INSTALLED.replace("nic0", "lan0"))
    pins = node / "usr/local/lib/systemd/network"
    (pins / "50-pmx-nic0.link").unlink()
    (pins / "50-pmx-lan0.link").write_text(_pin(mac, "lan0"))
    (node / "sys/class/net/nic0").rename(node / "sys/class/net/lan0")
    (node / "sys/class/net/lan0/address").write_text(f"{mac if is_up else '58:47:ca:00:00:99'}\n")
    leftovers_step(node_settings()).do(system_of(node))
    assert interfaces.read_text() == _CLEAN.replace("nic0", "lan0")
    assert _pins(node) == ["50-pmx-lan0.link", "50-pmx-nic1.link"]


def test_backups_are_kept(node: Path) -> None:
    leftovers_step(node_settings()).do(system_of(node))
    assert (node / "etc/network/interfaces.before-first-boot").read_text() == _INSTALLED
    pin = node / "usr/local/lib/systemd/network/50-pmx-nic2.link.before-first-boot"
    assert pin.read_text() == _pin(_THUNDERBOLT, "nic2")


def test_a_backup_can_be_read_by_no_more_than_its_original(node: Path) -> None:
    (node / "etc/network/interfaces").chmod(0o600)
    leftovers_step(node_settings()).do(system_of(node))
    assert oct((node / "etc/network/interfaces").stat().st_mode & 0o777) == "0o600"
    assert oct((node / "etc/network/interfaces.before-first-boot").stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("mac", [_THUNDERBOLT, "32:5b:1c:9a:33:07"])
def test_a_pin_of_a_configured_interface_stays(node: Path, mac: str) -> None:
    """One that is unplugged just now would come back under another name, without its address."""
    configured = _INSTALLED.replace("iface nic2 inet manual", "iface nic2 inet static\n\taddress 10.9.9.1/24")
    (node / "etc/network/interfaces").write_text(configured)
    (node / "usr/local/lib/systemd/network/50-pmx-nic2.link").write_text(_pin(mac, "nic2"))
    leftovers_step(node_settings()).do(system_of(node))
    assert (node / "etc/network/interfaces").read_text() == configured
    assert "50-pmx-nic2.link" in _pins(node)


def test_the_first_backup_is_never_overwritten(node: Path) -> None:
    leftovers_step(node_settings()).do(system_of(node))
    again = _CLEAN + "\niface en05 inet manual\n"
    (node / "etc/network/interfaces").write_text(again)
    leftovers_step(node_settings()).do(system_of(node))
    assert (node / "etc/network/interfaces.before-first-boot").read_text() == _INSTALLED
    assert (node / "etc/network/interfaces.before-first-boot.2").read_text() == again


def test_a_backup_comes_before_its_change(node: Path) -> None:
    paths = [change.path for change in changes_of_leftovers(node, _PORTS)]
    assert paths == [
        "etc/network/interfaces.before-first-boot",
        "etc/network/interfaces",
        "usr/local/lib/systemd/network/50-pmx-nic2.link.before-first-boot",
        "usr/local/lib/systemd/network/50-pmx-nic2.link",
    ]


def test_a_killed_run_makes_no_second_backup(node: Path) -> None:
    (node / "etc/network/interfaces.before-first-boot").write_text(_INSTALLED)
    assert changes_of_leftovers(node, _PORTS)[0].path == "etc/network/interfaces"


def test_a_pending_change_of_the_gui_is_cleaned_too(node: Path) -> None:
    pending = _INSTALLED.replace("178.11", "178.21")
    (node / "etc/network/interfaces.new").write_text(pending)
    leftovers_step(node_settings()).do(system_of(node))
    assert (node / "etc/network/interfaces.new").read_text() == _CLEAN.replace("178.11", "178.21")


def test_an_unplugged_usb_adapter_keeps_its_pin_and_stanza(node: Path) -> None:
    pin = node / "usr/local/lib/systemd/network/50-pmx-nic1.link"
    pin.write_text(_pin("a2:ce:c8:11:22:33", "nic1"))
    (node / "sys/class/net/nic1/device/driver").unlink()
    leftovers_step(node_settings()).do(system_of(node))
    assert _pins(node) == ["50-pmx-nic0.link", "50-pmx-nic1.link"]
    assert (node / "etc/network/interfaces").read_text() == _CLEAN


def test_the_pin_of_the_lan_stays_whatever_its_address(node: Path) -> None:
    """The installer writes it for a NIC that the cluster file finds by its MAC address."""
    pin = node / "usr/local/lib/systemd/network/50-pmx-nic0.link"
    for mac in (_LAN, "02:ce:c8:11:22:33"):
        pin.write_text(_pin(mac, "nic0"))
        leftovers_step(node_settings()).do(system_of(node))
        assert _pins(node) == ["50-pmx-nic0.link", "50-pmx-nic1.link"]


def test_a_bridge_elsewhere_keeps_its_port_and_pin(node: Path) -> None:
    bridge = "auto vmbr9\niface vmbr9 inet manual\n\tbridge-ports nic2\n"
    (node / "etc/network/interfaces.d/lab").write_text(bridge)
    assert changes_of_leftovers(node, _PORTS) == []


def test_a_bridge_port_that_is_a_thunderbolt_nic_keeps_its_pin(node: Path) -> None:
    held = _nic(node, "nic2", _THUNDERBOLT, "thunderbolt-net")
    (held / "master").symlink_to("../vmbr9")
    assert changes_of_leftovers(node, _PORTS) == []


def test_files_of_others_stay(node: Path) -> None:
    folder = node / "usr/local/lib/systemd/network"
    (folder / "10-mine.link").write_text(_pin(_THUNDERBOLT, "mine0"))
    (folder / "50-pmx-path.link").write_text("[Match]\nPath=pci-0000:00:0d.2\n\n[Link]\nName=tb0\n")
    leftovers_step(node_settings()).do(system_of(node))
    assert {"10-mine.link", "50-pmx-path.link"} <= set(_pins(node))


def test_the_earlier_name_of_pins_is_known(node: Path) -> None:
    folder = node / "usr/local/lib/systemd/network"
    (folder / "50-pmx-nic2.link").rename(folder / "50-pve-nic2.link")
    leftovers_step(node_settings()).do(system_of(node))
    assert _pins(node) == ["50-pmx-nic0.link", "50-pmx-nic1.link"]


def test_without_an_interfaces_file_the_step_says_so(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="etc/network/interfaces"):
        changes_of_leftovers(tmp_path, _PORTS)


@pytest.mark.parametrize(
    ("pin", "nics", "is_stale"),
    [
        # absent: judged by the address
        (Pin("02:11:22:33:44:55", "nic2"), [], True),
        (Pin("12:11:22:33:44:55", "nic2"), [], True),
        (Pin("22:11:22:33:44:55", "nic2"), [], True),
        (Pin("32:11:22:33:44:55", "nic2"), [], True),
        # of a USB adapter, or of whatever else makes its address up
        (Pin("42:11:22:33:44:55", "nic2"), [], False),
        (Pin("92:11:22:33:44:55", "nic2"), [], False),
        (Pin("a2:ce:c8:11:22:33", "nic2"), [], False),
        (Pin("f2:11:22:33:44:55", "nic2"), [], False),
        (Pin("58:47:ca:00:00:11", "nic2"), [], False),
        (Pin("bc:24:11:00:00:11", "nic2"), [], False),
        (Pin("06:11:22:33:44:55", "nic2"), [], False),
        # present: judged by what it is
        (Pin("02:11:22:33:44:55", "nic2"), [Nic("nic2", "02:11:22:33:44:55", "cdc_ncm")], False),
        (Pin("58:47:ca:00:00:11", "nic2"), [Nic("x", "58:47:ca:00:00:11", "thunderbolt-net")], True),
        (Pin("58:47:ca:00:00:11", "nic2"), [Nic("x", "58:47:ca:00:00:11", "r8169")], False),
        (Pin("58:47:ca:00:00:11", "nic2"), [Nic("en05", "58:47:ca:00:00:11", "virtio_net")], True),
        (Pin("02:11:22:33:44:55", "nic2"), [Nic("x", "02:11:22:33:44:55", "thunderbolt-net", True)], False),
        # in use
        (Pin("02:11:22:33:44:55", "nic0"), [], False),
    ],
)
def test_which_pins_are_of_thunderbolt_nics(pin: Pin, nics: list[Nic], is_stale: bool) -> None:
    assert thunderbolt_pins({"file": pin}, nics, _PORTS, {"nic0"}) == ({"file"} if is_stale else set())


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        (_pin("02:AB:22:33:44:55", "nic2"), Pin("02:ab:22:33:44:55", "nic2")),
        ("[Match]\nMACAddress = 02:11:22:33:44:55\n[Link]\nName = nic2\n", Pin("02:11:22:33:44:55", "nic2")),
        ("[Match]\nMACAddress=02:11:22:33:44:55 02:11:22:33:44:56\n[Link]\nName=nic2\n", None),
        ("[Match]\nMACAddress=02:11:22:33:44:55\nMACAddress=02:11:22:33:44:56\n[Link]\nName=nic2\n", None),
        ("[Match]\nPath=pci-0000:00:0d.2\n[Link]\nName=nic2\n", None),
        ("", None),
    ],
)
def test_reading_a_pin(text: str, pin: Pin | None) -> None:
    assert pin_of(text) == pin


@pytest.mark.root
def test_no_initramfs_holds_a_pin(root: Root) -> None:
    """So when one is removed, no initramfs is to be made anew."""
    for folder, name in ((PIN_FOLDER, "50-pmx-nic2.link"), ("etc/systemd/network", "50-other.link")):
        root.write(f"/{folder}/{name}", _pin(_THUNDERBOLT, "nic2"))
    root.run(["sh", "/usr/share/initramfs-tools/hooks/udev"], env={"DESTDIR": "/made", "verbose": "n"})
    held = {path.name for path in root.file("/made").rglob("*.link")}
    assert "50-other.link" in held
    assert "50-pmx-nic2.link" not in held
