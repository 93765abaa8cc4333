"""The step that takes a node from the enterprise repositories to those that need no subscription."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from firstboot.apt_sources.keys import ARCHIVE_KEYRING
from firstboot.apt_sources.repository_changes import NodeFacts, repository_changes
from firstboot.changes import FileChange, bring_about, real_path
from firstboot.commands import output_of
from firstboot.settings import Settings
from firstboot.step import Step, StepFailed
from firstboot.system import System

_LIST = "etc/apt/sources.list"
_FOLDER = "etc/apt/sources.list.d"
# apt passes over all other names (apt-pkg's GetListOfFilesInDir)
_READ_BY_APT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(list|sources)")
_KEY_FOLDERS = ("usr/share/keyrings", "etc/apt/keyrings", "etc/apt/trusted.gpg.d")
_KEY_FILE = re.compile(r"(?<![^\s=,])/[^\s,\]\"]+")
_APT = "/usr/bin/apt-get"
_REMEDY = "correct what it names below /etc/apt, so that `apt-get update` succeeds, then reboot"
# before the 76pveproxy that Proxmox VE makes of `http_proxy` in datacenter.cfg: of two, the last one counts
_PROXY_FILE = "etc/apt/apt.conf.d/75pmx-proxy"
_PROXY = """// From `install.apt-proxy` of the cluster file. Without this file apt asks the hosts themselves.
Acquire::http::Proxy "{proxy}";
"""
_CEPH_RELEASES = "usr/share/perl5/PVE/Ceph/Releases.pm"


def repositories_step(settings: Settings) -> Step:
    """Enterprise off and no-subscription on, for Proxmox VE and Ceph, in the apt sources of the node."""
    return Step(
        name="repositories",
        is_done=lambda system: not changes_of_repositories(system.root, settings) and not _refusal(system),
        do=lambda system: _make_usable(system, settings),
        deadline=settings.deadlines["repositories"],
    )


def changes_of_repositories(root: Path, settings: Settings) -> list[FileChange]:
    """What the step would change: apt's proxy and its sources."""
    files = apt_sources(root)
    changed = repository_changes(files, node_facts(root, files), settings.mirrors)
    sources = [FileChange(path, files.get(path), content) for path, content in sorted(changed.items())]
    return [*_proxy_change(root, settings.apt_proxy), *sources]


def _make_usable(system: System, settings: Settings) -> None:
    bring_about(system, changes_of_repositories(system.root, settings))
    if not system.dry_run and (refusal := _refusal(system)):
        raise refusal


def _refusal(system: System) -> StepFailed | None:
    """Why apt reads no sources at all, in its own words; None if it does, or is not there to ask."""
    if not system.path(_APT).exists():
        return None
    try:
        output_of(system, ["apt-get", "indextargets"])
    except StepFailed as error:
        return StepFailed(error.message, _REMEDY, hopeless=True)
    return None


def _proxy_change(root: Path, proxy: str | None) -> Iterator[FileChange]:
    file = root / _PROXY_FILE
    before = file.read_bytes() if file.is_file() else None
    after = _PROXY.format(proxy=proxy).encode() if proxy else None
    if before != after:
        yield FileChange(_PROXY_FILE, before, after)


def apt_sources(root: Path) -> dict[str, bytes]:
    """The files below `root` that apt reads its sources from, by their path without a leading slash.

    A file that has several names by links is there once, by the first: it cannot hold an entry twice.
    """
    folder = root / _FOLDER
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    paths = [_LIST, *(f"{_FOLDER}/{name}" for name in names if _READ_BY_APT.fullmatch(name))]
    real_paths = {path: real_path(root, root / path) for path in paths}
    first = {real.resolve(): path for path, real in reversed(real_paths.items())}
    found = {path: real_paths[path] for path in reversed(first.values())}
    return {path: real.read_bytes() for path, real in found.items() if real.is_file()}


def node_facts(root: Path, files: Mapping[str, bytes]) -> NodeFacts:
    """What the system below `root` says of itself; `files` are its apt sources."""
    status = _text(root / "var/lib/dpkg/status")
    return NodeFacts(
        codename=_codename(root),
        key_files=frozenset(_key_files(root, files)),
        default_ceph=_default_ceph(_text(root / _CEPH_RELEASES)),
        installed_ceph=int(_field_of_package(status, "ceph-base", r"Version: (?:\d+:)?(\d+)\.") or 0),
        architecture=_field_of_package(status, "dpkg", r"Architecture: (\S+)") or "amd64",
    )


def _codename(root: Path) -> str:
    text = _text(root / "etc/os-release") or _text(root / "usr/lib/os-release")
    match = re.search(r"^VERSION_CODENAME=[\"']?([A-Za-z0-9-]+)", text, re.MULTILINE)
    if not match:
        raise StepFailed(f"`{root / 'etc/os-release'}` has no `VERSION_CODENAME`", "is this a Debian system?")
    return match[1]


def _key_files(root: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    named = {path for content in files.values() for path in _KEY_FILE.findall(content.decode("latin-1"))}
    yield from (path for path in {*named, ARCHIVE_KEYRING} if (root / path[1:]).is_file())
    for folder in _KEY_FOLDERS:
        yield from (f"/{path.relative_to(root)}" for path in (root / folder).glob("*"))


def _default_ceph(perl: str) -> str:
    # pve-manager's table of Ceph releases, in which one is marked
    name = ""
    for line in perl.splitlines():
        if match := re.match(r"\s*'?([a-z]+)'?\s*=>\s*\{", line):
            name = match[1]
        elif re.match(r"\s*'current-backend-default'\s*=>\s*1\b", line):
            return name
    return ""


def _field_of_package(status: str, package: str, pattern: str) -> str:
    paragraph = re.search(
        rf"^Package: {package}\nStatus: install ok installed\n(.+\n)+", status, re.MULTILINE
    )
    field = re.search(f"^{pattern}", paragraph.group(), re.MULTILINE) if paragraph else None
    return field[1] if field else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
