"""A node of the seed cluster as files below a folder, with fake programs that keep them up to date."""

import errno
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from pmx_cluster_tb.data import data_folder
from pmx_cluster_tb.model.cluster import Cluster
from pmx_cluster_tb.plan.packages import node_package
from pmx_cluster_tb.plan.types import Package
from pmx_cluster_tb.sources import read_tree
from pmx_ring import command_line, frr, offload
from pmx_ring.state import State
from pmx_ring.system import System
from tests.clusters import seed_cluster

PROGRAMS = (
    "dpkg-query",
    "ip",
    "modprobe",
    "systemctl",
    "systemd-sysctl",
    "udevadm",
    "update-initramfs",
    "vtysh",
)
_FAKE = Path(__file__).parent / "fakes" / "program"
_LOOKS = ("is-", "show", "list-units", "info", "-json", "-C", "dpkg-query")

FRR_CONF = "/etc/frr/frr.conf"
CONTROLLERS = "/sys/bus/pci/devices/0000:ca:00.{}/power/control"
SET_TSO = 0x1F
"""ETHTOOL_STSO of linux/ethtool.h."""
DEBIAN_FRR_CONF = "log syslog informational\n"


def looks(call: str) -> bool:
    """Whether a call of a program changes nothing."""
    return any(look in call for look in _LOOKS)


@cache
def package_of(cluster: Cluster) -> Package:
    """The package of the first node of `cluster`."""
    return node_package(cluster, cluster.nodes[0], read_tree(data_folder("debian-src") / "node"))


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine whose root is `root`."""

    root: Path
    output: pytest.CaptureFixture[str]

    @property
    def system(self) -> System:
        """The machine, as the program sees it."""
        return System(self.root)

    @property
    def state(self) -> State:
        """What the program remembers."""
        return State.load(self.system)

    def pmx_ring(self, *arguments: str) -> tuple[int, str, str]:
        """The exit status of `pmx-ring`, and what it wrote to stdout and stderr."""
        self.output.readouterr()
        status = command_line.main(list(arguments), self.system)
        said = self.output.readouterr()
        return status, said.out, said.err

    def applied(self) -> list[str]:
        """What `pmx-ring apply` says that it did; it must succeed."""
        status, said, wrong = self.pmx_ring("apply")
        assert (status, wrong) == (0, ""), wrong or said
        return said.splitlines()

    def put_in_force(self) -> None:
        """Apply on a machine that nothing has been done to.

        The second one and those after it get a copy of what the first had then: it starts dozens of programs.
        """
        in_force = self.root.parent / "in-force"
        if in_force.exists():
            shutil.rmtree(self.root)
            shutil.copytree(in_force, self.root, symlinks=True)
        else:
            self.applied()
            shutil.copytree(self.root, in_force, symlinks=True)

    def path(self, path: str) -> Path:
        """Where the absolute `path` of the machine is."""
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        """Have a file of the machine hold `text`."""
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text, "utf-8")

    def read(self, path: str) -> str:
        """What a file of the machine holds."""
        return self.path(path).read_text("utf-8")

    def install(self, cluster: Cluster) -> None:
        """Put the files of the first node's package in place of those of an older one."""
        self.uninstall()
        package = package_of(cluster)
        for file in package.files:
            self.path(str(file.path)).parent.mkdir(parents=True, exist_ok=True)
            self.path(str(file.path)).write_bytes(file.content)
        for link in package.links:
            self.write(str(link.path), self.read(str(link.target)))

    def uninstall(self) -> None:
        """Take the files of the node's package away."""
        for folder in ("/usr/lib", "/etc/lldpd.d", "/etc/network/interfaces.d", "/var/lib/ifupdown2"):
            for path in self.path(folder).rglob("*"):
                if path.is_file():
                    path.unlink()

    def plug(self, name: str, port: int = 0, *, path: str = "", driver: str = "thunderbolt-net") -> None:
        """An interface as the kernel makes it, on the controller of the seed's port (or on `path`)."""
        folder = f"/sys/class/net/{name}"
        controller = path or seed_cluster().nodes[0].ports[port].path
        self.write(f"{folder}/udev", f"INTERFACE={name}\nID_PATH={controller}\nID_NET_DRIVER={driver}\n")
        self.write(f"{folder}/mtu", "1500\n")
        self.write(f"{folder}/flags", "0x1002\n")
        self.write(f"{folder}/carrier", "1\n")
        self.write(f"{folder}/tso", "1\n")
        self.path(f"{folder}/device").mkdir()

    def ethtool(self, name: str, command: int, value: int = 0) -> int:
        """What `offload.ethtool_value` asks the kernel, answered by the file `tso` of the interface."""
        file = f"/sys/class/net/{name}/tso"
        if not self.path(file).exists():
            raise OSError(errno.ENODEV, "No such device")
        if command == SET_TSO:
            self.write(file, f"{value}\n")
        return int(self.read(file))

    def addresses(self) -> list[str]:
        """The addresses of lo."""
        return self.read("/fake/lo").split()

    def calls(self) -> list[str]:
        """How programs were called."""
        return self.read("/fake/calls").splitlines()

    def forget_calls(self) -> None:
        """Start listening anew."""
        self.write("/fake/calls", "")

    def changing_calls(self) -> list[str]:
        """The calls that do more than look."""
        return [call for call in self.calls() if not looks(call)]

    def files(self) -> Mapping[str, tuple[bytes, int]]:
        """The content and mode of each file, but for the notes of the fakes about how they were called."""
        return {
            str(path.relative_to(self.root)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
            for path in self.root.rglob("*")
            if path.is_file() and path.name not in {"calls", "pmx-ring.lock"}
        }


def fresh_machine(root: Path, monkeypatch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]) -> Machine:
    """A Proxmox VE node with the seed's first package, two cables and nothing applied."""
    machine = Machine(root, output)
    programs = root / "programs"
    programs.mkdir()
    for program in PROGRAMS:
        (programs / program).symlink_to(_FAKE)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("FAKE_ROOT", str(root))
    monkeypatch.setattr(offload, "ethtool_value", machine.ethtool)
    monkeypatch.setattr(frr, "owner", lambda: (os.getuid(), os.getgid()))
    for path, text in _FILES.items():
        machine.write(path, text)
    machine.path("/run/systemd/system").mkdir(parents=True)
    machine.install(seed_cluster())
    machine.plug("thunderbolt0", 0)
    machine.plug("thunderbolt1", 1)
    machine.plug("enp3s0", path="pci-0000:03:00.0", driver="igc")
    return machine


_FILES = {
    "/etc/hostname": "pve1\n",
    "/etc/network/interfaces": "auto lo\niface lo inet loopback\n\nsource /etc/network/interfaces.d/*\n",
    FRR_CONF: DEBIAN_FRR_CONF,
    "/etc/frr/daemons": "fabricd=no\n",
    "/proc/sys/net/ipv4/ip_forward": "0\n",
    "/proc/sys/net/ipv6/conf/all/forwarding": "0\n",
    "/proc/sys/net/ipv6/conf/vmbr0/accept_ra": "1\n",
    CONTROLLERS.format(5): "auto\n",
    CONTROLLERS.format(6): "auto\n",
    "/fake/calls": "",
    "/fake/daemons": "",
    "/fake/default-routes": "[]",
    "/fake/dynamic-addresses": "[]",
    "/fake/lo": "127.0.0.1/8\n::1/128\n",
    "/fake/neighbours": "",
    "/fake/port-units": "",
    "/fake/running-config": "",
    "/fake/service": "ActiveState=inactive\n",
}
