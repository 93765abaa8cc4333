"""Ways to break the product, each with what the story must say then.

A mutation changes what `bundle` made, or a finished node, and nothing of the tests. Its kind says where it
starts from: `OnMedium` from an empty machine, `OnHook` from one that was installed once for all of them and
is off, `OnNode` from two nodes of a ring that were frozen as they ran.
"""

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pmx_cluster_tb.artifacts.iso.read import iso_members
from tests.vm.words import GENUINE, STAND_IN

Hook = dict[str, bytes]
"""The members of a first-boot file by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnMedium:
    """Changes the answer or the hook of an ISO, None for none; `cause` is a pattern of what must be said.

    Those that are `refused` end before anything is written. The `quick` ones of all kinds are tried at every
    run: test_refusals.py has the same ends, and `standin/test_answers.py` what is misspelt.
    """

    name: str
    cause: str
    answer: Callable[[str], str] = str
    hook: Callable[[bytes], bytes | None] = bytes
    refused: bool = False
    quick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OnHook:
    """Changes the first-boot hook of a node that is installed."""

    name: str
    cause: str
    hook: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnNode:
    """Changes pve2 in the ring by a shell command, before the cable in its en06 comes anew."""

    name: str
    cause: str
    command: str
    quick: bool = False


def replaced(pattern: str, text: str) -> Callable[[str], str]:
    """Another answer; fails if `pattern` is not in it, which would be no mutation."""

    def change(answer: str) -> str:
        changed, count = re.subn(pattern, text, answer)
        assert count, pattern
        return changed

    return change


def without_step(name: str, **deadlines_s: int) -> Callable[[bytes], bytes]:
    """A hook that leaves a step off, with other deadlines for those that miss it."""

    def change(hook: bytes) -> bytes:
        members = _members(hook)
        steps = members["firstboot/steps/__init__.py"].decode()
        changed, count = re.subn(rf"\n        {name}_step\([^\n]*\),", "", steps)
        assert count == 1, name
        members["firstboot/steps/__init__.py"] = changed.encode()
        return _packed(hook, _hasty(members, deadlines_s))

    return change


def without_package(name: str) -> Callable[[bytes], bytes]:
    """A hook in which the package whose name matches `name` is missing."""

    def change(hook: bytes) -> bytes:
        members = _members(hook)
        (found,) = (one for one in members if re.match(f"packages/{name}_", one))
        del members[found]
        return _packed(hook, _hasty(members, {"node-package": 120}))

    return change


def _hasty(members: Hook, deadlines_s: Mapping[str, int]) -> Hook:
    settings = json.loads(members["settings.json"])
    settings["deadlines_s"] |= deadlines_s
    return {**members, "settings.json": json.dumps(settings).encode()}


def of_another_node(hook: bytes) -> bytes:
    """A hook that was made for pve2."""
    members = _members(hook)
    members["settings.json"] = members["settings.json"].replace(b'"pve1"', b'"pve2"', 1)
    return _packed(hook, members)


ON_MEDIUM = (
    OnMedium(
        name="another serial in the answer",
        answer=replaced("PMXTARGET1", "PMXTARGET9"),
        cause=f"{STAND_IN.no_disk}|{GENUINE.no_disk}",
        refused=True,
    ),
    OnMedium(
        name="another NIC in the answer",
        answer=replaced("enx525400aa0001", "enx525400aa0009"),
        cause=f"{STAND_IN.no_nic}|{GENUINE.no_nic}",
        refused=True,
    ),
    OnMedium(
        name="a misspelt key in the answer",
        answer=replaced("reboot-mode", "reboot-mood"),
        cause="unknown field `reboot-mood`",
        refused=True,
    ),
    OnMedium(
        name="no hook on the medium",
        hook=lambda _: None,
        cause="refused: the answer wants a first-boot hook|failed loading first-boot executable",
        refused=True,
        quick=True,
    ),
    OnMedium(
        name="the machine is not switched off",
        answer=replaced('reboot-mode = "power-off"\n', ""),
        cause=r"^installation of pve1: (Rebooting|Installation done, rebooting)",
    ),
    OnMedium(
        name="no first-boot section in the answer",
        answer=replaced(r"\[first-boot\](\n.+)+", ""),
        cause=r"has said nothing[\s\S]*cannot access '/var/lib/proxmox-first-boot'",
    ),
)

ON_HOOK = (
    OnHook(
        name="an empty hook",
        hook=lambda _: b"#!/bin/sh\n",
        # all of the hook that is there, and not the one that takes it from a disk
        cause=r"has said nothing[\s\S]*\n#!/bin/sh\s*$",
    ),
    OnHook(
        name="the hook of another node",
        hook=of_another_node,
        cause="this file is for node `pve2`, and this machine is `pve1`",
    ),
    OnHook(
        name="the package of the ring is not in the hook",
        hook=without_package("pmx-ring"),
        cause="cannot read packages/pmx-ring_",
    ),
    OnHook(
        name="the node's own package is not in the hook",
        hook=without_package(r"pmx-\w+-pve1"),
        cause=r"cannot read packages/pmx-\w+-pve1_",
    ),
    OnHook(
        name="what the installer wrote for a port stays",
        hook=without_step("leftovers"),
        cause="iface thunderbolt0 inet manual",
    ),
    OnHook(
        name="the enterprise repositories stay on",
        hook=without_step("repositories", upgrade=180),
        cause=r"not finished, because of upgrade[\s\S]*enterprise\.proxmox\.com",
    ),
    OnHook(
        name="no upgrade",
        hook=without_step("upgrade"),
        cause="runs on pve1, and the newer one is|not upgraded on pve1",
    ),
    OnHook(
        name="no user",
        hook=without_step("user"),
        cause="pieter.: no such user",
    ),
)

ON_NODE = (
    OnNode(
        name="no .link for the ports",
        command="rm /usr/lib/systemd/network/00-pmx-ring-*.link && udevadm control --reload",
        cause="`en06` does not exist",
    ),
    OnNode(
        name="no rule for what is plugged in",
        command="rm /usr/lib/udev/rules.d/85-pmx-ring.rules && udevadm control --reload",
        cause="`en06` is down",
    ),
    OnNode(
        name="fabricd is left off",
        command="rm /etc/frr/daemons.conf && systemctl restart frr",
        cause="fabricd does not run",
        quick=True,
    ),
    OnNode(
        name="no address of its own",
        command="ip -4 address show dev lo to 10.0.0.0/8 | sed -n 's/ *inet \\([^ ]*\\).*/\\1/p' "
        "| xargs -n 1 ip address delete dev lo",
        cause="lo has no address `10.0.0.82",
    ),
)


def change_medium(
    iso: Path,
    answer: Callable[[str], str] = str,
    hook: Callable[[bytes], bytes | None] = bytes,
) -> bytes:
    """Changes the answer and the hook in `iso` itself, None for no hook; returns the hook that was there."""
    members = iso_members(iso, ["/answer.toml", "/proxmox-first-boot"])
    folder = iso.with_name("changed")
    folder.mkdir()
    (folder / "answer.toml").write_text(answer(members["/answer.toml"].decode()))
    changes = ["-map", str(folder / "answer.toml"), "/answer.toml"]
    before = members["/proxmox-first-boot"]
    after = hook(before)
    if after is None:
        changes += ["-rm", "/proxmox-first-boot", "--"]
    else:
        (folder / "hook").write_bytes(after)
        changes += ["-map", str(folder / "hook"), "/proxmox-first-boot"]
    command = ["xorriso", "-boot_image", "any", "keep", "-dev", str(iso), *changes]
    subprocess.run(command, check=True, capture_output=True)
    return before


def _members(hook: bytes) -> Hook:
    with zipfile.ZipFile(io.BytesIO(hook)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(hook: bytes, members: Hook) -> bytes:
    target = io.BytesIO()
    target.write(hook[: hook.index(b"PK")])
    with zipfile.ZipFile(target, "a") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()
