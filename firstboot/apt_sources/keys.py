"""Whether apt has a key for what Proxmox signs.

Tried with apt 2.6 and 3.0: one named file that is not there is enough for the whole entry to fail, whichever
others are named; an entry that names none is judged by the keys that are trusted for all.
"""

from collections.abc import Collection
from pathlib import PurePosixPath

from firstboot.apt_sources.entry import Entry

ARCHIVE_KEYRING = "/usr/share/keyrings/proxmox-archive-keyring.gpg"
"""The key of Proxmox's repositories on Proxmox VE 9; on 8 it is among apt's trusted keys."""

_TRUSTED = PurePosixPath("/etc/apt/trusted.gpg.d")
_RELEASE_KEY = "proxmox-release-"
_DEBIANS = "debian-"
_ON = {"1", "yes", "true", "with", "on", "enable"}


def can_verify(entry: Entry, key_files: Collection[str]) -> bool:
    """Whether apt can take packages from `entry`, which is Proxmox's; `key_files` are those that exist.

    Nothing but the name of a file tells whose key is in it. Where there is none of Proxmox's at all, apt is
    left to say so.
    """
    if any(entry.options.get(name, "").lower() in _ON for name in ("trusted", "allow-insecure")):
        return True
    signed_by = entry.options.get("signed-by", "")
    if "-----BEGIN" in signed_by:
        return True
    if files := [word for word in signed_by.split() if word.startswith("/")]:
        return set(files) <= set(key_files) and not all(map(_is_debians, files))
    # fingerprints choose among the trusted keys
    return ARCHIVE_KEYRING not in key_files or any(is_trusted_key(file, entry.suites) for file in key_files)


def is_trusted_key(file: str, suites: Collection[str]) -> bool:
    """Whether `file` is among the keys trusted for all, and may be Proxmox's for one of `suites`."""
    path = PurePosixPath(file)
    if path.parent != _TRUSTED or _is_debians(file):
        return False
    return not path.name.startswith(_RELEASE_KEY) or path.stem.removeprefix(_RELEASE_KEY) in suites


def _is_debians(file: str) -> bool:
    return PurePosixPath(file).name.startswith(_DEBIANS)
