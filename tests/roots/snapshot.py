"""What a tree holds, to compare it before and after."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One path: `kind` as `ls -l` writes it; `content` is a SHA-256, a link's target, or empty."""

    kind: str
    mode: int
    owner: tuple[int, int]
    content: str

    def __str__(self) -> str:
        return f"{self.kind} {self.mode:04o} {self.owner[0]}:{self.owner[1]} {self.content[:60]}"


Snapshot = Mapping[str, Entry]
"""Entries by absolute path."""

_hashes: dict[tuple[str, int, int, int], str] = {}


def snapshot(root: Path) -> Snapshot:
    """Every path below `root`."""
    return dict(_entries(os.fspath(root), ""))


def differences(before: Snapshot, after: Snapshot) -> dict[str, str]:
    """How each path differs: `- entry`, `+ entry`, or `entry -> entry`."""
    return {
        path: _difference(before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }


def _difference(old: Entry | None, new: Entry | None) -> str:
    if old is None:
        return f"+ {new}"
    return f"- {old}" if new is None else f"{old} -> {new}"


def _entries(root: str, folder: str) -> Iterator[tuple[str, Entry]]:
    with os.scandir(root + folder) as found:
        for each in found:
            path = f"{folder}/{each.name}"
            yield path, _entry(root, path)
            if each.is_dir(follow_symlinks=False):
                yield from _entries(root, path)


def _entry(root: str, path: str) -> Entry:
    status = os.lstat(root + path)
    return Entry(
        kind=stat.filemode(status.st_mode)[0],
        mode=stat.S_IMODE(status.st_mode),
        owner=(status.st_uid, status.st_gid),
        content=_content(root, path, status),
    )


def _content(root: str, path: str, status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(root + path)  # noqa: PTH115 - twenty thousand of them
    if not stat.S_ISREG(status.st_mode):
        return ""
    # packages set the time of modification, nobody that of change
    key = (path, status.st_size, status.st_ctime_ns, status.st_ino)
    if key not in _hashes:
        _hashes[key] = hashlib.sha256(Path(root + path).read_bytes()).hexdigest()
    return _hashes[key]
