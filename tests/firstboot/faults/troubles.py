"""Troubles that begin before a boot, and end after it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from os import statvfs
from pathlib import Path

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from tests.firstboot.faults.fault import Trouble
from tests.firstboot.proxmox import OLD_KERNEL, kernel, trouble
from tests.roots.commands import run
from tests.roots.root import Root

_HOLD = """import fcntl, time
files = [open(path, "w") for path in {paths!r}]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_EX)
open("/held", "w").close()
time.sleep({seconds})
"""

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


NETWORK_GOES = "ip address flush dev lo"
"""A shell command after which programs are told that nobody can be reached."""

NETWORK_COMES = "ip address replace 127.0.0.1/8 dev lo"

PACKETS_GET_LOST = "ip link set lo down"
"""A shell command after which programs wait for answers in vain."""


@contextmanager
def no_network(root: Root) -> Iterator[None]:
    root.run(NETWORK_GOES.split())
    yield
    root.run(NETWORK_COMES.split())


@contextmanager
def network_back(root: Root) -> Iterator[None]:
    """Ends what an event did to the network."""
    yield
    root.run(["ip", "link", "set", "lo", "up"])
    root.run(NETWORK_COMES.split())


def held(*paths: str, seconds: int = 5) -> Trouble:
    """Another program holds locks."""

    @contextmanager
    def holding(root: Root) -> Iterator[None]:
        root.write("/hold.py", _HOLD.format(paths=paths, seconds=seconds))
        root.run(["sh", "-c", "python3 -IB /hold.py & while ! [ -e /held ]; do sleep 0.05; done"])
        yield
        for path in ("/hold.py", "/held"):
            root.file(path).unlink()

    return holding


def full_folder(folder: str) -> Trouble:
    """A full file system at `folder`."""

    @contextmanager
    def full(root: Root) -> Iterator[None]:
        root.run(["mkdir", "--parents", folder])
        root.run(["mount", "--types=tmpfs", "--options=size=4k,mode=755", "tmpfs", folder])
        root.run(["sh", "-c", f"head -c 8192 /dev/zero >{folder}/full 2>/dev/null; true"])
        yield
        root.run(["umount", folder])

    return full


def full_disk(left_kib: int) -> Trouble:
    """The disk of the whole system has room for only `left_kib` KiB more."""

    @contextmanager
    def full(root: Root) -> Iterator[None]:
        disk = statvfs(f"/proc/{root.pid}/root{root.mount}")
        used_kib = (disk.f_blocks - disk.f_bfree) * disk.f_frsize // 1024
        resize(root, f"{used_kib + left_kib}k")
        yield
        resize(root, "50%")

    return full


def resize(root: Root, size: str) -> None:
    """Changes the size of the file system in memory that takes what is written in `root`."""
    enter = ["nsenter", "--target", str(root.pid), "--mount", "--wd=/"]
    run([*enter, "mount", "--options", f"remount,size={size}", str(root.mount)])


def read_only(folder: str) -> Trouble:
    """A file system at `folder` that takes no writes."""

    @contextmanager
    def mounted(root: Root) -> Iterator[None]:
        root.run(["mount", "--bind", folder, folder])
        root.run(["mount", "--options=remount,bind,ro", folder])
        yield
        # the program that ends it is in /usr itself
        root.run(["umount", "--lazy", folder])

    return mounted


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
def broken_off(root: Root) -> Iterator[None]:
    status = root.file("/var/lib/dpkg/status")
    status.write_text(status.read_text() + _BROKEN_OFF)
    yield


@contextmanager
def stale_locks(root: Root) -> Iterator[None]:
    # the number of a process that runs: the first one
    for database in ("passwd", "shadow", "group", "gshadow"):
        root.write(f"/etc/{database}.lock", "1\0", 0o600)
    yield


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
