"""A fake Proxmox VE node: a tree of files, commands on PATH that record how they were called, and a clock."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from firstboot.settings import Settings, read_settings
from firstboot.system import System
from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import settings_with_digests
from pmx_cluster_tb.plan.types import ClusterPlan
from tests.plans import seed_plan

COMMANDS = (
    "apt-config",
    "apt-get",
    "chpasswd",
    "chroot",
    "dpkg",
    "dpkg-query",
    "pmx-ring",
    "pveum",
    "systemctl",
    "timedatectl",
    "uname",
    "update-grub",
    "update-initramfs",
    "useradd",
    "userdel",
    "usermod",
)

NOW = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)

INTERFACES = """auto lo
iface lo inet loopback

iface thunderbolt0 inet manual

source /etc/network/interfaces.d/*
"""

PLAN = seed_plan()
HOOK = "var/lib/proxmox-first-boot/proxmox-first-boot"

_FAKES = Path(__file__).with_name("fake_command.py")

# what is asked most often needs no Python
_COMMAND = """#!/bin/sh
case "{name} $1" in
    "chroot "*) shift; exec "$@" ;;
    "apt-config "*) exit 0 ;;
    "dpkg --audit") cat {folder}/audit 2>/dev/null; exit 0 ;;
    "systemctl get-default") cat {folder}/default-target; exit 0 ;;
    "systemctl list-units") cat {folder}/failed-units 2>/dev/null; exit 0 ;;
    "timedatectl "*) echo "NTPSynchronized=$(cat {folder}/synchronized 2>/dev/null || echo no)"; exit 0 ;;
    "uname "*) cat {folder}/uname; exit 0 ;;
esac
exec {python} -IS {fakes} {folder} {name} "$@"
"""


class FakeClock:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, duration: timedelta) -> None:
        self.seconds += duration.total_seconds()


@dataclass
class FakeNode:
    """A node whose files are in `root`; its commands are in `bin` beside it, with what they need to know."""

    root: Path
    clock: FakeClock = field(default_factory=FakeClock)
    said: list[str] = field(default_factory=list)

    @classmethod
    def made_in(cls, folder: Path) -> "FakeNode":
        """A node as the installer of Proxmox VE 8.4 leaves it, as far as the steps look."""
        node = cls(folder / "root")
        for name in (
            "run",
            "etc/apt/sources.list.d",
            "etc/skel",
            "etc/systemd/system",
            "var/lib/dpkg/updates",
        ):
            (node.root / name).mkdir(parents=True)
        node.commands.mkdir()
        for name in COMMANDS:
            command = node.commands / name
            command.write_text(_COMMAND.format(folder=folder, name=name, python=sys.executable, fakes=_FAKES))
            command.chmod(0o755)
        node.write("etc/os-release", "VERSION_CODENAME=bookworm\n")
        node.write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
        node.write("etc/group", "root:x:0:\nsudo:x:27:\n")
        node.write("etc/gshadow", "root:*::\nsudo:*::\n", 0o640)
        node.write("etc/shadow", "root:$6$x$y:20000:0:99999:7:::\n", 0o640)
        node.write("etc/skel/.bashrc", "# skeleton\n")
        node.write("boot/vmlinuz-6.8.12-4-pve", "")
        node.write("boot/initrd.img-6.8.12-4-pve", "an archive")
        (node.root / "lib/modules/6.8.12-4-pve").mkdir(parents=True)
        node.write("etc/network/interfaces", INTERFACES)
        (node.root / "sys/class/net").mkdir(parents=True)
        (node.root / "dev").mkdir()
        node.state("uname", "6.8.12-4-pve")
        node.state("default-target", "graphical.target")
        return node

    @property
    def folder(self) -> Path:
        return self.root.parent

    @property
    def commands(self) -> Path:
        return self.folder / "bin"

    @property
    def path(self) -> str:
        """PATH, on which nothing else is found."""
        return str(self.commands)

    def system(self, *, live: bool = True, dry_run: bool = False) -> System:
        """The node for steps that run in this process."""
        return System(root=self.root, say=self.said.append, clock=self.clock, live=live, dry_run=dry_run)

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def state(self, name: str, text: str) -> None:
        """What a fake command knows; `trouble-<command>` is its next failure, see `fake_command.py`."""
        (self.folder / name).write_text(text)

    def calls(self, *, but: tuple[str, ...] = ()) -> list[list[str]]:
        """The words of each command that was called, without queries and the commands named in `but`."""
        return [
            call["words"]
            for call in self.all_calls()
            if _changes(call["words"]) and call["words"][0] not in but
        ]

    def all_calls(self) -> list[dict[str, list[str]]]:
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def installed(self) -> list[str]:
        """Names of the packages that the fake dpkg has."""
        file = self.folder / "packages"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def first_boot(self, archive: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the first-boot file on the node as another root."""
        return subprocess.run(
            [sys.executable, "-IB", archive, "--root", self.root, *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": self.path},
            timeout=60,
        )

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """Mode and content of each file, but for the record, whose times differ, and the lock."""
        return {
            str(path.relative_to(self.root)): (path.lstat().st_mode, _content(path))
            for path in sorted(self.root.rglob("*"))
            if not path.name.startswith(("record.", "pmx-first-boot.lock"))
        }


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return path.read_bytes() if path.is_file() else b""


def _changes(words: list[str]) -> bool:
    queries = {
        ("dpkg", "--compare-versions"),
        ("dpkg-query",),
        ("pmx-ring", "wait", "--timeout", "1"),
        ("pveum", "user", "list"),
    }
    return not any(tuple(words[: len(query)]) == query for query in queries)


def system_of(root: Path) -> System:
    """A tree of files as a machine that does not run."""
    return System(root=root, say=lambda _: None)


def node_settings(plan: ClusterPlan = PLAN) -> Settings:
    """What first boot reads on the first node of `plan`."""
    return read_settings(json.dumps(settings_with_digests(plan.nodes[0].first_boot, debs(plan))).encode())


def debs(plan: ClusterPlan = PLAN) -> dict[str, bytes]:
    """The packages of the first node, by file name."""
    packages = (plan.ring_package, plan.nodes[0].package)
    return {package.file_name: deb_bytes(package, release.RELEASE_DATE) for package in packages}
