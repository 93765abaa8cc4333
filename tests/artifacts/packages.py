"""Small packages for tests that need no plan."""

from pathlib import PurePosixPath

from pmx_cluster_tb.plan.types import ControlMember, File, Link, Package


def package(
    *,
    name: str = "pmx-example",
    version: str = "1.0+0123456789",
    members: tuple[ControlMember, ...] = (),
    files: tuple[File, ...] = (),
    links: tuple[Link, ...] = (),
    description: str = "example\n For tests.",
) -> Package:
    """A package with the mandatory fields."""
    return Package(
        name=name,
        version=version,
        fields=(
            ("Package", name),
            ("Version", version),
            ("Architecture", "all"),
            ("Maintainer", "Jane Doe <jane@example.org>"),
            ("Section", "net"),
            ("Priority", "optional"),
            ("Description", description),
        ),
        members=members,
        files=files,
        links=links,
    )


def file(path: str, content: bytes = b"x\n", mode: int = 0o644) -> File:
    """A file of a package."""
    return File(PurePosixPath(path), content, mode)


def link(path: str, target: str) -> Link:
    """A symbolic link of a package."""
    return Link(PurePosixPath(path), PurePosixPath(target))


def script(name: str, text: str = "#!/bin/sh\nset -e\n", mode: int = 0o755) -> ControlMember:
    """A maintainer script."""
    return ControlMember(name, text.encode(), mode)
