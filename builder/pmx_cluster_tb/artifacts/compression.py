"""gzip, and what Debian wants compressed in a package: manual pages and the changelog (Policy 12.1 and 12.7).

A plan holds texts; they are compressed when a package is written, so that nothing before that depends on the
bytes that this machine's zlib makes.
"""

import zlib
from dataclasses import replace
from pathlib import PurePosixPath

from pmx_cluster_tb.plan.package import changelog_path
from pmx_cluster_tb.plan.types import File, Package

_GZIP = 31
"""zlib's number for gzip's form, with the largest window."""

_SUFFIX = ".gz"
_MANUAL = PurePosixPath("/usr/share/man")


def gzip(content: bytes) -> bytes:
    """`content` as `gzip -9n` makes it: without a name or a time."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    return compressor.compress(content) + compressor.flush()


def compressed(package: Package) -> Package:
    """`package` as it is written: what Debian wants compressed is, and its name ends in `.gz`."""
    changelog = changelog_path(package.name)
    return _with_files(package, [_compressed(file, changelog) for file in package.files])


def uncompressed(package: Package) -> Package:
    """`package` as it was planned: the opposite of `compressed`. Raises ValueError if a part is damaged."""
    changelog = changelog_path(package.name)
    return _with_files(package, [_uncompressed(file, changelog) for file in package.files])


def _with_files(package: Package, files: list[File]) -> Package:
    return replace(package, files=tuple(sorted(files, key=lambda file: file.path)))


def _compressed(file: File, changelog: PurePosixPath) -> File:
    if not _is_wanted_compressed(file.path, changelog):
        return file
    return replace(file, path=file.path.with_name(file.path.name + _SUFFIX), content=gzip(file.content))


def _uncompressed(file: File, changelog: PurePosixPath) -> File:
    path = file.path.with_suffix("")
    if file.path.suffix != _SUFFIX or not _is_wanted_compressed(path, changelog):
        return file
    try:
        return replace(file, path=path, content=zlib.decompress(file.content, _GZIP))
    except zlib.error as error:
        raise ValueError(f"`{file.path}` in a package is no whole gzip file") from error


def _is_wanted_compressed(path: PurePosixPath, changelog: PurePosixPath) -> bool:
    return path.suffix != _SUFFIX and (path == changelog or path.is_relative_to(_MANUAL))
