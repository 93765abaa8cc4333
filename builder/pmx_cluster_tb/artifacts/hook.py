"""The first-boot file: the program of firstboot/, a node's settings and its packages in one executable.

It is a script whose interpreter is Python, followed by a zip archive that Python runs (`zipapp` in its
standard library makes the same form, but not reproducibly). Its modules are compressed, once for all nodes;
packages are compressed already.
"""

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import PurePosixPath

from pmx_cluster_tb.plan.types import FirstBootSettings, SourceTree, Table
from pmx_cluster_tb.problems import UserError

SHEBANG = b"#!/usr/bin/python3 -IB\n"
"""Isolated: neither the environment nor the current folder adds modules; and no byte code is written."""

MAX_BYTES = 1024 * 1024
"""The largest hook that the installer takes (pve-installer's auto-install assistant)."""

PACKAGE_FOLDER = "packages"
NODE_FOLDER = "nodes"
NODES_NAME = "nodes.json"
NODES_SCHEMA = 1
SETTINGS_NAME = "settings.json"
PROGRAM_FOLDER = "firstboot"
_MAIN = PurePosixPath("__main__.py")


def hook_bytes(
    program: SourceTree, settings: FirstBootSettings, debs: Mapping[str, bytes], date: datetime
) -> bytes:
    """The first-boot file for one node.

    `program` holds the modules of firstboot/, `debs` the packages that `settings` name, by file name; every
    time in it is `date`. Raises UserError if it is larger than `MAX_BYTES`.
    """
    content = _with_members(_packed(tuple(sorted(program.items())), date), _members(settings, debs), date)
    if len(content) > MAX_BYTES:
        raise UserError(
            f"the first-boot file of node `{settings.table['node']}` has {len(content)} bytes, "
            f"and the installer takes {MAX_BYTES} at most"
        )
    return content


@dataclass(frozen=True, slots=True)
class SharedNode:
    """A node of a first-boot file for several, told by the MAC address of its NIC."""

    name: str
    mac: str
    settings: FirstBootSettings


def shared_hook_bytes(
    program: SourceTree, nodes: Sequence[SharedNode], debs: Mapping[str, bytes], date: datetime
) -> bytes:
    """The first-boot file for all of `nodes`, of whatever size.

    On a node it makes itself the file that `hook_bytes` gives for that node, and starts again. Instead of
    `settings.json` it has `nodes/<name>/settings.json` for each node, and `nodes.json`, which names them.
    """
    named = {"schema": NODES_SCHEMA, "nodes": [{"node": node.name, "mac": node.mac} for node in nodes]}
    members = {
        NODES_NAME: json.dumps(named, indent=2).encode() + b"\n",
        **{
            f"{NODE_FOLDER}/{node.name}/{SETTINGS_NAME}": _settings_text(node.settings, debs)
            for node in nodes
        },
        **_packages(debs),
    }
    return _with_members(_packed(tuple(sorted(program.items())), date), members, date)


def settings_with_digests(settings: FirstBootSettings, debs: Mapping[str, bytes]) -> Table:
    """What settings.json holds: `settings`, and for each package the SHA-256 of its file."""
    packages = settings.table["packages"]
    assert isinstance(packages, list)  # noqa: S101
    return {
        **settings.table,
        "packages": [
            {**package, "sha256": hashlib.sha256(debs[package["file"]]).hexdigest()} for package in packages
        ],
    }


def _members(settings: FirstBootSettings, debs: Mapping[str, bytes]) -> dict[str, bytes]:
    return {SETTINGS_NAME: _settings_text(settings, debs), **_packages(debs)}


def _settings_text(settings: FirstBootSettings, debs: Mapping[str, bytes]) -> bytes:
    return json.dumps(settings_with_digests(settings, debs), indent=2).encode() + b"\n"


def _packages(debs: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{PACKAGE_FOLDER}/{name}": content for name, content in debs.items()}


@lru_cache(maxsize=1)
def _packed(program: tuple[tuple[PurePosixPath, bytes], ...], date: datetime) -> bytes:
    file = io.BytesIO()
    file.write(SHEBANG)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in program:
            # Python runs the one at the top
            name = str(path) if path == _MAIN else f"{PROGRAM_FOLDER}/{path}"
            archive.writestr(_member(name, date), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _with_members(packed: bytes, members: Mapping[str, bytes], date: datetime) -> bytes:
    file = io.BytesIO(packed)
    with zipfile.ZipFile(file, "a") as archive:
        for name, content in sorted(members.items()):
            # the settings of many nodes differ little
            many = name.startswith(f"{NODE_FOLDER}/")
            method = zipfile.ZIP_DEFLATED if many else zipfile.ZIP_STORED
            archive.writestr(_member(name, date), content, method)
    return file.getvalue()


def _member(name: str, date: datetime) -> zipfile.ZipInfo:
    utc = date.astimezone(UTC)
    info = zipfile.ZipInfo(name, (utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second))
    info.create_system = 3  # Unix, on every system
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info
