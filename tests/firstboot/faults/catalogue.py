"""The faults: each makes trouble for one boot, which may end in any way, and takes it away again."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from tests.firstboot.proxmox import OLD_KERNEL, kernel, trouble
from tests.roots.root import Root

Trouble = Callable[[Root], AbstractContextManager[None]]

_HOLD = """import fcntl, time
files = [open(path, "w") for path in {paths!r}]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_EX)
open("/held", "w").close()
time.sleep({seconds})
"""


_RUN_S = 6.0
"""About how long an undisturbed run lasts."""


_BROKEN_OFF = """Package: pmx-pvc1-pve1
Status: install reinstreq half-installed
Priority: optional
Section: net
Architecture: all

"""


@dataclass(frozen=True)
class Fault:
    """A trouble during one boot; `cut_s` is when the power is cut as well, `said` what the boot must say."""

    name: str
    trouble: Trouble
    cut_s: float | None = None
    said: str = ""
    finishes: bool = False
    """Whether the boot overcomes it by itself."""


def catalogue() -> list[Fault]:
    """Those that have a name."""
    return [
        *(
            Fault(f"{status} for lists", _answer("InRelease", status), said="upgrade: failed")
            for status in (401, 404, 500)
        ),
        Fault("404 for a package", _answer("iperf3", 404), said="not finished, because of extras"),
        Fault("500 for a package", _answer("/pool/sudo", 500), said="user: failed"),
        Fault("truncated lists", _truncated("dists"), said="upgrade: failed"),
        Fault("truncated package", _truncated("pool"), said="upgrade: failed"),
        Fault("no network", _no_network, said="wait-online: failed"),
        Fault(
            "dpkg's lock held",
            _held("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"),
            finishes=True,
            said="waiting for `python3 /hold.py`",
        ),
        Fault(
            "lists/lock held",
            _held("/var/lib/apt/lists/lock"),
            finishes=True,
            said="waiting for `python3 /hold.py`",
        ),
        Fault("full /var/cache/apt", _full("/var/cache/apt"), said="upgrade: failed"),
        Fault("full /var/lib/pmx-ring", _full("/var/lib/pmx-ring"), said="No space left"),
        Fault("full /run", _full("/run"), said="No space left"),
        Fault("read-only /etc", _read_only("/etc"), said="cannot write"),
        Fault("read-only /home", _read_only("/home"), said="user: failed"),
        Fault("dpkg was interrupted", _unpacked_only, finishes=True, said="running `dpkg --force-confdef"),
        Fault("a package is half installed", _missing_dependency, finishes=True, said="--fix-broken install"),
        Fault(
            "dpkg was killed while it unpacked our package",
            _broken_off,
            finishes=True,
            said="running `dpkg --unpack",
        ),
        Fault("stale locks of useradd", _stale_locks, finishes=True, said="removing /etc/passwd.lock"),
        Fault("another host name", _renamed, said="node-package: failed"),
        Fault("torn record", _torn_record, finishes=True),
    ]


def all_faults(count: int, seed: int = 0) -> list[Fault]:
    """Those that have a name, and as many power cuts at random moments as make `count`."""
    named = catalogue()
    return [*named, *_power_cuts(count - len(named), Random(seed))]  # noqa: S311 - no secret


def _power_cuts(count: int, random: Random) -> Iterator[Fault]:
    for _ in range(count):
        moment = random.uniform(0.1, _RUN_S)
        yield Fault(f"power cut after {moment:.2f} s", _nothing, cut_s=moment)


@contextmanager
def _nothing(_root: Root) -> Iterator[None]:
    yield


def _answer(part: str, status: int) -> Trouble:
    @contextmanager
    def answer(root: Root) -> Iterator[None]:
        trouble(root, {part: status})
        yield
        trouble(root, {})

    return answer


def _truncated(part: str) -> Trouble:
    @contextmanager
    def truncated(root: Root) -> Iterator[None]:
        files = [
            path for path in root.file("/srv/mirror").rglob("*") if path.is_file() and part in path.parts
        ]
        contents = {file: file.read_bytes() for file in files}
        for file, content in contents.items():
            file.write_bytes(content[: len(content) // 2])
        yield
        for file, content in contents.items():
            file.write_bytes(content)

    return truncated


@contextmanager
def _no_network(root: Root) -> Iterator[None]:
    root.run(["ip", "link", "set", "lo", "down"])
    yield
    root.run(["ip", "link", "set", "lo", "up"])


def _held(*paths: str) -> Trouble:
    @contextmanager
    def held(root: Root) -> Iterator[None]:
        root.write("/hold.py", _HOLD.format(paths=paths, seconds=5))
        root.run(["sh", "-c", "python3 /hold.py & while ! [ -e /held ]; do sleep 0.05; done"])
        yield
        for path in ("/hold.py", "/held"):
            root.file(path).unlink()

    return held


def _full(folder: str) -> Trouble:
    @contextmanager
    def full(root: Root) -> Iterator[None]:
        root.run(["mkdir", "--parents", folder])
        root.run(["mount", "--types=tmpfs", "--options=size=4k,mode=755", "tmpfs", folder])
        root.run(["sh", "-c", f"head -c 8192 /dev/zero >{folder}/full 2>/dev/null; true"])
        yield
        root.run(["umount", folder])

    return full


def _read_only(folder: str) -> Trouble:
    @contextmanager
    def read_only(root: Root) -> Iterator[None]:
        root.run(["mount", "--bind", folder, folder])
        root.run(["mount", "--options=remount,bind,ro", folder])
        yield
        root.run(["umount", folder])

    return read_only


@contextmanager
def _unpacked_only(root: Root) -> Iterator[None]:
    one = kernel(OLD_KERNEL)
    root.write("/srv/again.deb", deb_bytes(one, release.RELEASE_DATE))
    root.run(["dpkg", "--unpack", "/srv/again.deb"])
    root.write("/var/lib/dpkg/updates/0000", "")
    yield
    root.file("/srv/again.deb").unlink()


@contextmanager
def _missing_dependency(root: Root) -> Iterator[None]:
    root.run(["dpkg", "--unpack", "/srv/mirror/debian/pve/pool/proxmox-ve_8.1_all.deb"])
    yield


@contextmanager
def _broken_off(root: Root) -> Iterator[None]:
    status = root.file("/var/lib/dpkg/status")
    status.write_text(status.read_text() + _BROKEN_OFF)
    yield


@contextmanager
def _stale_locks(root: Root) -> Iterator[None]:
    # the number of a process that runs: the first one
    for database in ("passwd", "shadow", "group", "gshadow"):
        root.write(f"/etc/{database}.lock", "1\0", 0o600)
    yield


@contextmanager
def _renamed(root: Root) -> Iterator[None]:
    root.name_host("elsewhere")
    yield
    root.name_host("pve1")


@contextmanager
def _torn_record(root: Root) -> Iterator[None]:
    root.write("/var/lib/pmx-ring/first-boot/record.jsonl", '{"event": "sta')
    yield
