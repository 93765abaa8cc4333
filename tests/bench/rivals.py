"""The same package for other tools: what they need on disk before they start."""

from pathlib import Path

from pmx_cluster_tb.artifacts.compression import compressed
from pmx_cluster_tb.artifacts.deb import control_text, md5sums
from pmx_cluster_tb.plan.types import Package

_DOC = "/usr/share/doc/"


def stage_for_dpkg_deb(package: Package, folder: Path) -> Path:
    """The tree that `dpkg-deb --build` packs, control archive and all."""
    package = compressed(package)
    _stage_files(package, folder)
    _write(folder / "DEBIAN/control", control_text(package).encode())
    _write(folder / "DEBIAN/md5sums", md5sums(package))
    for member in package.members:
        _write(folder / "DEBIAN" / member.name, member.content, member.mode)
    return folder


def stage_for_debhelper(package: Package, folder: Path) -> Path:
    """A source package whose rules install the same files with a bare `dh`."""
    source = folder / "source"
    _stage_files(package, source / "tree")
    fields = dict(package.fields)
    head = ("Maintainer", "Section", "Priority")
    _write(
        source / "debian/control",
        _paragraph({"Source": package.name, **{name: fields[name] for name in head}})
        + b"Build-Depends: debhelper-compat (= 13)\nStandards-Version: 4.6.2\n\n"
        + _paragraph({name: value for name, value in fields.items() if name not in {*head, "Version"}}),
    )
    _write(
        source / "debian/changelog",
        f"{package.name} ({package.version}) unstable; urgency=medium\n\n  * Measured.\n\n"
        f" -- {fields['Maintainer']}  Sun, 22 Nov 2026 00:00:00 +0000\n".encode(),
    )
    _write(source / "debian/source/format", b"3.0 (native)\n")
    rules = (
        f"#!/usr/bin/make -f\n%:\n\tdh $@\noverride_dh_auto_install:\n\tcp -a tree/. debian/{package.name}/\n"
    )
    _write(source / "debian/rules", rules.encode(), 0o755)
    for member in package.members:
        _write(source / "debian" / member.name, member.content, member.mode)
    return source


def _stage_files(package: Package, folder: Path) -> None:
    for file in package.files:
        # debhelper makes changelog and copyright itself
        if not str(file.path).startswith(_DOC) or folder.name != "tree":
            _write(folder / str(file.path)[1:], file.content, file.mode)
    for link in package.links:
        path = folder / str(link.path)[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(link.target)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _paragraph(fields: dict[str, str]) -> bytes:
    return "".join(f"{name}: {value}\n" for name, value in fields.items()).encode()
