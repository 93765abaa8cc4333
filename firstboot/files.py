"""Writing a file of the machine, or telling what would change."""

from firstboot.atomic_write import Owner, replace_file
from firstboot.changes import FileChange, bring_about
from firstboot.system import System


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
