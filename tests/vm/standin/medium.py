"""The installation medium itself: what `make_medium` writes is laid out as Proxmox's ISO is."""

import shutil
import subprocess
from pathlib import Path

from tests.vm.standin.kernel import copy_modules
from tests.vm.standin.product import FOLDER, Product

_INFO = """\
ISONAME='proxmox-ve'
PRODUCT='pve'
PRODUCTLONG='Proxmox VE'
RELEASE='{release}'
ISORELEASE='1'
"""
_MOUNT_POINTS = (".base", ".installer", ".installer-mp", ".workdir")


def make_medium(product: Product, parts: Path, target: Path, work: Path) -> None:
    """Writes the ISO `target`.

    `parts` has the base system as pve-base.squashfs, an unpacked kernel, and packages for the target.
    """
    base, kernel = parts / "pve-base.squashfs", parts / "kernel"
    tree = work / "tree"
    version = next((kernel / "boot").glob("vmlinuz-*")).name.removeprefix("vmlinuz-")
    for name in (*_MOUNT_POINTS, ".disk", "boot/grub", "proxmox"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    info = _INFO.format(release=product.release)
    (tree / ".disk/info").write_text(info)
    (tree / ".cd-info").write_text(info)
    identity = f"{product.codename}-{product.release}-{base.stat().st_mtime_ns}\n"
    (tree / ".pve-cd-id.txt").write_text(identity)
    (tree / "auto-installer-capable").touch()
    shutil.copy(FOLDER / "medium/grub.cfg", tree / "boot/grub")
    shutil.copy(kernel / f"boot/vmlinuz-{version}", tree / "boot/linux26")
    _make_initrd(parts, tree, version, work)
    shutil.copy(base, tree / "pve-base.squashfs")
    _make_installer(product, parts, tree / "pve-installer.squashfs", work)
    shutil.copytree(parts / "packages", tree / "proxmox/packages")
    (tree / "proxmox/pve-base.cnt").write_text(f"{_count(base)}\n")
    _make_iso(tree, target, work)


def squash(folder: Path, target: Path) -> None:
    """Writes `folder` as a squashfs that is read quickly."""
    options = [
        "-comp",
        "zstd",
        "-Xcompression-level",
        "3",
        "-no-xattrs",
        "-noappend",
        "-quiet",
        "-no-progress",
    ]
    subprocess.run(["mksquashfs", str(folder), str(target), *options], check=True, stdout=subprocess.DEVNULL)


def _make_initrd(parts: Path, tree: Path, version: str, work: Path) -> None:
    root = work / "initrd"
    for name in ("bin", "proc", "sys", "dev", "mnt", "etc", "tmp", "sbin", "usr/bin", "usr/sbin"):
        (root / name).mkdir(parents=True)
    for name in (".cd-info", ".pve-cd-id.txt"):
        shutil.copy(tree / name, root)
    shutil.copy(FOLDER / "medium/init", root / "init")
    (root / "init").chmod(0o755)
    shutil.copy(FOLDER / "medium/modules", root)
    copy_modules(
        parts / "kernel/lib/modules" / version, root, version, (FOLDER / "medium/modules").read_text().split()
    )
    busybox = parts / "busybox"
    shutil.copy(busybox, root / "bin")
    said = subprocess.run([busybox, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    for name in said.split():
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")
    names = "\n".join(sorted(str(path.relative_to(root)) for path in root.rglob("*")))
    archive = subprocess.run(
        ["cpio", "--quiet", "--create", "--format=newc", "--owner=0:0"],
        cwd=root,
        input=names.encode(),
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    packed = subprocess.run(["zstd", "-q", "-5"], input=archive, check=True, stdout=subprocess.PIPE).stdout
    (tree / "boot/initrd.img").write_bytes(packed)


def _make_installer(product: Product, parts: Path, target: Path, work: Path) -> None:
    root = work / "installer"
    shutil.copytree(parts / "kernel/lib/modules", root / "usr/lib/modules")
    (root / "usr/sbin").mkdir(parents=True)
    for folder in ("cdrom", "target", "mnt/answer", "etc/systemd/network"):
        (root / folder).mkdir(parents=True)
    shutil.copy(FOLDER / "live/unconfigured.sh", root / "usr/sbin")
    (root / "usr/sbin/unconfigured.sh").chmod(0o755)
    (root / "usr/bin").mkdir()
    shutil.copy(parts / "busybox", root / "usr/bin")
    library = root / "usr/lib/standin"
    shutil.copytree(
        FOLDER / "installer", library / "installer", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    (library / "version").write_text(f"{product.installer}\n")
    squash(root, target)


def _make_iso(tree: Path, target: Path, work: Path) -> None:
    partial = work / target.name
    options = ["--", "-volid", "PVE", "-joliet", "off"]
    command = ["grub-mkrescue", "--quiet", f"--output={partial}", str(tree), *options]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    if said.returncode != 0:
        raise RuntimeError(said.stderr)
    partial.rename(target)


def _count(base: Path) -> int:
    said = subprocess.run(["unsquashfs", "-l", base], check=True, stdout=subprocess.PIPE, text=True).stdout
    return len(said.splitlines())
