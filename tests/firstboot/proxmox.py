"""A Debian root as Proxmox VE's installer leaves it, with a signed repository that stands in for Proxmox's.

The repository is served inside the root, by the names of Proxmox's hosts: `download` answers as /srv/trouble
says, `enterprise` by https, and always with 401.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from firstboot.settings import STEPS
from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import hook_bytes
from pmx_cluster_tb.model.cluster import Cluster, PasswordHash, User
from pmx_cluster_tb.plan.cluster_plan import plan_cluster
from pmx_cluster_tb.plan.types import FirstBootSettings, Package
from pmx_cluster_tb.sources import read_first_boot_program, read_sources
from tests.artifacts.packages import file, package
from tests.clusters import HASH, seed_cluster
from tests.nodes import make_node, virtual
from tests.roots.commands import require
from tests.roots.root import Root

FOLDER = "/var/lib/proxmox-first-boot"
HOOK = f"{FOLDER}/proxmox-first-boot"
FLAG = f"{FOLDER}/pending-first-boot-setup"
UNIT = "proxmox-first-boot-multi-user.service"
RUNNING_KERNEL = "/etc/running-kernel"
OLD_KERNEL, NEW_KERNEL = "6.8.12-4-pve", "6.14.0-1-pve"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiOUXUuXJOmDthuELckyOnwHdix3wZnp46s3ceSAZrC me@desk"

ENTERPRISE_ON = "cp -r /srv/sources/. /etc/apt/"
"""Has the sources of apt be again what the installer left."""

# as package proxmox-first-boot has it, but for the mirror
_UNIT = f"""[Unit]
After=systemd-remount-fs.service pveproxy.service mirror.service
ConditionPathExists={FLAG}
ConditionPathIsReadWrite=/var/lib

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={HOOK} fully-up
ExecStartPost=/usr/bin/rm -v {FLAG}

[Install]
WantedBy=multi-user.target
"""

# pveproxy's start begins an update of apt's lists where there never was one, on Proxmox VE 9
_PVEPROXY_UNIT = """[Unit]
After=network.target networking.service

[Service]
Type=notify
ExecStart=/usr/bin/python3 -IB /srv/pveupdate.py

[Install]
WantedBy=multi-user.target
"""

_PVEUPDATE = """import fcntl, json, os, pathlib, socket, time
told = json.loads(pathlib.Path("/srv/locks").read_text())
files = [open(path, "w") for path in told["paths"]]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_EX)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
end = time.monotonic() + (told["seconds"] if files else 0)
while time.monotonic() < end and not os.path.exists("/srv/unlock"):
    time.sleep(0.05)
if told["once"]:
    pathlib.Path("/srv/locks").write_text(json.dumps({**told, "paths": []}))
"""

_CONSOLE = """[Journal]
ForwardToConsole=yes
MaxLevelConsole=debug
RateLimitIntervalSec=0
"""

_MIRROR = """import http.server, json, os, pathlib, socket, ssl, threading, time
socket.getfqdn = str  # no name server to ask and wait for
os.chdir("/srv/mirror")
class Handler(http.server.SimpleHTTPRequestHandler):
    how = None
    def send_head(self):
        self.how = None
        trouble = json.loads(pathlib.Path("/srv/trouble").read_text())
        for part, how in trouble.items():
            if part in self.path:
                if isinstance(how, int):
                    self.send_error(how)
                    return None
                self.how = how
        return super().send_head()
    def copyfile(self, source, target):
        if self.how == "stall":
            time.sleep(600)
        content = source.read()
        if self.how == "cut":
            content = content[:len(content) // 2]
            self.close_connection = True
        target.write(content)
class Enterprise(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()
enterprise = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Enterprise)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/enterprise.crt", "/srv/enterprise.key")
enterprise.socket = context.wrap_socket(enterprise.socket, server_side=True)
threading.Thread(target=enterprise.serve_forever, daemon=True).start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 80), Handler)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
server.serve_forever()
"""

_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=tests "
    "-addext subjectAltName=DNS:enterprise.proxmox.com -keyout /srv/enterprise.key -out /srv/enterprise.crt"
)
_TRUST = 'Acquire::https::enterprise.proxmox.com::CaInfo "/srv/enterprise.crt";\n'

_MIRROR_UNIT = """[Service]
Type=notify
ExecStart=/usr/bin/python3 /srv/mirror.py

[Install]
WantedBy=multi-user.target
"""

_INTERFACES = """auto lo
iface lo inet loopback

auto vmbr0
iface vmbr0 inet static
	address 192.168.178.11/24
	bridge-ports none
	bridge-stp off
	bridge-fd 0

iface thunderbolt0 inet manual

source /etc/network/interfaces.d/*
"""

_SOURCES = {
    "bookworm": {
        "sources.list": "# nothing of Debian's: there is no network here\n",
        "sources.list.d/pve-enterprise.list": "deb "
        "https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n",
        "sources.list.d/ceph.list": "deb "
        "https://enterprise.proxmox.com/debian/ceph-quincy bookworm enterprise\n",
    },
    "trixie": {
        "sources.list.d/pve-enterprise.sources": "Types: deb\n"
        "URIs: https://enterprise.proxmox.com/debian/pve\nSuites: trixie\nComponents: pve-enterprise\n"
        "Signed-By: /usr/share/keyrings/proxmox-archive-keyring.gpg\n",
        "sources.list.d/ceph.sources": "Types: deb\n"
        "URIs: https://enterprise.proxmox.com/debian/ceph-squid\nSuites: trixie\nComponents: enterprise\n"
        "Signed-By: /usr/share/keyrings/proxmox-archive-keyring.gpg\n",
    },
}
_CEPH = {"bookworm": "ceph-quincy", "trixie": "ceph-squid"}
_KEYRINGS = {
    "bookworm": "/etc/apt/trusted.gpg.d/proxmox-release-bookworm.gpg",
    "trixie": "/usr/share/keyrings/proxmox-archive-keyring.gpg",
}

# a kernel cannot be changed here
_UNAME = f"#!/bin/sh\nexec cat {RUNNING_KERNEL}\n"


def kernel(version: str) -> Package:
    """A stand-in for a package of Proxmox's kernel."""
    # without an initramfs: first boot makes it, and initramfs-tools asks how the kernel can be compressed
    compression = file(f"/boot/config-{version}", b"CONFIG_RD_GZIP=y\nCONFIG_RD_ZSTD=y\n")
    files = (file(f"/boot/vmlinuz-{version}"), compression, file(f"/lib/modules/{version}/modules.order"))
    return package(name=f"proxmox-kernel-{version}", version="1", files=files)


def proxmox_ve(version: str, kernel: str) -> Package:
    """A stand-in for the package that depends on the newest kernel."""
    made = package(name="proxmox-ve", version=version)
    return replace(made, fields=(*made.fields[:-1], ("Depends", f"proxmox-kernel-{kernel}"), made.fields[-1]))


def example_cluster() -> Cluster:
    """The seed cluster with virtual cables, a user and an extra package."""
    seed = seed_cluster()
    user = User(name="pieter", full_name="Pieter", password_hash=PasswordHash(HASH), ssh_keys=(KEY,))
    return replace(
        virtual(seed),
        access=replace(seed.access, user=user),
        extras=replace(seed.extras, packages=("iperf3",)),
    )


def make_proxmox(
    root: Root, cluster: Cluster, *, retry: dict[str, int] | None = None, step_s: int | None = None
) -> None:
    """Makes `root` the first node of `cluster`, installed and not yet started.

    `retry` takes the place of the same in its settings, and each step may take `step_s`.
    """
    make_node(root)
    root.write("/etc/network/interfaces", _INTERFACES)
    root.write("/etc/hosts", "127.0.0.1 localhost download.proxmox.com enterprise.proxmox.com\n")
    shutil.rmtree(root.file("/etc/apt/sources.list.d"))
    root.file("/etc/apt/sources.list").unlink(missing_ok=True)
    for path, text in _SOURCES[root.release].items():
        root.write(f"/etc/apt/{path}", text)
        root.write(f"/srv/sources/{path}", text)
    _install_old(root)
    _make_mirror(root)
    _carry_hook(root, cluster, retry, step_s)
    root.write("/usr/local/bin/uname", _UNAME, 0o755)
    root.write(RUNNING_KERNEL, f"{OLD_KERNEL}\n")
    root.write("/etc/machine-id", "0" * 31 + "1\n")
    root.write("/etc/systemd/journald.conf.d/console.conf", _CONSOLE)
    root.write("/etc/systemd/system.conf.d/console.conf", "[Manager]\nShowStatus=no\n")
    # its start throws away what the console has not yet told
    root.run(["systemctl", "mask", "--quiet", "console-getty.service"])
    root.write("/srv/pveupdate.py", _PVEUPDATE)
    hold(root, ["/var/lib/apt/lists/lock"] if root.release == "trixie" else [], 0.5, once=True)
    for name, text in ((UNIT, _UNIT), ("pveproxy.service", _PVEPROXY_UNIT), ("mirror.service", _MIRROR_UNIT)):
        root.write(f"/etc/systemd/system/{name}", text)
        root.run(["systemctl", "enable", "--quiet", name])


def trouble(root: Root, answers: Mapping[str, int | str]) -> None:
    """Has the mirror answer with a status to whatever path contains a text.

    Instead of a status, `cut` ends the connection in the middle of the file, `stall` sends nothing more.
    """
    root.write("/srv/trouble", json.dumps(answers))


def hold(root: Root, paths: Sequence[str], seconds: float, *, once: bool = False) -> None:
    """Has pveproxy's start hold locks, each time or once."""
    root.write("/srv/locks", json.dumps({"paths": list(paths), "seconds": seconds, "once": once}))


def _install_old(root: Root) -> None:
    old = (kernel(OLD_KERNEL), proxmox_ve("8.0", OLD_KERNEL))
    for one in old:
        root.write(f"/srv/{one.file_name}", deb_bytes(one, release.RELEASE_DATE))
    root.run(["dpkg", "--install", *(f"/srv/{one.file_name}" for one in old)])


def _make_mirror(root: Root) -> None:
    for path, content in _mirror(root.release).items():
        root.write(path, content)
    trouble(root, {})
    root.run(_CERTIFICATE.split())
    root.write("/etc/apt/apt.conf.d/90tests", _TRUST)
    root.write("/srv/mirror.py", _MIRROR)


@cache
def _mirror(suite: str) -> dict[str, bytes]:
    """The files of the repositories for a release and their key, by path in a root."""
    require("apt-ftparchive", "gpg")
    newer = (kernel(NEW_KERNEL), proxmox_ve("8.1", NEW_KERNEL))
    others = (package(name="sudo", version="1.9"), package(name="iperf3", version="3.12"))
    with _signing_key() as home:
        mirror = home / "mirror"
        _publish(mirror / "pve", home, suite, "pve-no-subscription", (*newer, *others))
        _publish(mirror / _CEPH[suite], home, suite, "no-subscription", ())
        files = {
            f"/srv/mirror/debian/{path.relative_to(mirror)}": path.read_bytes()
            for path in mirror.rglob("*")
            if path.is_file()
        }
        return {**files, _KEYRINGS[suite]: _gpg(home, "--export")}


def _publish(top: Path, home: Path, suite: str, component: str, packages: Sequence[Package]) -> None:
    lists = top / "dists" / suite / component / "binary-amd64"
    for folder in (lists, top / "pool"):
        folder.mkdir(parents=True)
    for one in packages:
        (top / "pool" / one.file_name).write_bytes(deb_bytes(one, release.RELEASE_DATE))
    (lists / "Packages").write_bytes(_said_by(["apt-ftparchive", "packages", "pool"], top))
    fields = {"Origin": "Proxmox", "Suite": suite, "Codename": suite, "Components": component}
    fields["Architectures"] = "amd64"
    options = [f"--option=APT::FTPArchive::Release::{key}={value}" for key, value in fields.items()]
    text = _said_by(["apt-ftparchive", *options, "release", f"dists/{suite}"], top)
    (top / "dists" / suite / "InRelease").write_bytes(_gpg(home, "--clearsign", given=text))


@contextmanager
def _signing_key() -> Iterator[Path]:
    # the path of the agent's socket must be short
    with tempfile.TemporaryDirectory(prefix="gpg") as folder:
        home = Path(folder)
        _gpg(
            home,
            "--passphrase",
            "",
            "--quick-generate-key",
            "tests <tests@example.org>",
            "ed25519",
            "sign",
            "0",
        )
        try:
            yield home
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


def _gpg(home: Path, *words: str, given: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", *words]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def _said_by(command: list[str], folder: Path) -> bytes:
    result = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


def _carry_hook(root: Root, cluster: Cluster, retry: dict[str, int] | None, step_s: int | None) -> None:
    plan = plan_cluster(cluster, read_sources())
    debs = {
        one.file_name: deb_bytes(one, release.RELEASE_DATE)
        for one in (plan.ring_package, plan.nodes[0].package)
    }
    table = dict(plan.nodes[0].first_boot.table)
    if retry is not None:
        table["retry"] = retry
    if step_s is not None:
        table["deadlines_s"] = {**dict.fromkeys(STEPS, step_s), "wait-online": 3}
    hook = hook_bytes(read_first_boot_program(), FirstBootSettings(table), debs, release.RELEASE_DATE)
    root.write(HOOK, hook, 0o700)
    root.write(FLAG, "")
