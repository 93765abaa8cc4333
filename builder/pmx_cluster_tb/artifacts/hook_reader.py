"""Reading a first-boot file back."""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from pmx_cluster_tb.artifacts.hook import (
    NODE_FOLDER,
    NODES_NAME,
    NODES_SCHEMA,
    PACKAGE_FOLDER,
    SETTINGS_NAME,
)
from pmx_cluster_tb.plan.first_boot import SETTINGS_SCHEMA
from pmx_cluster_tb.plan.types import Table
from pmx_cluster_tb.problems import BadInput

_HINT = "copy it again, or build it again"
_END_OF_ZIP = b"PK\x05\x06"
_PACKAGES = f"{PACKAGE_FOLDER}/"

# what zipfile raises for bytes that are not an archive, or not of a kind that it knows
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    RuntimeError,
    OverflowError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What a first-boot file holds. `program` are its modules by path, `debs` its packages by file name."""

    settings: Table = field(repr=False)
    """The content of settings.json; it may hold secrets."""
    program: Mapping[str, bytes] = field(repr=False)
    debs: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedHook:
    """What a first-boot file for several nodes holds: each one's, and its MAC address, by node."""

    hooks: Mapping[str, Hook] = field(repr=False)
    macs: Mapping[str, str]


def is_hook(content: bytes) -> bool:
    """Whether `content` begins as a first-boot file does: a Python script that is no text."""
    first_line, _, rest = content.partition(b"\n")
    return first_line.startswith(b"#!") and b"python3" in first_line and rest.startswith(b"PK\x03\x04")


def read_hook(content: bytes, name: str) -> Hook:
    """The parts of one node's first-boot file `content`, which messages call `name`; raises BadInput."""
    hook = read_any_hook(content, name)
    if isinstance(hook, SharedHook):
        raise BadInput(f"`{name}` is the first-boot file of several nodes: {', '.join(hook.hooks)}")
    return hook


def read_any_hook(content: bytes, name: str) -> Hook | SharedHook:
    """The same for a file that may serve several nodes."""
    if not is_hook(content):
        raise BadInput(f"`{name}` is no first-boot file")
    if _END_OF_ZIP not in content:
        raise BadInput(f"`{name}` is damaged: its end is missing", _HINT)
    try:
        members = _members(content)
        if NODES_NAME in members:
            return _shared_hook(members, name)
        settings = json.loads(members.pop(SETTINGS_NAME))
        digests = _digests(settings, name)
    except _DAMAGE as error:
        raise BadInput(f"`{name}` is damaged: {error}", _HINT) from error
    debs = {path.removeprefix(_PACKAGES): members.pop(path) for path in _in_folder(members)}
    _check_packages(digests, debs, name)
    return Hook(settings=settings, program=members, debs=debs)


def _shared_hook(members: dict[str, bytes], name: str) -> SharedHook:
    """Raises BadInput, or something of `_DAMAGE`."""
    table = json.loads(members.pop(NODES_NAME))
    if not isinstance(table, dict) or table.get("schema") != NODES_SCHEMA:
        raise BadInput(f"`{name}` has a list of nodes that was made by another release")
    try:
        macs = {str(node["node"]): str(node["mac"]) for node in table["nodes"]}
    except TypeError as error:
        raise ValueError("its list of nodes is none") from error
    settings = {node: json.loads(members.pop(f"{NODE_FOLDER}/{node}/{SETTINGS_NAME}")) for node in macs}
    digests = {node: _digests(one, name) for node, one in settings.items()}
    debs = {path.removeprefix(_PACKAGES): members.pop(path) for path in _in_folder(members)}
    _check_packages({file: digest for one in digests.values() for file, digest in one.items()}, debs, name)
    hooks = {
        node: Hook(settings=one, program=members, debs={file: debs[file] for file in digests[node]})
        for node, one in settings.items()
    }
    return SharedHook(hooks=hooks, macs=macs)


def _check_packages(digests: Mapping[str, str], debs: Mapping[str, bytes], name: str) -> None:
    if digests != {file: hashlib.sha256(deb).hexdigest() for file, deb in debs.items()}:
        raise BadInput(f"`{name}` is damaged: its packages are not those that its settings name", _HINT)


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _in_folder(members: Mapping[str, bytes]) -> list[str]:
    return [path for path in members if path.startswith(_PACKAGES)]


def _digests(settings: object, name: str) -> dict[str, str]:
    """SHA-256 by file name, as the settings say; raises ValueError or KeyError if they are none."""
    if not isinstance(settings, dict):
        raise ValueError("its settings are no table")  # noqa: TRY004 - one kind of error for damage
    if settings.get("schema") != SETTINGS_SCHEMA:
        raise BadInput(
            f"`{name}` has settings of version {settings.get('schema')!r}, made by another release"
        )
    texts = [settings["cluster"], settings["node"]]
    try:
        packages = cast("list[dict[str, str]]", settings["packages"])
        texts += [package[key] for package in packages for key in ("name", "version", "file", "sha256")]
    except TypeError as error:
        raise ValueError("its settings name no packages") from error
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("its settings hold something else than text")
    return {package["file"]: package["sha256"] for package in packages}
