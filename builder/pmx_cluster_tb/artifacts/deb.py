"""Debian packages in memory: the same package and date give the same bytes wherever zlib is the same.

The result is byte for byte that of `dpkg-deb --root-owner-group -Zgzip --build` with `SOURCE_DATE_EPOCH`
(dpkg 1.21): an ar archive of `debian-binary`, `control.tar.gz` and `data.tar.gz`; entries depth first, each
folder's by the bytes of their names, and symbolic links after everything else (dpkg's `dpkg-deb/build.c`).
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

from debian.deb822 import Deb822

from pmx_cluster_tb.artifacts.compression import compressed, gzip
from pmx_cluster_tb.artifacts.deb_rules import package_faults
from pmx_cluster_tb.artifacts.tar import Entry, Kind, tar_bytes
from pmx_cluster_tb.plan.types import Package

_AR_MAGIC = b"!<arch>\n"
_FORMAT = b"2.0\n"
_KIB = 1024


def deb_bytes(package: Package, date: datetime) -> bytes:
    """The file `package.file_name`; every time in it is `date`, which must know its time zone.

    Manual pages and changelog are compressed in it. Raises ValueError where dpkg would refuse the package:
    the plan is wrong then, not its user.
    """
    package = compressed(package)
    if faults := package_faults(package):
        raise ValueError(f"{package.name}: {'; '.join(faults)}")
    mtime = int(date.timestamp())
    members = (
        ("debian-binary", _FORMAT),
        ("control.tar.gz", gzip(tar_bytes(_control_entries(package), mtime))),
        ("data.tar.gz", gzip(tar_bytes(_data_entries(package), mtime))),
    )
    return _AR_MAGIC + b"".join(_ar_member(name, content, mtime) for name, content in members)


def control_text(package: Package) -> str:
    """The file `control`: fields, and after the maintainer the Installed-Size in KiB."""
    paragraph = Deb822()
    for name, value in package.fields:
        paragraph[name] = value
        if name == "Maintainer":
            paragraph["Installed-Size"] = str(installed_size_kib(package))
    return paragraph.dump()


def installed_size_kib(package: Package) -> int:
    """As dpkg-gencontrol counts: files and links in whole KiB each, rounded up; a folder is one, `/` too."""
    sizes = [len(file.content) for file in package.files]
    sizes += [len(str(link.target).encode()) for link in package.links]
    return sum(-(-size // _KIB) for size in sizes) + len(_folders(package))


def md5sums(package: Package) -> bytes:
    """The file `md5sums`, which `dpkg --verify` reads: `<sum>  <path without its first slash>` by path."""
    lines = sorted(
        (str(file.path).encode()[1:], hashlib.md5(file.content, usedforsecurity=False).hexdigest())
        for file in package.files
    )
    return b"".join(b"%s  %s\n" % (digest.encode(), path) for path, digest in lines)


def _control_entries(package: Package) -> Iterator[Entry]:
    members = [
        ("control", control_text(package).encode(), 0o644),
        ("md5sums", md5sums(package), 0o644),
        *((member.name, member.content, member.mode) for member in package.members),
    ]
    yield _folder("/")
    for name, content, mode in sorted(members):
        yield Entry(f"./{name}".encode(), Kind.FILE, mode, content)


def _data_entries(package: Package) -> Iterator[Entry]:
    files = (Entry(_name(str(file.path)), Kind.FILE, file.mode, file.content) for file in package.files)
    yield from _depth_first([*map(_folder, _folders(package)), *files])
    yield from _depth_first(
        Entry(_name(str(link.path)), Kind.LINK, 0o777, target=str(link.target).encode())
        for link in package.links
    )


def _folders(package: Package) -> set[str]:
    """The paths of all folders that hold something of the package."""
    folders = {"/"}
    for path in (*(file.path for file in package.files), *(link.path for link in package.links)):
        # a folder that is known has all those above it known
        above = str(path).rpartition("/")[0]
        while above and above not in folders:
            folders.add(above)
            above = above.rpartition("/")[0]
    return folders


def _folder(path: str) -> Entry:
    return Entry(_name(path.rstrip("/") + "/"), Kind.FOLDER, 0o755)


def _name(path: str) -> bytes:
    # in UTF-8, whatever the building machine's file system uses
    return f".{path}".encode()


def _depth_first(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.name.split(b"/"))


def _ar_member(name: str, content: bytes, mtime: int) -> bytes:
    header = b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name.encode(), mtime, 0, 0, 0o100644, len(content))
    return header + content + b"\n" * (len(content) % 2)
