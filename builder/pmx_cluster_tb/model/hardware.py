"""How disks, NICs and Thunderbolt controllers are named: udev properties and names of interfaces."""

import re

from pmx_cluster_tb.model.kinds import Text
from pmx_cluster_tb.model.report import Refusal, shown

DISK_PROPERTIES = "`udevadm info --query=property --property=ID_SERIAL_SHORT,ID_PATH,ID_MODEL /dev/DISK`"
"""The command, in backticks, that shows what the installer looks at. What `lsblk` shows as SERIAL is another
property for SAS, eMMC and virtio disks, and for some USB enclosures."""

_GLOB = re.compile(r"[*?\[\]]")


def refuse_globs(text: str) -> None:
    """Raises Refusal for a `text` that could name several disks."""
    if _GLOB.search(text):
        raise Refusal(
            "must hold none of `*`, `?`, `[` and `]`: a pattern could match, and wipe, another disk"
        )


def _model(text: str) -> str:
    refuse_globs(text)
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z #+.:=@_/(),&-]{2,127}", text):
        raise Refusal(
            "must be udev's ID_MODEL: at least 3 letters, digits, spaces and `#+-.:=@_/(),&`",
            f"{DISK_PROPERTIES} shows it",
        )
    return text.rstrip(" ")


DISK_MODEL = Text(
    _model,
    f"the ID_MODEL that {DISK_PROPERTIES} shows",
    {"pattern": r"^[0-9A-Za-z][0-9A-Za-z #+.:=@_/(),&-]{2,127}$"},
)

_ID_PATH = r"[a-z][a-z0-9]*-[0-9A-Za-z#+.:=@_-]{1,200}"


def _disk_path(text: str) -> str:
    refuse_globs(text)
    if not re.fullmatch(_ID_PATH, text):
        raise Refusal(
            "must be udev's ID_PATH as `pci-0000:01:00.0-nvme-1`",
            f"{DISK_PROPERTIES} shows it",
        )
    return text


DISK_PATH = Text(_disk_path, "udev's ID_PATH of the disk", {"pattern": f"^{_ID_PATH}$"})

_PCI_FUNCTION = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"


def _controller(text: str) -> str:
    if re.fullmatch(_PCI_FUNCTION, text.lower()):
        raise Refusal("must be udev's ID_PATH", f"`pci-{text.lower()}`")
    if text != text.lower() and re.fullmatch(f"pci-{_PCI_FUNCTION}", text.lower()):
        raise Refusal("must be lower case", shown(text.lower()))
    if not re.fullmatch(_ID_PATH, text) or (text.startswith("pci-") and not _is_pci(text)):
        raise Refusal(
            "must be udev's ID_PATH of the Thunderbolt controller such as `pci-0000:ca:00.5`",
            "`readlink -f /sys/bus/thunderbolt/devices/domain*` shows the controllers",
        )
    return text


def _is_pci(text: str) -> bool:
    return bool(re.fullmatch(rf"pci-{_PCI_FUNCTION}(?:-.+)?", text))


CONTROLLER_PATH = Text(
    _controller,
    "udev's ID_PATH of a Thunderbolt controller such as `pci-0000:ca:00.5`",
    {"pattern": f"^{_ID_PATH}$"},
)


def _driver(text: str) -> str:
    if text == "thunderbolt_net":
        raise Refusal(
            "is the name of the module; the driver's is `thunderbolt-net`", '`driver = "thunderbolt-net"`'
        )
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", text):
        raise Refusal("must be the name of a driver as `ethtool -i` shows it")
    return text


DRIVER = Text(_driver, "the name of a driver", {"pattern": "^[a-z0-9][a-z0-9_-]{0,62}$"})

_GIVEN_BY_SYSTEMD = re.compile(r"en(?:[bdiopsuvPX][0-9].*|c[0-9a-f]+|x[0-9a-f]{12}|a[a-z]+[0-9a-f]{4}i.*)")
"""systemd.net-naming-scheme(7), for Ethernet."""


def _port_name(text: str) -> str:
    if _GIVEN_BY_SYSTEMD.fullmatch(text):
        raise Refusal("is a name that systemd itself gives to a NIC, so another one could have it", "`en05`")
    if not text.startswith("en"):
        raise Refusal("must begin with `en`: Proxmox VE takes other names for no network interface", "`en05`")
    if not re.fullmatch(r"en[a-z0-9]{1,13}", text):
        raise Refusal("must be `en` and lower-case letters or digits, at most 15 in all")
    return text


LAN_NAME = "enlan0"
"""What the LAN's NIC is called where names are pinned, unless the file says otherwise.

Neither systemd, the kernel nor the installer gives that name to a NIC: the last calls those that are not in
its mapping `nic0`, `nic1` and so on, in the order in which it finds them. It begins with `en`, by which each
release of Proxmox VE knows a NIC (PVE::Network, PHYSICAL_NIC_RE), whatever else it looks at.
"""

PORT_NAME = Text(_port_name, "a name for the interface such as `en05`", {"pattern": "^en[a-z0-9]{1,13}$"})


def _nic_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,14}", text):
        raise Refusal("must be the name of a NIC as `enp3s0`, at most 15 characters")
    if text.startswith("wl"):
        raise Refusal("is a wireless interface, which cannot be part of a bridge")
    if re.fullmatch(r"lo|dummy.*|(?:vmbr|bond|thunderbolt|veth|tap|tun|virbr|docker)[0-9].*", text):
        raise Refusal("is no NIC that the LAN can be plugged into")
    return text


_KERNELS_OWN = re.compile(r"(?:eth|wlan|usb|ib)[0-9]+")


def unfit_for_pinning(name: str) -> str:
    """Why `name`, one of NIC_NAME, cannot be pinned to the LAN's NIC; empty if it can.

    The installer takes 2 to 15 letters, digits and underscores after a letter, and also what makes the name
    of a VLAN of it (pve-installer 9.2.7, `NetworkInterfacePinningOptions`).
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{1,14}", name):
        return "must be 2 to 15 letters, digits and underscores, to be pinned"
    if re.fullmatch(r"(?:vlan|fwbr|fwln|fwpr|vnet|vxlan)[0-9].*", name):
        return "is a name of a virtual interface, not of a NIC"
    if _GIVEN_BY_SYSTEMD.fullmatch(name) or _KERNELS_OWN.fullmatch(name):
        return "is a name that the system itself gives to a NIC, so another one could have it"
    return ""


NIC_NAME = Text(_nic_name, "the name of a NIC as `enp3s0`", {"pattern": "^[A-Za-z][A-Za-z0-9_.-]{0,14}$"})
