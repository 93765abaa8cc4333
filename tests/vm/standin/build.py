"""Builds the stand-in for a release, and keeps it in the user's cache by the digest of what it is made of."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.roots.commands import require
from tests.roots.recipe import recipe
from tests.vm.standin.kernel import add_initramfs, kernel_package, unpack_kernel
from tests.vm.standin.medium import make_medium, squash
from tests.vm.standin.mirror import gpg, make_certificate, make_mirror, signing_key
from tests.vm.standin.packages import Edition, Keys, write_first_boot_package, write_packages
from tests.vm.standin.product import FOLDER, PRODUCTS, Product
from tests.vm.standin.stock import make_stock

_UNUSED_SECONDS = 24 * 3600
_OF_STOCK = ("menu", "mkinitramfs", "stock.py", "stock.sh")
_PROGRAMS = (
    *("apt-ftparchive", "cpio", "depmod", "dpkg-deb", "gpg", "grub-mkrescue", "mformat", "mksquashfs"),
    *("mmdebstrap", "openssl", "unshare", "xorriso", "zstd"),
)
_OF_PARTS = (
    "build.py",
    "deb.py",
    "initramfs.sh",
    "kernel.py",
    "modules.txt",
    "mirror.py",
    "packages.py",
    "trees",
)
_OF_ISO = ("medium.py", "medium", "live", "installer")


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """`mirror` has a folder for each host; `certificate` and `key` are the enterprise host's.

    `kernels` are the versions of the one on the ISO and of the newer one in the mirror.
    """

    product: Product
    iso: Path
    mirror: Path
    certificate: Path
    key: Path
    kernels: tuple[str, str]


def stand_in(codename: str) -> StandIn:
    """The stand-in on Debian `codename`, made now if it is not in the cache: that takes two minutes."""
    require(*_PROGRAMS)
    product = PRODUCTS[codename]
    # as old as a root may get, so that tests meet the Debian that users have
    weeks = int(time.time() // (7 * _UNUSED_SECONDS))
    origin = [asdict(product), recipe(codename).sources, weeks]
    stock = _kept("stock", codename, _digest(_OF_STOCK, origin), lambda new: make_stock(product, new))
    parts = _kept(
        "parts", codename, _digest(_OF_PARTS, [stock.name]), lambda new: _make_parts(product, stock, new)
    )
    iso = _kept("iso", codename, _digest(_OF_ISO, [parts.name]), lambda new: _make_iso(product, parts, new))
    old, new = json.loads((parts / "kernels.json").read_text())
    return StandIn(
        product=product,
        iso=iso / product.iso_name,
        mirror=parts / "mirror",
        certificate=parts / "enterprise.crt",
        key=parts / "enterprise.key",
        kernels=(old, new),
    )


def _make_parts(product: Product, stock: Path, target: Path) -> None:
    work = target / "work"
    work.mkdir()
    make_certificate(target)
    old, new = sorted((stock / "kernels").iterdir(), key=_kernel_order)
    kernels = [unpack_kernel(deb, work / deb.name) for deb in (old, new)]
    (target / "kernels.json").write_text(json.dumps(kernels))
    with signing_key() as home:
        keys = Keys(archive=gpg(home, "--export"), certificate=(target / "enterprise.crt").read_bytes())
        for revision, (deb, kernel) in enumerate(zip((old, new), kernels, strict=True)):
            folder = work / "mirror" if revision else target / "packages"
            add_initramfs(stock / "base", work / deb.name, kernel)
            kernel_package(work / deb.name, kernel, folder)
            write_packages(Edition(product=product, revision=revision, kernel=kernel), keys, work, folder)
        write_first_boot_package(work, target / "packages")
        debs = {"proxmox": (work / "mirror").iterdir(), "debian": (stock / "mirror").glob("*.deb")}
        make_mirror(product, target / "mirror", home, **debs)
    shutil.rmtree(work / old.name / "DEBIAN")
    (busybox,) = (stock / "busybox").rglob("bin/busybox")
    shutil.copy(busybox, target)
    (work / old.name).rename(target / "kernel")
    squash(stock / "base", target / "pve-base.squashfs")
    shutil.rmtree(work)


def _make_iso(product: Product, parts: Path, target: Path) -> None:
    work = target / "work"
    work.mkdir()
    make_medium(product, parts, target / product.iso_name, work)
    shutil.rmtree(work)


def _kernel_order(deb: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", deb.name.partition("_")[0])]


def _digest(names: Iterable[str], others: Sequence[object]) -> str:
    digest = hashlib.sha256(json.dumps(others, sort_keys=True).encode())
    for name in names:
        for path in sorted([FOLDER / name, *(FOLDER / name).rglob("*")]):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(FOLDER)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _kept(kind: str, codename: str, digest: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, from the cache if it is there; those that nobody took for a day go."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pmx-cluster-tb/standin"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{kind}-{codename}-{digest}"
    with (cache / f"{kind}-{codename}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            new = folder.with_name(f"{folder.name}.new")
            for old in cache.glob(f"{kind}-{codename}-*"):
                if old == new or time.time() - old.stat().st_mtime > _UNUSED_SECONDS:
                    shutil.rmtree(old)
            new.mkdir()
            make(new)
            new.rename(folder)
        os.utime(folder)
    return folder
