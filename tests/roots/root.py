"""One system to throw away: an overlay in memory over a finished root, in namespaces of its own."""

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.roots.commands import Outcome, require, run
from tests.roots.snapshot import Snapshot, snapshot
from tests.roots.store import NAMESPACES, store

# `root` is what systemd-nspawn starts from; `chroot` is the same with /proc and /sys. The finished root is
# named relative to the working folder, because mount(8) gives `,` and `:` meanings of their own.
_MOUNT = """
mount -t overlay -o "lowerdir=$1,upperdir=mount/layer/upper,workdir=mount/layer/work" overlay mount/root
mount --bind mount/root mount/chroot
mount -t proc proc mount/chroot/proc
mount -t sysfs -o ro sysfs mount/chroot/sys
mount -t devpts -o newinstance,ptmxmode=0666 devpts mount/chroot/dev/pts
"""

_MOUNT_DISK = """
mount -o loop mount/disk mount/layer
"""

_HOLD = f"""
set -e
mount -t tmpfs -o mode=0755 tmpfs mount
mkdir mount/layer mount/root mount/chroot
if [ "$2" != 0 ]; then
    truncate --size="$2M" mount/disk
    mkfs.ext4 -q -m 0 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard mount/disk
    {_MOUNT_DISK}
fi
mkdir mount/layer/upper mount/layer/work
{_MOUNT}
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
ip link set lo up
hostname debian
echo held
exec sleep infinity
"""

_MOUNT_AGAIN = f"""
set -e
umount --recursive mount/chroot mount/root mount/layer
deadline=$(($(date +%s) + 30))
while [ -n "$(losetup --noheadings --associated mount/disk)" ]; do
    [ "$(date +%s)" -lt "$deadline" ]
    sleep 0.02
done
{_MOUNT_DISK}
{_MOUNT}
"""

# linux, fs/ext4/ext4.h: nothing reaches the disk any more, neither what waits nor the journal
_EXT4_IOC_SHUTDOWN = 0x8004587D
_EXT4_GOING_FLAGS_NOLOGFLUSH = 2

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
"""The environment of every program in a root: nothing of this machine's."""


@dataclass(frozen=True, slots=True)
class Root:
    """A fresh system of `release`.

    `path` is its tree as this machine sees it, `pid` the holder of its namespaces.
    """

    release: str
    pid: int
    mount: Path
    finished: Path

    @property
    def path(self) -> Path:
        return Path(f"/proc/{self.pid}/root{self.mount}/root")

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        seconds: float = 120,
    ) -> Outcome:
        """Run `argv` as root in a chroot."""
        spaces = ["--mount", "--pid", "--net", "--uts", "--ipc"]
        enter = ["nsenter", "--target", str(self.pid), *spaces, "chroot", f"{self.mount}/chroot"]
        environment = {**ENVIRONMENT, **(env or {})}
        return run([*enter, *argv], shown=argv, check=check, env=environment, stdin=stdin, seconds=seconds)

    def file(self, path: str) -> Path:
        """The file that is `path` in the root. No absolute link may be on the way."""
        return self.path / path.lstrip("/")

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file, with the folders above it."""
        file = self.file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)

    def name_host(self, name: str) -> None:
        """Make `name` the host's name, now and at boot."""
        self.write("/etc/hostname", f"{name}\n")
        self.run(["hostname", name])

    @property
    def layer(self) -> Path:
        """What is written in the root: a folder on its disk, if it has one, else in memory."""
        return Path(f"/proc/{self.pid}/root{self.mount}/layer")

    def stop_disk(self) -> None:
        """From now on nothing reaches the root's disk, which it must have: the power is off."""
        descriptor = os.open(self.layer, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, struct.pack("I", _EXT4_GOING_FLAGS_NOLOGFLUSH))
        finally:
            os.close(descriptor)

    def start_disk(self) -> None:
        """Mounts the root's disk as it is. No program may run in the root."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--pid"]
        folder, name = self.finished.parent, self.finished.name
        run([*enter, "sh", "-c", f'cd "$2" && {_MOUNT_AGAIN.strip()}', "sh", name, str(folder)])

    def tree(self) -> Snapshot:
        """Every file, folder and link, as it is now."""
        return snapshot(self.path)


@contextmanager
def fresh_root(release: str, finished: Path, *, network: bool = False, disk_mib: int = 0) -> Iterator[Root]:
    """A `Root` over the finished root of `release`; the end of it ends all that runs in it.

    With `network`, what runs in the chroot shares this machine's network. With `disk_mib` what is written
    goes to an ext4 file system of that size, which can lose its power.
    """
    require("unshare", "setpriv", "nsenter", "ip", "mkfs.ext4", "losetup")
    spaces = [*NAMESPACES, "--uts", "--ipc", *([] if network else ["--net"])]
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", *spaces]
    holder = subprocess.Popen(
        [*argv, "sh", "-c", _HOLD, "sh", finished.name, str(disk_mib)],
        cwd=finished.parent,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n", "cannot mount an overlay over a finished root"
        yield Root(release, _only_child(holder.pid), store() / "mount", finished)
    finally:
        holder.kill()
        holder.communicate()


def _only_child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def needs_root() -> None:
    """Fail with what to do when the tests do not run as root."""
    assert os.geteuid() == 0, "this test makes namespaces and Debian roots: run `sudo tests/run`"
