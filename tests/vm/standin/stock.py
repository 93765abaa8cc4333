"""What comes from Debian: the base system, two kernels, and what nodes install later."""

import os
import subprocess
from pathlib import Path

from tests.roots.recipe import recipe, transport_options
from tests.roots.store import NAMESPACES
from tests.vm.standin.product import FOLDER, Product

_BASE = (
    "ca-certificates",
    "dbus",
    "dosfstools",
    "e2fsprogs",
    "fdisk",  # sfdisk, for the installer
    "grub-efi-amd64-bin",
    "grub-pc-bin",
    "grub2-common",
    "ifupdown2",
    "init",
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "lvm2",
    "procps",
    "python3",
    "systemd-sysv",
    "thin-provisioning-tools",
    "udev",
    "usr-is-merged",
    "zstd",
)
_FRR = ("frr", "frr-pythontools")
LATER = ("iperf3", "lldpd", "sudo", *_FRR)
"""What nodes install at first boot, from the mirror."""

# an emulated processor takes long to copy what nothing reads
_UNREAD = (
    *(f"/usr/share/{name}/*" for name in ("doc", "info", "locale", "man")),
    "/usr/lib/grub/x86_64-efi/monolithic/*",
    "/lib/udev/hwdb.d/*",
    "/usr/lib/udev/hwdb.d/*",
    "/usr/lib/x86_64-linux-gnu/gconv/*",
)


def make_stock(product: Product, target: Path) -> None:
    """Makes `target/base`, a system without a kernel; packages go to `target/kernels` and `target/mirror`."""
    packages = (*_BASE, *(_FRR if product.frr else ()))
    command = [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join(packages)}",
        *(f"--aptopt={line}" for line in transport_options()),
        *(f"--dpkgopt=path-exclude={path}" for path in _UNREAD),
        f"--customize-hook={FOLDER / 'stock.sh'}",
        product.codename,
        str(target / "base"),
        *recipe(product.codename).sources,
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    settings = {
        "HERE": str(FOLDER),
        "STOCK": str(target),
        "KERNELS": product.kernels,
        "LATER": " ".join(LATER),
    }
    ran = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, *command],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={**kept, **settings},
    )
    if ran.returncode != 0:
        raise RuntimeError(f"mmdebstrap failed:\n{ran.stderr}")
