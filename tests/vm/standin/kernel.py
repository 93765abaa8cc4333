"""Debian's kernels as Proxmox's: genuine ones, with only the modules that machines of the tests need."""

import lzma
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.roots.root import ENVIRONMENT
from tests.roots.store import NAMESPACES
from tests.vm.standin.deb import write_deb
from tests.vm.standin.product import FOLDER

# what Debian's own kernel packages do
_POSTINST = """
depmod {version}
linux-update-symlinks install {version} /boot/vmlinuz-{version} 2>/dev/null || true
run-parts --report --exit-on-error --arg={version} --arg=/boot/vmlinuz-{version} /etc/kernel/postinst.d
"""
_POSTRM = """
run-parts --report --arg={version} --arg=/boot/vmlinuz-{version} /etc/kernel/postrm.d
"""


def unpack_kernel(deb: Path, target: Path) -> str:
    """Puts the kernel of a Debian package and a few of its modules below `target`; returns its version."""
    whole = target.with_name(f"{target.name}.whole")
    subprocess.run(["dpkg-deb", "--extract", deb, whole], check=True)
    (image,) = whole.glob("boot/vmlinuz-*")
    version = image.name.removeprefix("vmlinuz-")
    (target / "boot").mkdir(parents=True)
    for name in ("vmlinuz", "config"):
        shutil.copy(whole / f"boot/{name}-{version}", target / "boot")
    (all_modules,) = (*whole.glob(f"lib/modules/{version}"), *whole.glob(f"usr/lib/modules/{version}"))
    wanted = [line for line in (FOLDER / "modules.txt").read_text().splitlines() if line[0] != "#"]
    copy_modules(all_modules, target, version, wanted)
    shutil.rmtree(whole)
    return version


def copy_modules(folder: Path, target: Path, version: str, wanted: Iterable[str]) -> None:
    """Copies the modules `wanted` and those that they need from `folder` to `target/lib/modules`."""
    known = {_name(path): path for path in folder.rglob("*.ko*")}
    new = target / "lib/modules" / version
    new.mkdir(parents=True)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(folder / name, new)
    left, done = [_name_of(word) for word in wanted], set[str]()
    while left:
        name = left.pop()
        if name in done or name not in known:
            continue  # not there: built in, or not in this version
        done.add(name)
        path = known[name]
        copy = new / re.sub(r"\.xz$", "", str(path.relative_to(folder)))
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = path.read_bytes()
        copy.write_bytes(lzma.decompress(content) if path.suffix == ".xz" else content)
        left += _needed(copy)
    subprocess.run(["depmod", "--basedir", target, version], check=True)


def kernel_package(tree: Path, version: str, target: Path) -> Path:
    """Writes the package of an unpacked kernel."""
    name = f"proxmox-kernel-{version}"
    scripts = {"postinst": _POSTINST.format(version=version), "postrm": _POSTRM.format(version=version)}
    return write_deb(target, tree, name, "1", depends="initramfs-tools", scripts=scripts)


def add_initramfs(base: Path, tree: Path, version: str) -> None:
    """Adds what initramfs-tools makes in `base` for an unpacked kernel to it, for the base's mkinitramfs.

    A machine without hardware acceleration would spend more on it than on all the rest of an installation.
    """
    target = tree / "usr/lib/standin"
    work = target / "work"
    work.mkdir(parents=True)
    script = [FOLDER / "initramfs.sh", base, tree, work, target, version]
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, *map(str, script)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    work.rmdir()


def _needed(module: Path) -> list[str]:
    lines = [
        subprocess.run(
            ["modinfo", "--field", field, module], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        for field in ("depends", "softdep")
    ]
    words = re.sub(r"(pre|post):|,", " ", " ".join(lines)).split()
    return [_name_of(word) for word in words]


def _name(path: Path) -> str:
    return _name_of(path.name.partition(".ko")[0])


def _name_of(word: str) -> str:
    return word.strip().replace("-", "_")
