"""Whatever part of the product is broken, the story fails, and says which part it was.

Nodes in a ring are broken in test_story.py, which has the ring.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.hook import hook_bytes
from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.images import overlaid
from pmx_cluster_tb.sources import read_first_boot_program
from tests.firstboot.node import debs
from tests.plans import seed_plan
from tests.vm.cluster import PORTS
from tests.vm.finished import is_finished
from tests.vm.hook_disk import hook_disk, taking_hook
from tests.vm.medium import medium
from tests.vm.mutations import ON_HOOK, ON_MEDIUM, OnHook, OnMedium, change_medium
from tests.vm.other_disk import changed_over
from tests.vm.story import Node, Story, changed_disks, sha256, story

Failure = pytest.ExceptionInfo[BaseException]


def fails_for(cause: str) -> AbstractContextManager[Failure]:
    """Expects what a part of the story raises; `cause` is a pattern of it."""
    return pytest.raises((MachineFailed, AssertionError), match=re.compile(cause))


@pytest.mark.vm
@pytest.mark.root
@pytest.mark.parametrize(
    "mutation",
    [pytest.param(one, id=one.name, marks=[] if one.quick else [pytest.mark.full]) for one in ON_MEDIUM],
)
def test_on_the_medium(mutation: OnMedium, tmp_path: Path) -> None:
    with story(medium("bookworm"), tmp_path, show=print, names=("pve1",)) as told:
        node = told.nodes["pve1"]
        change_medium(node.parts.stick, mutation.answer, mutation.hook)
        node.untouched[node.parts.stick] = sha256(node.parts.stick)
        if mutation.refused:
            node.untouched[node.parts.target] = sha256(node.parts.target)
        with fails_for(mutation.cause):
            told.install(node)
            to_the_end(told)
        assert changed_disks(node) == []


@dataclass(frozen=True, slots=True)
class Installed:
    """A story of one node, installed and off. It takes its hook from a disk; `hook` is the product's."""

    story: Story
    hook: bytes

    @contextmanager
    def with_hook(self, hook: bytes, folder: Path) -> Iterator[Node]:
        """The node with that disk; all that it writes to its own is thrown away."""
        node = self.story.nodes["pve1"]
        before = node.machine.hardware
        thrown_away = overlaid(before, folder)
        disks = (*thrown_away.disks, hook_disk(hook, folder / "hook.img"))
        node.machine.hardware = replace(thrown_away, disks=disks)
        try:
            yield node
            node.machine.crash()
            assert changed_over(before, node) == []
        finally:
            node.machine.crash()
            node.machine.hardware = before


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """What mutations of the hook start from."""
    folder = tmp_path_factory.mktemp("installed")
    with story(medium("bookworm"), folder, show=print, names=("pve1",)) as told:
        node = told.nodes["pve1"]
        hook = change_medium(node.parts.stick, hook=lambda _: taking_hook())
        node.untouched[node.parts.stick] = sha256(node.parts.stick)
        node.machine.plug(PORTS[0])
        told.install(node)
        yield Installed(told, hook)


@pytest.mark.vm
@pytest.mark.root
@pytest.mark.full
@pytest.mark.parametrize("mutation", ON_HOOK, ids=lambda one: one.name)
def test_in_the_hook(mutation: OnHook, installed: Installed, tmp_path: Path) -> None:
    with installed.with_hook(mutation.hook(installed.hook), tmp_path), fails_for(mutation.cause):
        to_the_end(installed.story)


def to_the_end(told: Story) -> None:
    """All of the story after the installation that one node has a part in."""
    node = told.nodes["pve1"]
    told.first_boot(node)
    is_finished(told, node)


@cache
def _made() -> tuple[str, bytes]:
    """The answer and the hook of a node, as they are on the medium."""
    plan = seed_plan()
    node = plan.nodes[0]
    hook = hook_bytes(read_first_boot_program(), node.first_boot, debs(plan), release.RELEASE_DATE)
    answer = node.answer.text.replace("S7KGNU0X000001", "PMXTARGET1")
    return answer.replace("enp3s0", "enx525400aa0001"), hook


@pytest.mark.parametrize("mutation", ON_MEDIUM, ids=lambda one: one.name)
def test_mutations_of_the_medium_change_something(mutation: OnMedium) -> None:
    answer, hook = _made()
    assert (mutation.answer(answer), mutation.hook(hook)) != (answer, hook)


@pytest.mark.parametrize("mutation", ON_HOOK, ids=lambda one: one.name)
def test_mutations_of_the_hook_change_something(mutation: OnHook) -> None:
    _, hook = _made()
    assert mutation.hook(hook) != hook


def test_hook_comes_from_a_disk(tmp_path: Path) -> None:
    content = b'#!/bin/sh\nstat -c %a "$0"\necho "$@"\n'
    disk = hook_disk(content, tmp_path / "hook.img")
    assert disk.file.stat().st_size % 512 == 0
    hook = tmp_path / "proxmox-first-boot"
    hook.write_bytes(taking_hook(str(disk.file)))
    hook.chmod(0o700)
    ran = subprocess.run([hook, "network-online"], capture_output=True, text=True, check=True)
    assert ran.stdout == "700\nnetwork-online\n"
    assert hook.read_bytes() == content
