"""The file that this program was packed into: its settings and packages."""

import hashlib
import zipfile
from pathlib import Path

from firstboot.settings import Package, Settings, read_settings


class BadArchive(Exception):
    """The file is not whole, or it is no packed first-boot program."""


def own_archive() -> Path:
    """The file that holds this module."""
    return Path(__file__).parent.parent


def settings_of(archive: Path) -> Settings:
    """The settings packed into `archive`; raises BadArchive, or BadSettings if they are another version's."""
    return read_settings(_content(archive, "settings.json"))


def settings_digest(archive: Path) -> str:
    """SHA-256 of the settings, hashes of the packages included. Only a success prints it."""
    return hashlib.sha256(_content(archive, "settings.json")).hexdigest()


def run_name(archive: Path) -> str:
    """What the record calls runs of this build: it tells nothing of the digest of the settings."""
    return hashlib.sha256(b"run\0" + _content(archive, "settings.json")).hexdigest()[:12]


def is_first_boot(file: Path) -> bool:
    """Whether `file` is this program, of whatever build."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            return "firstboot/sequence.py" in names and not names.isdisjoint({"settings.json", "nodes.json"})
    except (OSError, zipfile.BadZipFile):
        return False


def package_content(archive: Path, package: Package) -> bytes:
    """The package file; raises BadArchive if its SHA-256 is not the one in the settings."""
    content = _content(archive, f"packages/{package.file}")
    if hashlib.sha256(content).hexdigest() != package.sha256:
        raise BadArchive(f"{archive}: {package.file} has another SHA-256 than the settings say")
    return content


def _content(archive: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as file:
            return file.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BadArchive(f"{archive}: cannot read {name}: {error}") from error
