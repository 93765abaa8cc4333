"""Changes of files below a root: computed first, then shown as a diff or brought about."""

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from firstboot.steps import StepFailed
from firstboot.system import System


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
            else:
                _write(target, change.after, real_path(root, root / (change.like or change.path)))
            _sync_folder(target.parent)
        except OSError as error:
            raise StepFailed(
                f"cannot write `{target}`: {error.strerror}",
                f"make `{target.parent}` writable and see that `df {target.parent}` shows free space",
            ) from error


def real_path(root: Path, path: Path) -> Path:
    """Where a symbolic link leads to, with absolute links taken from `root`."""
    for _ in range(40):  # as many as Linux follows
        if not path.is_symlink():
            break
        link = path.readlink()
        path = root / link.relative_to("/") if link.is_absolute() else path.parent / link
    return path


def _write(target: Path, content: bytes, like: Path) -> None:
    # a hidden name, which apt and Proxmox VE pass over should a power cut leave it behind
    temporary = target.with_name(f".{target.name}.pmx-new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        # for root alone until it has its mode
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _take_over_ownership(target if target.exists() else like, descriptor)
            os.fsync(descriptor)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _take_over_ownership(file: Path, descriptor: int) -> None:
    try:
        status = file.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, 0o644)
        return
    os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, status.st_mode & 0o7777)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode("utf-8", "backslashreplace").splitlines(keepends=True)
