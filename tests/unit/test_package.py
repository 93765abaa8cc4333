"""How a folder of debian-src/ becomes a package."""

from dataclasses import replace
from pathlib import PurePosixPath

import jinja2
import pytest

from pmx_cluster_tb.plan.package import (
    View,
    content_digest,
    digest_version,
    render,
    unversioned_package,
    versioned_package,
)
from pmx_cluster_tb.plan.types import Package
from tests.clusters import port

DEBIAN = {
    "debian/control.j2": "Package: {{ package }}\nArchitecture: all\n",
    "debian/changelog.j2": "{{ package }} ({{ version }}) unstable; urgency=medium\n\n  * Change.\n\n"
    " -- A B <a@b.example>  Sun, 22 Nov 2026 00:00:00 +0000\n",
    "debian/copyright": "free\n",
}
VIEW: View = {"package": "pmx-test", "ports": (port(0), port(1)), "nothing": ""}


def package(files: dict[str, str], view: View = VIEW) -> Package:
    source = {PurePosixPath(name): text.encode() for name, text in {**DEBIAN, **files}.items()}
    bare, changelog = unversioned_package(source, view)
    return versioned_package(bare, "1.0", changelog, view)


def contents(package: Package) -> dict[str, str]:
    return {str(file.path): file.content.decode() for file in package.files if "/doc/" not in str(file.path)}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("etc/plain", "as it {{ is", {"/etc/plain": "as it {{ is"}),
        ("etc/value.j2", "{{ package }}\n", {"/etc/value": "pmx-test\n"}),
        ("etc/empty.j2", "{{ nothing }}\n", {}),
        ("usr/@package@/x", "x", {"/usr/pmx-test/x": "x"}),
        (
            "etc/@port@.j2",
            "{{ port.path }}",
            {"/etc/en05": "pci-0000:ca:00.5", "/etc/en06": "pci-0000:ca:00.6"},
        ),
    ],
)
def test_names_say_what_a_file_becomes(name: str, text: str, expected: dict[str, str]) -> None:
    assert contents(package({name: text})) == expected


def test_a_symlink_holds_its_target() -> None:
    links = package({"etc/a.symlink": "/usr/lib/a\n"}).links
    assert [(str(link.path), str(link.target)) for link in links] == [("/etc/a", "/usr/lib/a")]


def test_what_begins_with_a_shebang_is_executable() -> None:
    files = package({"usr/sbin/run": "#!/bin/sh\n", "usr/lib/data": "#\n"}).files
    assert {file.path.name: file.mode for file in files if file.path.parts[1:3] != ("usr", "share")} == {
        "run": 0o755,
        "data": 0o644,
    }


def test_scripts_and_triggers_are_control_members() -> None:
    members = package({"debian/preinst": "#!/bin/sh\n", "debian/triggers": "interest x\n"}).members
    assert [(member.name, member.mode) for member in members] == [("preinst", 0o755), ("triggers", 0o644)]


def test_an_unknown_value_in_a_template_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="typo"):
        render(b"{{ typo }}", VIEW)


def test_the_version_stands_in_control_and_changelog() -> None:
    made = package({})
    assert made.fields[:2] == (("Package", "pmx-test"), ("Version", "1.0"))
    changelog = next(file for file in made.files if file.path.name == "changelog")
    assert changelog.content.startswith(b"pmx-test (1.0) unstable")


BASE = package({"etc/a": "1", "etc/b.symlink": "/b", "debian/triggers": "interest x\n"})


@pytest.mark.parametrize(
    "changed",
    [
        package({"etc/a": "2", "etc/b.symlink": "/b", "debian/triggers": "interest x\n"}),
        package({"etc/a": "1", "etc/b.symlink": "/c", "debian/triggers": "interest x\n"}),
        package({"etc/a": "1", "etc/b.symlink": "/b", "debian/triggers": "interest y\n"}),
        package({"etc/c": "1", "etc/b.symlink": "/b", "debian/triggers": "interest x\n"}),
        replace(BASE, files=tuple(replace(file, mode=0o600) for file in BASE.files)),
        replace(BASE, fields=(*BASE.fields, ("Depends", "x"))),
    ],
    ids=["content", "target", "member", "path", "mode", "field"],
)
def test_the_digest_covers(changed: Package) -> None:
    assert content_digest(changed) != content_digest(BASE)


def test_the_digest_leaves_out_version_and_changelog() -> None:
    other = replace(
        BASE,
        fields=tuple((name, "2.0" if name == "Version" else value) for name, value in BASE.fields),
        files=tuple(
            replace(file, content=b"other") if file.path.name == "changelog" else file for file in BASE.files
        ),
    )
    assert content_digest(other) == content_digest(BASE)
    assert digest_version("1.0", other) == digest_version("1.0", BASE)
    assert len(digest_version("1.0", BASE)) == len("1.0+") + 10
