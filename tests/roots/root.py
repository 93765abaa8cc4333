"""One system to throw away: an overlay in memory over a finished root, in namespaces of its own."""

import os
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
_HOLD = """
set -e
mount -t tmpfs -o mode=0755 tmpfs mount
mkdir mount/upper mount/work mount/root mount/chroot
mount -t overlay -o "lowerdir=$1,upperdir=mount/upper,workdir=mount/work" overlay mount/root
mount --bind mount/root mount/chroot
mount -t proc proc mount/chroot/proc
mount -t sysfs -o ro sysfs mount/chroot/sys
mount -t devpts -o newinstance,ptmxmode=0666 devpts mount/chroot/dev/pts
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
ip link set lo up
hostname debian
echo held
exec sleep infinity
"""

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

    def tree(self) -> Snapshot:
        """Every file, folder and link, as it is now."""
        return snapshot(self.path)


@contextmanager
def fresh_root(release: str, finished: Path, *, network: bool = False) -> Iterator[Root]:
    """A `Root` over the finished root of `release`; the end of it ends all that runs in it.

    With `network`, what runs in the chroot shares this machine's network.
    """
    require("unshare", "setpriv", "nsenter", "ip")
    spaces = [*NAMESPACES, "--uts", "--ipc", *([] if network else ["--net"])]
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", *spaces]
    holder = subprocess.Popen(
        [*argv, "sh", "-c", _HOLD, "sh", finished.name], cwd=finished.parent, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n", "cannot mount an overlay over a finished root"
        yield Root(release, _only_child(holder.pid), store() / "mount")
    finally:
        holder.kill()
        holder.communicate()


def _only_child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def needs_root() -> None:
    """Fail with what to do when the tests do not run as root."""
    assert os.geteuid() == 0, "this test makes namespaces and Debian roots: run `sudo tests/run`"
