"""Changes of files: computed first, then shown as a diff or brought about.

A power cut leaves the old file or the new one.
"""

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from firstboot.step import StepFailed
from firstboot.system import System

Owner = tuple[int, int]
"""A user's and a group's number."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """The content of a file before and after, None for no file; no path has a leading slash.

    A new file gets the mode and owner of `like`.
    """

    path: str
    before: bytes | None
    after: bytes | None
    like: str | None = None


def as_diff(change: FileChange) -> str:
    """A unified diff that a person can read; bytes that are no UTF-8 are shown as escapes."""
    before, after = (_lines(content) for content in (change.before, change.after))
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(
            before,
            after,
            "/dev/null" if change.before is None else f"a/{change.path}",
            "/dev/null" if change.after is None else f"b/{change.path}",
        )
    )


def bring_about(system: System, changes: Iterable[FileChange]) -> None:
    """Applies the changes to `system`; in a dry run only shows them. Raises StepFailed."""
    if not system.dry_run:
        apply_changes(system.root, changes)
        return
    for change in changes:
        system.say(f"would change /{change.path}:\n{as_diff(change).rstrip()}")


def apply_changes(root: Path, changes: Iterable[FileChange]) -> None:
    """Writes each file whole or not at all, with the mode and owner that it had; raises StepFailed."""
    for change in changes:
        target = real_path(root, root / change.path)
        try:
            if change.after is None:
                target.unlink(missing_ok=True)
                sync_folder(target.parent)
            else:
                _write(target, change.after, real_path(root, root / (change.like or change.path)))
        except OSError as error:
            raise StepFailed(
                f"cannot write `{target}`: {error.strerror}",
                f"make `{target.parent}` writable and see that `df {target.parent}` shows free space",
            ) from error


def write_file(
    system: System,
    path: str,
    content: bytes,
    *,
    mode: int | None = None,
    owner: Owner | None = None,
) -> None:
    """Makes the file at the machine's `path` hold `content`; in a dry run tells the difference.

    Without `mode` and `owner` a file that is there keeps its own, and a new one is 0644 and root's.
    """
    file = system.path(path)
    if system.dry_run:
        before = file.read_bytes() if file.exists() else None
        bring_about(system, [FileChange(path.lstrip("/"), before, content)])
        return
    if file.exists():
        status = file.stat()
        mode = status.st_mode & 0o7777 if mode is None else mode
        owner = owner or (status.st_uid, status.st_gid)
    replace_file(file, content, 0o644 if mode is None else mode, owner)


def real_path(root: Path, path: Path) -> Path:
    """Where a symbolic link leads to, with absolute links taken from `root`."""
    for _ in range(40):  # as many as Linux follows
        if not path.is_symlink():
            break
        link = path.readlink()
        path = root / link.relative_to("/") if link.is_absolute() else path.parent / link
    return path


def replace_file(file: Path, content: bytes, mode: int, owner: Owner | None = None) -> None:
    """Makes `file` hold `content`, on the disk when this returns; without `owner` it is this process's."""
    # hidden, and without the suffix of the original: apt, ifupdown2, udev and Proxmox VE read no such name
    beside = file.with_name(f".{file.name}.pmx-first-boot~")
    beside.unlink(missing_ok=True)
    # for root alone until it has its mode
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(content)
            new.flush()
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(target: Path, content: bytes, like: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        status = (target if target.exists() else like).stat()
    except FileNotFoundError:
        replace_file(target, content, 0o644)
    else:
        replace_file(target, content, status.st_mode & 0o7777, (status.st_uid, status.st_gid))


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "backslashreplace").splitlines(keepends=True)
