"""Packages, made by dpkg-deb from a tree."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_FIELDS = """\
Package: {name}
Version: {version}
Architecture: amd64
Maintainer: Jane Doe <jane@example.org>
Section: admin
Priority: optional
"""


def write_deb(
    target: Path,
    tree: Path,
    name: str,
    version: str,
    *,
    depends: str = "",
    scripts: Mapping[str, str] | None = None,
) -> Path:
    """Writes `tree` as a package into the folder `target`; what is in its etc/ becomes conffiles."""
    control = tree / "DEBIAN"
    shutil.rmtree(control, ignore_errors=True)
    control.mkdir(parents=True)
    fields = _FIELDS.format(name=name, version=version) + (f"Depends: {depends}\n" if depends else "")
    (control / "control").write_text(f"{fields}Description: stand-in for Proxmox's {name}\n")
    conffiles = sorted(path for path in (tree / "etc").rglob("*") if path.is_file())
    if conffiles:
        (control / "conffiles").write_text("".join(f"/{path.relative_to(tree)}\n" for path in conffiles))
    for script, text in (scripts or {}).items():
        (control / script).write_text(f"#!/bin/sh\nset -e\n{text}")
        (control / script).chmod(0o755)
    deb = target / f"{name}_{version}_amd64.deb"
    target.mkdir(parents=True, exist_ok=True)
    build = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z3", "--build", str(tree), str(deb)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    return deb
