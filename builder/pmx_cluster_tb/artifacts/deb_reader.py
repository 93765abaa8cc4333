"""Reading Debian packages back: what `deb_bytes` wrote, and others' as far as python-debian reads them."""

import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from debian.arfile import ArError
from debian.deb822 import Deb822
from debian.debfile import DebFile

from pmx_cluster_tb.plan.types import ControlMember, File, Link, Package
from pmx_cluster_tb.problems import BadInput

_COMPUTED_MEMBERS = ("control", "md5sums")
_COMPUTED_FIELDS = ("Installed-Size",)
_HINT = "copy it again, or build it again"

# what ArFile, tarfile, gzip, lzma and Deb822 raise for bytes that are not theirs
_DAMAGE = (ArError, tarfile.TarError, zlib.error, EOFError, OSError, ValueError, KeyError, IndexError)

_Member = tuple[tarfile.TarInfo, bytes]


def is_deb(content: bytes) -> bool:
    """Whether `content` begins as a Debian package does."""
    return content.startswith(b"!<arch>\ndebian-binary")


def read_deb(content: bytes, name: str) -> Package:
    """The package in `content`, as it was written: without Installed-Size and md5sums.

    `name` is what messages call it. Raises BadInput if it is damaged or no Debian package.
    """
    if not is_deb(content):
        raise BadInput(f"`{name}` is no Debian package")
    try:
        with DebFile(fileobj=io.BytesIO(content)) as deb:
            _refuse_zstd(deb, name)
            control = list(_members(deb.control.tgz()))
            data = list(_members(deb.data.tgz()))
        return _package(control, data)
    except _DAMAGE as error:
        raise BadInput(f"`{name}` is damaged: {_first_line(error)}", _HINT) from error


def _refuse_zstd(deb: DebFile, name: str) -> None:
    if any(member.endswith(".zst") for member in deb.getnames()):
        # python-debian would start a program to unpack it
        raise BadInput(
            f"`{name}` is compressed with zstd, which cannot be read here", f"`dpkg-deb -I {name}`"
        )


def _members(archive: tarfile.TarFile) -> Iterator[_Member]:
    for info in archive:
        reader = archive.extractfile(info) if info.isreg() else None
        yield info, b"" if reader is None else reader.read()
    if archive.fileobj is not None:
        # tarfile stops at the end of the archive; the checksum behind it is compared when all is read
        archive.fileobj.read(-1)


def _package(control: list[_Member], data: list[_Member]) -> Package:
    members = {PurePosixPath(info.name).name: (info.mode, content) for info, content in control}
    fields = Deb822(members["control"][1])
    return Package(
        name=fields["Package"],
        version=fields["Version"],
        fields=tuple(
            (str(name), str(value)) for name, value in fields.items() if name not in _COMPUTED_FIELDS
        ),
        members=tuple(
            ControlMember(name, content, mode)
            for name, (mode, content) in sorted(members.items())
            if name and name not in _COMPUTED_MEMBERS
        ),
        files=tuple(
            sorted(
                (File(_path(info), content, info.mode) for info, content in data if info.isreg()),
                key=lambda file: file.path,
            )
        ),
        links=tuple(
            sorted(
                (Link(_path(info), PurePosixPath(info.linkname)) for info, _ in data if info.issym()),
                key=lambda link: link.path,
            )
        ),
    )


def _path(info: tarfile.TarInfo) -> PurePosixPath:
    return PurePosixPath("/", info.name.removeprefix("."))


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
