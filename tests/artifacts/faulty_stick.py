"""A file system that mirrors a folder and does one thing wrong, for Debian's own Python (python3-fuse).

`/usr/bin/python3 faulty_stick.py FOLDER FAULT MOUNTPOINT -f`, with FAULT one of
`corrupt` (a byte of each large file is another one when it is read), `eio:BYTES` (every write fails after so
many bytes),
`full:BYTES` (no space after so many bytes), `largest:BYTES` (no file may be larger), `none`.
"""

import errno
import os
import sys
from pathlib import Path

import fuse  # type: ignore[import-not-found]  # Debian's, not of the environment of the tests

fuse.fuse_python_api = (0, 2)
CORRUPTED_FROM = 200_000


class FaultyStick(fuse.Fuse):  # type: ignore[misc]
    """The calls that a bundle makes, passed on to `folder`."""

    def __init__(self, folder: str, fault: str) -> None:
        super().__init__()
        self.folder = folder
        self.fault, _, number = fault.partition(":")
        self.number = int(number or 0)
        self.written = 0

    def real(self, path: str) -> Path:
        return Path(self.folder + path)

    def getattr(self, path: str) -> os.stat_result:
        return os.lstat(self.real(path))

    def readdir(self, path: str, _offset: int) -> "list[object]":
        return [fuse.Direntry(name) for name in (".", "..", *(one.name for one in self.real(path).iterdir()))]

    def open(self, path: str, flags: int) -> None:
        os.close(os.open(self.real(path), flags & os.O_ACCMODE))

    def create(self, path: str, _flags: int, mode: int) -> None:
        os.close(os.open(self.real(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode))

    def read(self, path: str, size: int, offset: int) -> bytes:
        with self.real(path).open("rb") as file:
            file.seek(offset)
            data = bytearray(file.read(size))
        if self.fault == "corrupt" and offset <= CORRUPTED_FROM < offset + len(data):
            data[CORRUPTED_FROM - offset] ^= 1
        return bytes(data)

    def write(self, path: str, data: bytes, offset: int) -> int:
        self.written += len(data)
        if self.fault == "eio" and self.written > self.number:
            return -errno.EIO
        if self.fault == "full" and self.written > self.number:
            return -errno.ENOSPC
        if self.fault == "largest" and offset + len(data) > self.number:
            return -errno.EFBIG
        with self.real(path).open("r+b") as file:
            file.seek(offset)
            return file.write(data)

    def truncate(self, path: str, size: int) -> None:
        os.truncate(self.real(path), size)

    def rename(self, old: str, new: str) -> None:
        self.real(old).replace(self.real(new))

    def unlink(self, path: str) -> None:
        self.real(path).unlink()

    def mkdir(self, path: str, mode: int) -> None:
        self.real(path).mkdir(mode)

    def rmdir(self, path: str) -> None:
        self.real(path).rmdir()

    def fsync(self, _path: str, _data_only: int) -> None:
        """Nothing is kept back here."""

    def statfs(self) -> os.statvfs_result:
        return os.statvfs(self.folder)


def main() -> None:
    """Serves until it is unmounted."""
    folder, fault = sys.argv[1:3]
    del sys.argv[1:3]
    server = FaultyStick(folder, fault)
    server.parse(values=server, errex=1)
    server.multithreaded = False
    server.main()


if __name__ == "__main__":
    main()
