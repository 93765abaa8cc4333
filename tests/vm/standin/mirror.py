"""The repositories that nodes find in the tests' network: Proxmox's without subscription, and Debian's."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.vm.standin.packages import DEBIAN, DOWNLOAD, ENTERPRISE
from tests.vm.standin.product import Product


def make_mirror(
    product: Product, target: Path, home: Path, *, proxmox: Iterable[Path], debian: Iterable[Path]
) -> None:
    """Makes a folder for each host below `target`, signed with the key in `home`."""
    pve = target / DOWNLOAD / "debian"
    _publish(pve / "pve", home, product.codename, "pve-no-subscription", proxmox)
    _publish(pve / f"ceph-{product.ceph}", home, product.codename, "no-subscription", ())
    _publish(target / DEBIAN / "debian", home, product.codename, "main", debian)


def _publish(top: Path, home: Path, suite: str, component: str, debs: Iterable[Path]) -> None:
    lists = top / "dists" / suite / component / "binary-amd64"
    for folder in (lists, top / "pool"):
        folder.mkdir(parents=True)
    for deb in debs:
        shutil.copy(deb, top / "pool")
    (lists / "Packages").write_bytes(_said_by(top, "apt-ftparchive", "packages", "pool"))
    fields = {
        "Origin": "Proxmox",
        "Suite": suite,
        "Codename": suite,
        "Components": component,
        "Architectures": "amd64",
    }
    options = [f"--option=APT::FTPArchive::Release::{key}={value}" for key, value in fields.items()]
    release = top / "dists" / suite / "Release"
    release.write_bytes(_said_by(top, "apt-ftparchive", *options, "release", f"dists/{suite}"))
    gpg(home, "--clearsign", "--output", str(release.with_name("InRelease")), str(release))


def make_certificate(folder: Path) -> None:
    """Makes `enterprise.key` and `enterprise.crt` for the enterprise host."""
    subject = ("-subj", "/CN=stand-in", "-addext", f"subjectAltName=DNS:{ENTERPRISE}")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650")
    files = ("-keyout", str(folder / "enterprise.key"), "-out", str(folder / "enterprise.crt"))
    subprocess.run(["openssl", "req", "-x509", *key, *subject, *files], check=True, capture_output=True)


@contextmanager
def signing_key() -> Iterator[Path]:
    """A key's home; the path of the agent's socket in it must be short."""
    with tempfile.TemporaryDirectory(prefix="gpg") as folder:
        home = Path(folder)
        gpg(
            home,
            "--passphrase",
            "",
            "--quick-generate-key",
            "stand-in <tests@example.org>",
            "ed25519",
            "sign",
            "0",
        )
        try:
            yield home
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


def gpg(home: Path, *words: str) -> bytes:
    """What gpg prints with the key in `home`."""
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", *words]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _said_by(folder: Path, *command: str) -> bytes:
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE).stdout
