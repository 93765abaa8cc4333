"""The machine: its files below a root, and whether systemd runs it."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class System:
    """The files of a machine below `root`; all paths in this program are absolute and meant below it."""

    root: Path = Path("/")

    def path(self, path: str) -> Path:
        """Where the absolute `path` of the machine is."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str | None:
        """What the file holds, or None where there is none."""
        try:
            return self.path(path).read_text("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def glob(self, folder: str, pattern: str) -> list[Path]:
        """The paths in `folder` that match `pattern`, sorted."""
        return sorted(self.path(folder).glob(pattern))

    @property
    def is_live(self) -> bool:
        """Whether systemd runs here: not in a chroot, nor in the Proxmox VE installer."""
        return self.path("/run/systemd/system").is_dir() and not self.path("/proxmox_install_mode").exists()


def digest(*texts: str) -> str:
    """SHA-256 of `texts` in their order."""
    return hashlib.sha256("\0".join(texts).encode(errors="surrogateescape")).hexdigest()


def write_file(path: Path, text: str, *, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Put `text` at `path` so that a power cut leaves the old or the new file, never a part.

    `owner` is a user and a group id.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.pmx-ring")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    beside.replace(path)
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove `path`, if it is there, so that it stays removed after a power cut."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
