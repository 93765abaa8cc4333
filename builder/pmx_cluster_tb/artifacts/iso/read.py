"""The installation ISO that somebody downloaded: what it is, and whether nodes can be installed from it.

What identifies it and what can be prepared is from the public pve-installer source, version 9.2.7.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pmx_cluster_tb.artifacts.formats import HEAD_BYTES, format_of
from pmx_cluster_tb.artifacts.iso.iso9660 import (
    MAGIC,
    MAGIC_OFFSET,
    Damaged,
    Entry,
    ReadAt,
    Volume,
    content,
    find,
    read_volume,
)
from pmx_cluster_tb.model.cluster import ProxmoxVersion
from pmx_cluster_tb.model.versions import NEWEST, too_old
from pmx_cluster_tb.problems import BadInput, Position, Problem

PROXMOX_VE = "Proxmox VE"
MODE_NAME = "auto-installer-mode.toml"
"""In the root of an ISO: the boot menu offers the automated installation, and where it gets its answer."""

_CAPABLE = "/auto-installer-capable"
_IDENTITY = ("/.cd-info", "/.disk/info")
_VERSION = re.compile(r"[0-9A-Za-z.+~-]{0,20}")
_LARGEST_MEMBER_BYTES = 1024 * 1024 * 1024
_DOWNLOADS = "https://www.proxmox.com/en/downloads"
_DOWNLOAD = f"take the ISO of Proxmox VE from {_DOWNLOADS}"
_AGAIN = "download it again, and compare its SHA-256 with the one beside the download"


@dataclass(frozen=True, slots=True, kw_only=True)
class Iso:
    """An ISO of Proxmox VE. `size` in bytes; `modified_ns` is the file's own time, to notice a change."""

    path: Path
    size: int
    modified_ns: int
    product: str
    release: str
    """Of Proxmox VE, as `9.2`."""
    iso_release: str
    """Which ISO of that release, as `1`."""
    name: str
    """As `proxmox-ve`."""
    volume: Volume
    capable: bool
    """Whether its maker says that it can be prepared for an installation without hands."""
    prepared: bool
    """Whether it has been already."""

    @property
    def unfit(self) -> str:
        """Why no cluster's nodes can be installed from it as it was downloaded; empty if they can."""
        if why := too_old(self.release):
            return f"is Proxmox VE {self.release}, which is too old: {why}"
        if not self.capable:
            return (
                f"cannot be prepared: it has no `{_CAPABLE}`, which says that its installer can read answers"
            )
        if self.release not in list(ProxmoxVersion):
            known = f"{NEWEST} is the newest that is"
            return f"is Proxmox VE {self.release}, whose installer is not known here: {known}"
        return ""

    @property
    def uuid(self) -> str:
        """Of the file system, by which GRUB finds it: `2026-06-11-09-30-00-00`."""
        digits = self.volume.modified
        return "-".join([digits[:4], *(digits[at : at + 2] for at in range(4, 16, 2))])


def read_iso(path: Path) -> Iso:
    """The ISO of Proxmox VE at `path`. Raises BadInput, with what it is instead, if it is none."""
    with _reading(path) as (read, status):
        volume = _volume(path, read, status.st_size)
        facts = _identity(path, read, volume)
        return Iso(
            path=path,
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            product=facts["PRODUCTLONG"],
            release=facts["RELEASE"],
            iso_release=facts.get("ISORELEASE", ""),
            name=facts.get("ISONAME", "proxmox-ve"),
            volume=volume,
            capable=find(read, volume, _CAPABLE) is not None,
            prepared=find(read, volume, f"/{MODE_NAME}") is not None,
        )


def iso_problems(
    iso: Iso, proxmox_ve: ProxmoxVersion, cluster_file: str = "cluster.toml"
) -> tuple[Problem, ...]:
    """Why the nodes of a cluster, whose file names `proxmox_ve`, cannot be installed from `iso`."""
    position = Position(str(iso.path))
    return tuple(
        Problem(position=position, message=message, hint=hint)
        for message, hint in _problems(iso, proxmox_ve, cluster_file)
    )


def _problems(iso: Iso, proxmox_ve: ProxmoxVersion, cluster_file: str) -> Iterator[tuple[str, str]]:
    if iso.prepared:
        yield (
            f"is a prepared copy: it holds an answer already, or where to get it (`/{MODE_NAME}`)",
            "take the ISO as it was downloaded",
        )
    if iso.unfit:
        yield iso.unfit, f"take the ISO of Proxmox VE {proxmox_ve} from {_DOWNLOADS}"
    elif iso.release != proxmox_ve:
        change = f'`proxmox-ve = "{iso.release}"` into `{cluster_file}`'
        yield (
            f"is Proxmox VE {iso.release}, but `{cluster_file}` is for {proxmox_ve}",
            f"take the ISO of Proxmox VE {proxmox_ve}, or write {change}",
        )


def iso_members(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    """What the files at the paths `names` (`/.cd-info`) in the ISO hold; those that it has not are left out.

    Raises BadInput if it cannot be read.
    """
    with _reading(path) as (read, status):
        volume = _volume(path, read, status.st_size)
        found = ((name, find(read, volume, name)) for name in names)
        return {name: _bounded(read, entry) for name, entry in found if entry and not entry.is_folder}


def read_at(descriptor: int) -> ReadAt:
    """Reads the open file `descriptor`, whatever its position is."""

    def read(offset: int, length: int) -> bytes:
        parts = []
        while length > 0 and (part := os.pread(descriptor, length, offset)):
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return b"".join(parts)

    return read


def _bounded(read: ReadAt, entry: Entry) -> bytes:
    if entry.size > _LARGEST_MEMBER_BYTES:
        raise Damaged(f"`{entry.path}` is said to be {entry.size} bytes long")
    return content(read, entry)


@contextmanager
def _reading(path: Path) -> Iterator[tuple[ReadAt, os.stat_result]]:
    """The open file at `path`; what is wrong with it becomes BadInput."""
    try:
        if path.is_dir():
            raise BadInput(f"`{path}` is a folder, not an ISO", _isos_in(path))
        if path.exists() and not path.is_file():
            raise BadInput(f"`{path}` is no file", "name the ISO as it was downloaded")
        with path.open("rb", buffering=0) as file:
            yield read_at(file.fileno()), os.fstat(file.fileno())
    except Damaged as damaged:
        raise BadInput(f"`{path}` is damaged: {damaged}", _AGAIN) from damaged
    except FileNotFoundError as error:
        raise BadInput(f"`{path}` does not exist", _DOWNLOAD) from error
    except OSError as error:
        raise BadInput(f"cannot read `{path}`: {error.strerror or error}") from error


def _isos_in(folder: Path) -> str:
    isos = sorted(folder.glob("*.iso"))
    return f"name the file: `{isos[0]}`" if isos else "name the ISO as it was downloaded"


def _volume(path: Path, read: ReadAt, size: int) -> Volume:
    head = read(0, HEAD_BYTES)
    if head[MAGIC_OFFSET:] != MAGIC:
        raise BadInput(f"`{path}` is {format_of(head)}, not an ISO", _hint_for(head))
    volume = read_volume(read)
    if size < volume.size:
        raise BadInput(f"`{path}` is cut off: {size} of {volume.size} bytes are there", _AGAIN)
    return volume


def _hint_for(head: bytes) -> str:
    if format_of(head).endswith(("file", "archive")):
        return "unpack it first, if the ISO is in it"
    return _DOWNLOAD


def _identity(path: Path, read: ReadAt, volume: Volume) -> dict[str, str]:
    """The values by which an ISO of Proxmox VE says what it is."""
    texts = [_text(read, volume, name) for name in _IDENTITY]
    for facts in map(_assignments, texts):
        if facts.get("PRODUCTLONG") == PROXMOX_VE and "RELEASE" in facts:
            if not _VERSION.fullmatch(facts.get("ISORELEASE", "")):
                # it becomes part of the names of files
                raise Damaged(f"its `ISORELEASE` is `{facts.get('ISORELEASE', '')}`")
            return facts
    raise BadInput(f"`{path}` is {_other_product(volume, texts)}, not {PROXMOX_VE}", _DOWNLOAD)


def _other_product(volume: Volume, texts: Sequence[str]) -> str:
    for facts in map(_assignments, texts):
        if "PRODUCTLONG" in facts:
            return f"{facts['PRODUCTLONG']} {facts.get('RELEASE', '')}".rstrip()
    if first_line := next((text.strip().splitlines()[0] for text in texts if text.strip()), ""):
        return f"the ISO `{_printable(first_line)}`"
    return f"the ISO `{_printable(volume.name)}`" if volume.name else "an ISO without a name"


def _text(read: ReadAt, volume: Volume, name: str) -> str:
    entry = find(read, volume, name)
    return _bounded(read, entry).decode("utf-8", "replace") if entry and not entry.is_folder else ""


def _assignments(text: str) -> dict[str, str]:
    """The values of `KEY='value'` lines, quoted or not."""
    found = re.findall(r"""^([A-Z_]+)=(['"]?)(.*?)\2\s*$""", text, re.MULTILINE)
    return {key: _printable(value) for key, _, value in found}


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c != "`")
