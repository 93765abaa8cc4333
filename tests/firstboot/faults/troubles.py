"""Troubles that begin before a boot, and end after it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from tests.firstboot.faults.fault import Trouble
from tests.firstboot.proxmox import NEW_KERNEL, OLD_KERNEL, UNIT, hold, kernel, trouble
from tests.roots.root import Root

_BROKEN_OFF = """Package: pmx-pvc1-pve1
Status: install reinstreq half-installed
Priority: optional
Section: net
Architecture: all

"""


def answer(part: str, how: int | str) -> Trouble:
    """The mirror answers so to whatever path contains `part`."""

    @contextmanager
    def answered(root: Root) -> Iterator[None]:
        trouble(root, {part: how})
        yield
        trouble(root, {})

    return answered


def truncated_mirror(part: str) -> Trouble:
    """The mirror has only the first half of each file below a folder of that name."""

    @contextmanager
    def truncated(root: Root) -> Iterator[None]:
        files = [
            path for path in root.file("/srv/mirror").rglob("*") if path.is_file() and part in path.parts
        ]
        contents = {file: file.read_bytes() for file in files}
        for file in files:
            _halve(file)
        yield
        for file, content in contents.items():
            file.write_bytes(content)

    return truncated


@contextmanager
def truncated_caches(root: Root) -> Iterator[None]:
    """apt's caches hold files that a power cut left half written."""
    for package in root.file("/srv/mirror/debian/pve/pool").iterdir():
        root.write(f"/var/cache/apt/archives/{package.name}", package.read_bytes())
        _halve(root.file(f"/var/cache/apt/archives/{package.name}"))
    for name in ("pkgcache.bin", "srcpkgcache.bin"):
        root.write(f"/var/cache/apt/{name}", b"\0" * 4096)
    yield


def empty_lists(whole_release: bool) -> Trouble:
    """A power cut left apt's list of packages empty, and of the repository's InRelease `whole_release`."""

    @contextmanager
    def empty(root: Root) -> Iterator[None]:
        source = root.file(f"/srv/mirror/debian/pve/dists/{root.release}/InRelease")
        lists = f"/var/lib/apt/lists/download.proxmox.com_debian_pve_dists_{root.release}"
        root.write(f"{lists}_InRelease", source.read_bytes() if whole_release else "")
        # so that the repository says that nothing has changed
        shutil.copystat(source, root.file(f"{lists}_InRelease"))
        root.write(f"{lists}_pve-no-subscription_binary-amd64_Packages", "")
        yield

    return empty


def _halve(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


_BEFORE = "ExecStartPre=/bin/sh -ec 'if [ -e /srv/before ]; then . /srv/before; rm /srv/before; fi'"


def before(command: str) -> Trouble:
    """In the next boot runs a shell command right before first boot."""

    @contextmanager
    def prepared(root: Root) -> Iterator[None]:
        root.write("/srv/before", f"{command}\n")
        with with_settings(_BEFORE)(root):
            yield

    return prepared


def with_settings(*lines: str) -> Trouble:
    """More lines in the section Service of first boot's unit."""

    @contextmanager
    def changed(root: Root) -> Iterator[None]:
        folder = f"/etc/systemd/system/{UNIT}.d"
        root.write(f"{folder}/trouble.conf", "\n".join(["[Service]", *lines, ""]))
        yield
        shutil.rmtree(root.file(folder))

    return changed


_FAKE_CLOCK = "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1"


def with_time(time: str) -> Trouble:
    """First boot and what it starts are told another time, as libfaketime understands it."""
    return with_settings(f'Environment="{_FAKE_CLOCK}" "FAKETIME={time}"')


CLOCK_IS_SET = "echo +0 >/srv/clock"
"""A shell command after which `late_clock` tells the right time."""


@contextmanager
def late_clock(root: Root) -> Iterator[None]:
    """First boot itself, but no program that it starts, is told a time in 1970 until the clock is set."""
    root.write("/srv/clock", "@1970-01-01 00:01:00\n")
    # apt's methods hang when the library reads files in them
    words = ("FAKETIME_TIMESTAMP_FILE=/srv/clock", "FAKETIME_NO_CACHE=1", "FAKETIME_ONLY_CMDS=python3")
    with with_settings(f'Environment="{_FAKE_CLOCK}" {" ".join(words)}')(root):
        yield


NETWORK_GOES = "ip address delete 127.0.0.1/8 dev lo"
"""A shell command after which programs are told that nobody can be reached."""

NETWORK_COMES = "ip address replace 127.0.0.1/8 dev lo"

PACKETS_GET_LOST = "ip link set lo down"
"""A shell command after which programs wait for answers in vain."""

NO_NETWORK = before(NETWORK_GOES)

_FOR_GOOD_SECONDS = 600


UNLOCK = "touch /srv/unlock"
"""A shell command after which nobody holds locks any more."""


def held(*paths: str) -> Trouble:
    """Another program holds locks, until it is told to end."""

    @contextmanager
    def holding(root: Root) -> Iterator[None]:
        hold(root, paths, _FOR_GOOD_SECONDS, once=True)
        yield
        hold(root, [], 0)

    return holding


def full_folder(folder: str) -> Trouble:
    """A full file system at `folder`."""
    mount = f"mkdir -p {folder}; mount -t tmpfs -o size=4k,mode=755 tmpfs {folder}"
    return before(f"{mount}; head -c 8192 /dev/zero >{folder}/full 2>/dev/null || true")


FULL_RUN = with_settings("TemporaryFileSystem=/run:size=4k,mode=0755", "BindPaths=/run/systemd /run/dbus")


def full_disk(left_kib: int) -> Trouble:
    """The disk of the whole system has room for only `left_kib` KiB more."""

    @contextmanager
    def full(root: Root) -> Iterator[None]:
        file = root.layer / "fill"
        with file.open("wb", buffering=0) as fill, suppress(OSError):
            # what a file is made of takes some of it too
            os.posix_fallocate(fill.fileno(), 0, (_free_kib(file) - left_kib - 256) * 1024)
            while (free := _free_kib(file) - left_kib) > 0:
                fill.seek(0, os.SEEK_END)
                fill.write(bytes(min(free, 16) * 1024))
                os.fsync(fill.fileno())
        yield
        file.unlink()

    return full


def _free_kib(file: Path) -> int:
    disk = os.statvfs(file)
    return disk.f_bavail * disk.f_frsize // 1024


def read_only(folder: str) -> Trouble:
    """A file system at `folder` that takes no writes."""
    return before(f"mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}")


@contextmanager
def unpacked_only(root: Root) -> Iterator[None]:
    root.write("/srv/again.deb", deb_bytes(kernel(OLD_KERNEL), release.RELEASE_DATE))
    root.run(["dpkg", "--unpack", "/srv/again.deb"])
    root.write("/var/lib/dpkg/updates/0000", "")
    yield
    root.file("/srv/again.deb").unlink()


@contextmanager
def missing_dependency(root: Root) -> Iterator[None]:
    root.run(["dpkg", "--unpack", "/srv/mirror/debian/pve/pool/proxmox-ve_8.1_all.deb"])
    yield


@contextmanager
def to_be_reinstalled(root: Root) -> Iterator[None]:
    """dpkg was killed after it had unpacked all files, and before it took its mark from the package."""
    root.run(["dpkg", "--unpack", f"/srv/mirror/debian/pve/pool/proxmox-kernel-{NEW_KERNEL}_1_all.deb"])
    status = root.file("/var/lib/dpkg/status")
    before, name, after = status.read_text().partition(f"Package: proxmox-kernel-{NEW_KERNEL}\n")
    assert name
    status.write_text(before + name + after.replace("install ok unpacked", "install reinstreq unpacked", 1))
    yield


@contextmanager
def broken_off(root: Root) -> Iterator[None]:
    status = root.file("/var/lib/dpkg/status")
    status.write_text(status.read_text() + _BROKEN_OFF)
    yield


# since the boot: systemd-tmpfiles removes older ones. Their number is that of a process that runs, the first
STALE_LOCKS = before(
    "umask 077; for file in passwd shadow group gshadow; do printf '1\\0' >/etc/$file.lock; done"
)


@contextmanager
def renamed(root: Root) -> Iterator[None]:
    root.name_host("elsewhere")
    yield
    root.name_host("pve1")


def written(path: str, content: str) -> Trouble:
    """A file that an earlier boot left so."""

    @contextmanager
    def left(root: Root) -> Iterator[None]:
        root.write(path, content)
        yield

    return left
