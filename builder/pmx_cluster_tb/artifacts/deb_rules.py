"""What dpkg asks of a package (dpkg-deb's checks, deb-control(5), deb-version(7)), and we of our own."""

import re
from collections import Counter
from collections.abc import Iterator

from pmx_cluster_tb.plan.types import Package

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+~-]*")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
_MANDATORY_FIELDS = ("Package", "Version", "Architecture", "Maintainer", "Description")
_COMPUTED_FIELDS = ("Installed-Size",)
_SCRIPTS = frozenset({"preinst", "postinst", "prerm", "postrm"})
_MEMBERS = _SCRIPTS | {"triggers"}


def package_faults(package: Package) -> list[str]:
    """Why dpkg, or our own rule against conffiles, would refuse `package`; empty for a good one."""
    return [*_field_faults(package), *_member_faults(package), *_path_faults(package), *_mode_faults(package)]


def _field_faults(package: Package) -> Iterator[str]:
    if not _NAME.fullmatch(package.name):
        yield f"`{package.name}` is no package name"
    if not _VERSION.fullmatch(package.version):
        yield f"`{package.version}` is no version of a native package"
    fields = dict(package.fields)
    if len(fields) < len(package.fields):
        yield "a field occurs twice"
    yield from (f"field {name} is missing" for name in _MANDATORY_FIELDS if not fields.get(name))
    yield from (f"field {name} is computed" for name in _COMPUTED_FIELDS if name in fields)
    if (fields.get("Package"), fields.get("Version")) != (package.name, package.version):
        yield "the fields name another package or version"


def _member_faults(package: Package) -> Iterator[str]:
    names = [member.name for member in package.members]
    yield from (f"`{name}` is no script and no triggers file" for name in names if name not in _MEMBERS)
    yield from (f"control member `{name}` occurs twice" for name in _repeated(names))
    for member in package.members:
        wanted = 0o755 if member.name in _SCRIPTS else 0o644
        if member.mode != wanted:
            # dpkg-deb turns the modes of all control members into these two
            yield f"{member.name} has mode {member.mode:04o}, not {wanted:04o}"
        if member.name in _SCRIPTS and not member.content.startswith(b"#!"):
            yield f"{member.name} names no interpreter"


def _path_faults(package: Package) -> Iterator[str]:
    paths = [*(str(file.path) for file in package.files), *(str(link.path) for link in package.links)]
    yield from (f"`{path}` is two things" for path in _repeated(paths))
    folders = {folder for path in paths for folder in _above(path)}
    for path in paths:
        if path in folders:
            yield f"`{path}` is a file and a folder"
        if not path.startswith("/") or ".." in path.split("/"):
            yield f"`{path}` is not absolute"
        if path.startswith("/DEBIAN/"):
            yield f"`{path}` is in dpkg's own folder"
    texts = [*paths, *(str(link.target) for link in package.links)]
    yield from (f"{text!r} holds a control character" for text in texts if _CONTROL_CHARACTER.search(text))


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _mode_faults(package: Package) -> Iterator[str]:
    for file in package.files:
        if file.mode & ~0o777:
            yield f"`{file.path}` has mode {file.mode:04o}: only permission bits are allowed"


def _repeated(items: list[str]) -> list[str]:
    return [item for item, count in Counter(items).items() if count > 1]
