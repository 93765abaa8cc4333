"""From a folder of debian-src/ to a `Package`.

The folder is laid out as its package lands on the node. What its names say:

* `debian/` holds control, changelog, copyright, lintian-overrides, maintainer scripts and triggers;
* `X.j2` is a template of `X`; one that renders to nothing makes no file;
* `X.symlink` holds the target of a symbolic link `X`: absolute, but relative within one top-level folder;
* `@port@` in a path makes one file for each port of the node, `@package@` is the package's name;
* a text that begins with `#!` is executable.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePosixPath

import jinja2
from debian.changelog import Changelog
from debian.deb822 import Deb822

from pmx_cluster_tb.plan.types import ControlMember, File, Link, Package

View = Mapping[str, object]
"""The values that templates name."""

_SCRIPTS = {"preinst", "postinst", "prerm", "postrm"}
_VERSION_DIGITS = 10
_DOCUMENTATION = PurePosixPath("/usr/share/doc")


@dataclass(frozen=True, slots=True)
class _Rendered:
    path: PurePosixPath
    content: bytes

    @property
    def mode(self) -> int:
        return 0o755 if self.content.startswith(b"#!") else 0o644


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(  # noqa: S701 - the templates are no HTML
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _template(text: bytes) -> jinja2.Template:
    return _environment().from_string(text.decode())


def render(text: bytes, view: View) -> bytes:
    """The template `text` with the values of `view`; nothing but white space becomes empty."""
    rendered = _template(text).render(view)
    return rendered.encode() if rendered.strip() else b""


def _views(path: PurePosixPath, view: View) -> Iterator[View]:
    if "@port@" not in str(path):
        yield view
        return
    ports = view["ports"]
    assert isinstance(ports, tuple)  # noqa: S101
    for port in ports:
        yield {**view, "port": port}


def _path(path: PurePosixPath, view: View) -> PurePosixPath:
    text = str(path).replace("@package@", str(view["package"]))
    if "@port@" in text:
        text = text.replace("@port@", view["port"].name)  # type: ignore[attr-defined]
    return PurePosixPath(text)


def _rendered(source: Mapping[PurePosixPath, bytes], view: View) -> Iterator[_Rendered]:
    for path, content in source.items():
        for one in _views(path, view):
            if path.suffix != ".j2":
                yield _Rendered(_path(path, one), content)
            elif text := render(content, one):
                yield _Rendered(_path(path.with_suffix(""), one), text)


def changelog_path(name: str) -> PurePosixPath:
    """Where the package `name` has its changelog, before it is compressed."""
    return _DOCUMENTATION / name / "changelog"


def without_version(package: Package) -> Package:
    """What the package installs and does: without its version, and the changelog, which says no more."""
    return replace(
        package,
        version="",
        fields=tuple((name, value) for name, value in package.fields if name != "Version"),
        files=tuple(file for file in package.files if file.path != changelog_path(package.name)),
    )


def content_digest(package: Package) -> str:
    """SHA-256 of what the package installs and does: all but its version."""
    package = without_version(package)
    parts = [
        [[name, value] for name, value in package.fields],
        [[member.name, member.mode, _sha256(member.content)] for member in package.members],
        [[str(file.path), file.mode, _sha256(file.content)] for file in package.files],
        [[str(link.path), str(link.target)] for link in package.links],
    ]
    return _sha256(json.dumps(parts).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _documentation(name: str, debian: Mapping[str, bytes]) -> Iterator[File]:
    yield File(_DOCUMENTATION / name / "copyright", debian["copyright"])
    if "lintian-overrides" in debian:
        yield File(PurePosixPath("/usr/share/lintian/overrides") / name, debian["lintian-overrides"])


def _split(rendered: list[_Rendered]) -> tuple[dict[str, bytes], list[File], list[Link]]:
    debian: dict[str, bytes] = {}
    files: list[File] = []
    links: list[Link] = []
    for one in rendered:
        path = PurePosixPath("/") / one.path
        if one.path.parts[0] == "debian":
            debian[one.path.name] = one.content
        elif path.suffix == ".symlink":
            links.append(Link(path.with_suffix(""), PurePosixPath(one.content.decode().strip())))
        else:
            files.append(File(path, one.content, one.mode))
    return debian, files, links


def _members(debian: Mapping[str, bytes]) -> Iterator[ControlMember]:
    for name in sorted(debian.keys() & (_SCRIPTS | {"triggers"})):
        yield ControlMember(name, debian[name], 0o755 if name in _SCRIPTS else 0o644)


def _fields(control: bytes) -> tuple[tuple[str, str], ...]:
    # Deb822 refuses values that would smuggle in another field
    paragraph = Deb822(control)
    return tuple((str(name), str(value)) for name, value in paragraph.items())


def unversioned_package(
    source: Mapping[PurePosixPath, bytes], view: View, generated: tuple[File, ...] = ()
) -> tuple[Package, bytes]:
    """The package without version and changelog, and the template of its changelog.

    `generated` are files whose content is data, not text from a template.
    """
    source = dict(source)
    changelog = source.pop(PurePosixPath("debian/changelog.j2"))
    debian, files, links = _split(list(_rendered(source, view)))
    name = str(view["package"])
    files += [*generated, *_documentation(name, debian)]
    package = Package(
        name=name,
        version="",
        fields=_fields(debian["control"]),
        members=tuple(_members(debian)),
        files=tuple(sorted(files, key=lambda file: file.path)),
        links=tuple(sorted(links, key=lambda link: link.path)),
    )
    return package, changelog


def versioned_package(package: Package, version: str, changelog: bytes, view: View) -> Package:
    """`package` with its Version field, and the changelog that the template `changelog` gives."""
    text = render(changelog, {**view, "version": version})
    history = str(Changelog(text.decode(), strict=True)).encode()
    files = (*package.files, File(changelog_path(package.name), history))
    first, *rest = package.fields
    return replace(
        package,
        version=version,
        fields=(first, ("Version", version), *rest),
        files=tuple(sorted(files, key=lambda file: file.path)),
    )


def digest_version(base: str, package: Package) -> str:
    """`<base>+<digest>`: rises with nothing, but differs exactly when the content does."""
    return f"{base}+{content_digest(package)[:_VERSION_DIGITS]}"
