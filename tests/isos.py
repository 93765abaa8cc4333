"""ISOs with the layout of a Proxmox VE installation medium, made by the tests: nothing of Proxmox is in them.

Paths, marker files and the lines of `/init` that other programs rely on are as in the public pve-installer
source and in the ISOs; the texts around them are our own.
"""

import fcntl
import hashlib
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import zstandard

from tests.roots.commands import require

Content = bytes | Path
"""Of a file in an ISO: bytes, or the file that holds them."""

GRUB_CFG = b"""\
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout_style=menu
if [ -f auto-installer-mode.toml ]; then
    set timeout=10
    menuentry 'Install Proxmox VE (Automated)' --class debian {
        linux /boot/linux26 ro ramdisk_size=16777216 rw quiet splash=silent proxmox-start-auto-installer
        initrd /boot/initrd.img
    }
fi
menuentry 'Install Proxmox VE (Graphical)' --class debian {
    linux /boot/linux26 ro ramdisk_size=16777216 rw quiet splash=silent
    initrd /boot/initrd.img
}
"""

INIT = b"""\
#!/bin/sh
# Finds the installation medium and hands over to the installer on it: PVE
PATH=/sbin:/bin:/usr/sbin:/usr/bin
mount -n -t proc proc /proc
mount -n -t sysfs sysfs /sys
mount -n -t devtmpfs devtmpfs /dev
. /.cd-info
own_id=$(cat /.pve-cd-id.txt)

find_medium() {
    for try in 1 2 3 4 5 6 7 8 9; do
        for i in /sys/block/hd* /sys/block/sr* /sys/block/scd* /sys/block/sd* /sys/block/nvme*; do
            [ -d "$i" ] || continue
            device=/dev/${i##*/}
            mount -r -t iso9660 "$device" /mnt >/dev/null 2>&1 || continue
            [ "$(cat /mnt/.pve-cd-id.txt 2>/dev/null)" = "$own_id" ] && return 0
            umount /mnt
        done
        sleep 1
    done
    return 1
}

if [ -f /proxmox.iso ]; then
    mount -t iso9660 -o loop,ro /proxmox.iso /mnt
else
    find_medium || { echo "no device with valid ISO found"; exec /bin/sh; }
fi
mount -t squashfs -o loop,ro /mnt/pve-base.squashfs /mnt/.base
mount -t squashfs -o loop,ro /mnt/pve-installer.squashfs /mnt/.installer
mount -t tmpfs tmpfs /mnt/.workdir
mkdir /mnt/.workdir/work /mnt/.workdir/upper
layers=lowerdir=/mnt/.installer:/mnt/.base,upperdir=/mnt/.workdir/upper,workdir=/mnt/.workdir/work
mount -t overlay -o "$layers" none /mnt/.installer-mp
mount --bind /mnt /mnt/.installer-mp/cdrom
cp /.cd-info /mnt/.installer-mp/.cd-info
umount /sys /proc
exec switch_root -c /dev/console /mnt/.installer-mp /sbin/unconfigured.sh
"""

FOLDERS = (".base", ".installer", ".installer-mp", ".workdir")
"""Of the root of the medium: mount points."""

_MODIFIED = 1_781_000_000
"""Of all files, 2026-06-09: not the date of the volume."""
_CACHE_ENTRIES = 20


def cd_info(release: str = "9.2", title: str = "Proxmox VE", short: str = "pve") -> bytes:
    """The marker file by which a medium of Proxmox says what it is."""
    values = {
        "PRODUCT": short,
        "PRODUCTLONG": title,
        "RELEASE": release,
        "ISORELEASE": "1",
        "ISONAME": f"proxmox-{'ve' if short == 'pve' else short}",
    }
    return "".join(f"{key}='{value}'\n" for key, value in values.items()).encode()


def initrd(release: str = "9.2", more: Mapping[str, bytes] | None = None, init: bytes = INIT) -> bytes:
    """An initrd as on the medium: an archive with microcode, then a zstd-packed one with `/init`.

    `more` are further files by path without a leading `/`, executable as `init` is.
    """
    files = {"init": init, ".cd-info": cd_info(release), ".pve-cd-id.txt": _identity(release), **(more or {})}
    early = cpio({"kernel/x86/microcode/GenuineIntel.bin": bytes(1000)})
    return early + zstandard.ZstdCompressor(level=3, threads=0).compress(cpio(files))


def cpio(files: Mapping[str, bytes]) -> bytes:
    """A cpio archive in the "newc" form with the folders that `files` are in; all of mode 0755."""
    folders = {str(parent): b"" for path in files for parent in Path(path).parents if str(parent) != "."}
    members = [(0o40755, path, b"") for path in sorted(folders)]
    members += [(0o100755, path, content) for path, content in files.items()]
    parts = [
        _cpio_member(number, mode, path, content) for number, (mode, path, content) in enumerate(members, 1)
    ]
    return b"".join([*parts, _cpio_member(0, 0, "TRAILER!!!", b"")])


def _cpio_member(number: int, mode: int, path: str, content: bytes) -> bytes:
    name = path.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % value for value in fields) + name
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def proxmox_files(release: str = "9.2", *, padding_bytes: int = 300_000) -> dict[str, Content]:
    """The files of a medium for `release` by path, as large as wanted; kernel and packages are noise."""
    noise = random.Random(release)  # noqa: S311 - only to fill files
    packages = {
        f"proxmox/packages/package-{number}_1.0_all.deb": noise.randbytes(20_000 * number)
        for number in range(1, 6)
    }
    return {
        ".cd-info": cd_info(release),
        ".disk/info": cd_info(release),
        ".pve-cd-id.txt": _identity(release),
        "auto-installer-capable": b"",
        "boot/grub/grub.cfg": GRUB_CFG,
        "boot/initrd.img": initrd(release),
        "boot/linux26": noise.randbytes(100_000),
        "proxmox/pve-base.cnt": b"1234\n",
        "pve-base.squashfs": noise.randbytes(padding_bytes),
        "pve-installer.squashfs": noise.randbytes(100_000),
        **packages,
    }


def _identity(release: str) -> bytes:
    return hashlib.sha256(f"stand-in {release}".encode()).hexdigest().encode() + b"\n"


def make_iso(files: Mapping[str, Content], target: Path) -> Path:
    """Writes an ISO that BIOS and UEFI boot with GRUB, from a disc and from a stick, as grub-mkrescue does.

    Returns `target`.
    """
    require("grub-mkrescue", "mformat", "xorriso")
    for platform in ("i386-pc", "x86_64-efi"):
        assert Path("/usr/lib/grub", platform).is_dir(), "apt-get install grub-pc-bin grub-efi-amd64-bin"
    with tempfile.TemporaryDirectory(prefix="pmx-iso-", dir=target.parent) as folder:
        tree = Path(folder, "tree")
        _write_tree(files, tree)
        command = ["grub-mkrescue", "--locales=", "--fonts=", "--themes=", f"--output={target}", str(tree)]
        made = subprocess.run(
            [*command, "--", "-volid", "PVE"], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        assert made.returncode == 0, made.stderr.decode()
    return target


def _write_tree(files: Mapping[str, Content], tree: Path) -> None:
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True)
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            path.write_bytes(content)
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (_MODIFIED, _MODIFIED))


def cached_iso(files: Mapping[str, bytes]) -> Path:
    """An ISO of `files` in the user's cache, which nobody may change; made at first use."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name, content in sorted(files.items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pmx-cluster-tb" / "isos"
    cache.mkdir(parents=True, exist_ok=True)
    iso = cache / f"{digest.hexdigest()[:20]}.iso"
    with (cache / "lock").open("a") as lock:
        # the tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not iso.exists():
            with tempfile.TemporaryDirectory(prefix="new-", dir=cache) as folder:
                made = make_iso(files, Path(folder, "iso"))
                made.chmod(0o444)
                made.rename(iso)
        # beside it: preparing an ISO takes note of its own time
        _use_mark(iso).touch()
        _forget_old(cache)
    return iso


def _use_mark(iso: Path) -> Path:
    return iso.with_suffix(".used")


def _forget_old(cache: Path) -> None:
    marks = sorted(cache.glob("*.used"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for mark in marks[_CACHE_ENTRIES:]:
        mark.with_suffix(".iso").unlink(missing_ok=True)
        mark.unlink()


def proxmox_iso(release: str = "9.2") -> Path:
    """The small ISO that most tests take; nobody may change it."""
    return cached_iso(
        {name: content for name, content in proxmox_files(release).items() if isinstance(content, bytes)}
    )
