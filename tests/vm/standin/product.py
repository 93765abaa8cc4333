"""The releases that the stand-in claims to be."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A release of Proxmox VE on Debian's `codename`.

    `installer` is the version whose answer files it accepts, `kernels` the pattern of the kernels' packages,
    of which two are taken, and `frr` whether it comes with FRR.
    """

    codename: str
    release: str
    installer: str
    ceph: str
    kernels: str
    frr: bool

    @property
    def iso_name(self) -> str:
        return f"proxmox-ve_{self.release}-1.iso"


PRODUCTS = {
    "bookworm": Product(
        codename="bookworm",
        release="8.4",
        installer="8.4.6",
        ceph="quincy",
        kernels="^linux-image-6[.]1[.]0-[0-9]+-amd64$",
        frr=False,
    ),
    "trixie": Product(
        codename="trixie",
        release="9.2",
        installer="9.2.4",
        ceph="squid",
        kernels="^linux-image-6[.]12[.].*deb13-amd64$",
        frr=True,
    ),
}
"""By Debian's codename."""
