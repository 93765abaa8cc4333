"""What a folder holds, to compare."""

from pathlib import Path


def tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Mode and content by path of everything below `folder`; folders have no content."""
    return {
        path.relative_to(folder).as_posix(): (
            path.lstat().st_mode & 0o7777,
            path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
    }
