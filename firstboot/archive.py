"""The file that this program was packed into: its settings and packages."""

import fcntl
import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firstboot.settings import Package, Settings, read_settings


class BadArchive(Exception):
    """The file is not whole, or it is no packed first-boot program."""


class AlreadyRunning(Exception):
    """Another process runs this file."""


def own_archive() -> Path:
    """The file that holds this module."""
    return Path(__file__).parent.parent


def settings_of(archive: Path) -> Settings:
    """The settings packed into `archive`; raises BadArchive, or BadSettings if they are another version's."""
    return read_settings(_content(archive, "settings.json"))


def package_content(archive: Path, package: Package) -> bytes:
    """The package file; raises BadArchive if its SHA-256 is not the one in the settings."""
    content = _content(archive, f"packages/{package.file}")
    if hashlib.sha256(content).hexdigest() != package.sha256:
        raise BadArchive(f"{archive}: {package.file} has another SHA-256 than the settings say")
    return content


@contextmanager
def only_runner(archive: Path) -> Iterator[None]:
    """Locks `archive`, so that a run by hand does not meet the one at boot; raises AlreadyRunning."""
    with archive.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"{archive} is running already") from error
        yield


def _content(archive: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as file:
            return file.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BadArchive(f"{archive}: cannot read {name}: {error}") from error
