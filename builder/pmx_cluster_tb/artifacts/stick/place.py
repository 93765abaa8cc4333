"""Where a bundle is written to: what is known of that place, and what it must not be."""

import errno
import os
import re
import shlex
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pmx_cluster_tb.artifacts.manifest import MANIFEST_NAME, is_output_manifest
from pmx_cluster_tb.artifacts.stick.files import device_hint
from pmx_cluster_tb.artifacts.stick.manifest import is_bundle_manifest
from pmx_cluster_tb.artifacts.stick.ventoy_json import PATH as VENTOY_JSON
from pmx_cluster_tb.artifacts.stick.ventoy_json import bundle_roots, search_root
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.process import run

_FAT = frozenset({"vfat", "msdos"})
_EFI_LABEL = Path("/dev/disk/by-label/VTOYEFI")
_EFI_FILES = ("EFI/BOOT/grubx64_real.efi", "ventoy/ventoy.cpio")
"""On Ventoy's second partition, and on no other."""

_IGNORED = ".ventoyignore"

_MOUNT_POINT = (
    "name the folder where the stick's first partition is mounted; "
    + ("`ls /Volumes`" if sys.platform == "darwin" else "`lsblk -o NAME,LABEL,MOUNTPOINT`")
    + " shows it"
)
_MACOS_MOUNT = re.compile(r"^(?P<device>.+?) on (?P<point>.+) \((?P<kind>[^,)]+)[^)]*\)$")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: its device, where it is, and its type in the kernel's words (`vfat`)."""

    device: str
    point: Path
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stick:
    """A folder to write a bundle to; `is_ventoy` if it is the top of a Ventoy stick's first partition.

    `root` is the folder in it where Ventoy looks for images, empty for the top.
    """

    path: Path
    mount: Mount | None
    is_ventoy: bool
    root: str = ""

    @property
    def base(self) -> Path:
        """The folder that holds those of bundles; what they name is relative to it."""
        return self.path / self.root

    @property
    def is_mounted(self) -> bool:
        """Whether the folder is the top of a file system of its own."""
        return self.mount is not None and self.mount.point == self.path.resolve()

    @property
    def is_fat(self) -> bool:
        """Whether no file may have 4 GiB."""
        return self.mount is not None and self.mount.kind in _FAT


def stick_at(path: Path) -> Stick:
    """The stick that is mounted at `path`, or a folder there. Raises BadInput if it cannot be one."""
    _require_folder(path)
    top = path.resolve()
    mount = mount_of(top, mounts())
    on_ventoy = mount is not None and is_ventoy(mount)
    _refuse_other_places(path, top)
    if mount and on_ventoy and top != mount.point:
        raise BadInput(
            f"`{path}` is a folder of a Ventoy stick, which is looked for at its top",
            f"`--out {shlex.quote(str(mount.point))}`",
        )
    return Stick(path=path, mount=mount, is_ventoy=on_ventoy, root=search_root(ventoy_json_of(path)))


def ventoy_json_of(stick: Path) -> bytes | None:
    """The content of ventoy.json on `stick`; None where there is none, or it cannot be read."""
    try:
        return (stick / VENTOY_JSON).read_bytes()
    except OSError:
        return None


def roots(stick: Path) -> list[Path]:
    """The folders of `stick` in which there may be bundles."""
    return [stick / root for root in bundle_roots(ventoy_json_of(stick)) if (stick / root).is_dir()]


def refuse_unseen(stick: Stick, folder: str) -> None:
    """Raises BadInput if Ventoy would not find what is written to `folder` of `stick`, or ventoy.json.

    Ventoy compares paths with their case, which FAT and exFAT do not. Raises OSError.
    """
    ventoy_json = stick.path / VENTOY_JSON
    for path in (stick.base / folder, ventoy_json.parent, ventoy_json):
        _refuse_other_name(path)
    refuse_links(stick.path, Path(stick.root, folder))
    for hidden in (stick.path, *_chain(stick.path, Path(stick.root, folder))):
        if (hidden / _IGNORED).exists():
            name = hidden / _IGNORED
            raise BadInput(
                f"`{name}` hides all that is beside it from Ventoy", f"`rm {shlex.quote(str(name))}`"
            )


def _chain(stick: Path, folder: Path) -> list[Path]:
    """The folders of `stick` on the way to `folder`, which is relative to it, and that."""
    return [stick / path for path in (folder, *folder.parents[:-1])]


def refuse_links(stick: Path, folder: Path) -> None:
    """Raises BadInput if a symbolic link leads out of what a bundle writes or removes.

    `folder` is relative to `stick`. Raises OSError.
    """
    ventoy_json = stick / VENTOY_JSON
    below = (stick / folder).rglob("*") if not (stick / folder).is_symlink() else ()
    for path in (*_chain(stick, folder), ventoy_json, ventoy_json.parent, *below):
        if path.is_symlink():
            raise BadInput(
                f"`{path}` is a symbolic link, which no stick has",
                f"`rm {shlex.quote(str(path))}`, or name another folder with `--out`",
            )


def _refuse_other_name(path: Path) -> None:
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    for other in beside:
        if other.name != path.name and other.name.lower() == path.name.lower():
            raise BadInput(
                f"`{other}` must be called `{path.name}`: Ventoy tells upper from lower case",
                "rename it; on FAT that takes two steps, by way of a third name",
            )


def _require_folder(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise BadInput(
            f"cannot read `{path}`: {error.strerror}", device_hint(error) or _MOUNT_POINT
        ) from error
    if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and path.is_relative_to("/dev")):
        raise BadInput(f"`{path}` is a device, on which a bundle would write over everything", _MOUNT_POINT)
    if not stat.S_ISDIR(mode):
        raise BadInput(f"`{path}` is no folder", _MOUNT_POINT)
    if not os.access(path, os.R_OK | os.X_OK):
        raise BadInput(f"cannot read `{path}`: {os.strerror(errno.EACCES)}", _MOUNT_POINT)


def _refuse_other_places(path: Path, top: Path) -> None:
    if top == Path("/"):
        raise BadInput(f"`{path}` is the root of this machine, not a stick", _MOUNT_POINT)
    _refuse_own_folders(path, top)
    if all((top / name).exists() for name in _EFI_FILES):
        raise BadInput(
            f"`{path}` is Ventoy's own partition, which an update of Ventoy rewrites", _MOUNT_POINT
        )
    for folder in (top, *top.parents):
        if (folder / ".git").exists():
            raise BadInput(
                f"`{path}` is in the work tree of git at `{folder}`, where hashes of passwords do not belong",
                "name a folder outside of it with `--out`",
            )


def _refuse_own_folders(path: Path, top: Path) -> None:
    """Raises BadInput in what `build` made, where a bundle would be a foreign file, and in a bundle."""
    for folder in (top, *top.parents):
        manifest = folder / MANIFEST_NAME
        try:
            is_output, is_bundle = is_output_manifest(manifest), is_bundle_manifest(manifest)
        except OSError:
            continue
        if is_output:
            raise BadInput(f"`{path}` is in what `build` made at `{folder}`, not a stick", _MOUNT_POINT)
        if is_bundle:
            raise BadInput(
                f"`{path}` is in the bundle at `{folder}`, not the top of a stick",
                f"`--out {shlex.quote(str(folder.parent))}`",
            )


def mount_of(path: Path, mounted: Iterable[Mount]) -> Mount | None:
    """The file system that `path`, which is absolute and without links, is on."""
    on = [mount for mount in mounted if path.is_relative_to(mount.point)]
    # of two at the same place the later one is seen
    return max(reversed(on), key=lambda mount: len(mount.point.parts), default=None)


def mounts() -> list[Mount]:
    """Every mounted file system, in the order of mounting."""
    if sys.platform == "linux":
        return linux_mounts(Path("/proc/self/mounts").read_text("utf-8", "surrogateescape"))
    return macos_mounts(run(["mount"]).stdout.decode("utf-8", "surrogateescape"))


def linux_mounts(text: str) -> list[Mount]:
    """What /proc/self/mounts says; see proc(5) and fstab(5)."""
    rows = [line.split(" ") for line in text.splitlines()]
    return [Mount(_unescaped(row[0]), Path(_unescaped(row[1])), row[2]) for row in rows]


def macos_mounts(text: str) -> list[Mount]:
    """What mount(8) of macOS prints: `/dev/disk4s1 on /Volumes/Ventoy (exfat, local, nodev)`."""
    found = [_MACOS_MOUNT.match(line) for line in text.splitlines()]
    return [Mount(match["device"], Path(match["point"]), match["kind"]) for match in found if match]


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def is_ventoy(mount: Mount) -> bool:
    """Whether the file system is on a disk with Ventoy, as far as can be seen without root."""
    # of two sticks only one has the link, and macOS has none: desktops name the folder after the partition
    disk = _disk(Path(mount.device))
    return mount.point.name.startswith("Ventoy") or (disk is not None and disk == _disk(_EFI_LABEL))


def _disk(device: Path) -> Path | None:
    """The disk of a partition, as sysfs has it; None for what is no partition."""
    partition = Path("/sys/class/block", device.resolve().name)
    return partition.resolve().parent if (partition / "partition").exists() else None
