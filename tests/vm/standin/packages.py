"""The stand-ins for Proxmox's own packages, as far as an installation and first boot meet them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.vm.standin.deb import write_deb
from tests.vm.standin.product import FOLDER, Product

ENTERPRISE = "enterprise.proxmox.com"
DOWNLOAD = "download.proxmox.com"
DEBIAN = "ftp.debian.example"
"""Where the base system looks for Debian's packages: such a host exists in the tests' network only."""

_CERTIFICATE = "usr/local/share/ca-certificates/standin.crt"
_TRUST = f'Acquire::https::{ENTERPRISE}::CaInfo "/{_CERTIFICATE}";\n'
_KEYRINGS = {
    "bookworm": "etc/apt/trusted.gpg.d/proxmox-release-bookworm.gpg",
    "trixie": "usr/share/keyrings/proxmox-archive-keyring.gpg",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The public key that signs the repositories, and the certificate of the enterprise host."""

    archive: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The packages of one day. `revision` counts them, `kernel` is the version of the newest kernel then."""

    product: Product
    revision: int
    kernel: str

    @property
    def version(self) -> str:
        return f"{self.product.release}.{self.revision}"


def write_packages(edition: Edition, keys: Keys, work: Path, target: Path) -> None:
    """Writes pve-manager and proxmox-ve into the folder `target`."""
    codename = edition.product.codename
    manager = work / f"pve-manager-{edition.revision}"
    shutil.copytree(FOLDER / f"trees/pve-manager-{codename}", manager)
    contents = {
        _KEYRINGS[codename]: keys.archive,
        _CERTIFICATE: keys.certificate,
        "etc/apt/apt.conf.d/90standin": _TRUST.encode(),
    }
    for path, content in contents.items():
        (manager / path).parent.mkdir(parents=True, exist_ok=True)
        (manager / path).write_bytes(content)
    write_deb(target, manager, "pve-manager", edition.version)
    depends = f"proxmox-kernel-{edition.kernel}, pve-manager (>= {edition.version}), ifupdown2"
    write_deb(target, work / f"proxmox-ve-{edition.revision}", "proxmox-ve", edition.version, depends=depends)


def write_first_boot_package(work: Path, target: Path) -> None:
    """Writes proxmox-first-boot: three units, one for each ordering."""
    tree = work / "proxmox-first-boot"
    shutil.copytree(FOLDER / "trees/proxmox-first-boot", tree)
    write_deb(target, tree, "proxmox-first-boot", "1.0")
