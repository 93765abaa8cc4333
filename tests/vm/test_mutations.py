"""Whatever part of the product is broken, the story fails, and says which part it was."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.hook import hook_bytes
from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.sources import read_first_boot_program
from tests.firstboot.node import debs
from tests.plans import seed_plan
from tests.vm.finished import is_finished
from tests.vm.medium import medium
from tests.vm.mutations import ON_MEDIUM, OnMedium, mutate_medium
from tests.vm.story import Story, sha256, story

_AT_EVERY_RUN = {
    "another serial in the answer",
    "another NIC in the answer",
    "a misspelt key in the answer",
    "no hook on the medium",
    "the machine is not switched off",
}


def _cases() -> list[Any]:
    return [
        pytest.param(one, id=one.name, marks=[] if one.name in _AT_EVERY_RUN else [pytest.mark.full])
        for one in ON_MEDIUM
    ]


@pytest.mark.vm
@pytest.mark.root
@pytest.mark.parametrize("mutation", _cases())
def test_on_the_medium(mutation: OnMedium, tmp_path: Path) -> None:
    with story(medium("bookworm"), tmp_path, show=print, names=("pve1",)) as told:
        node = told.nodes["pve1"]
        mutate_medium(node.parts.stick, mutation)
        node.untouched[node.parts.stick] = sha256(node.parts.stick)
        with pytest.raises((MachineFailed, AssertionError)) as failure:
            to_the_end(told)
    assert re.search(mutation.cause, str(failure.value)), str(failure.value)


@cache
def _made() -> tuple[str, bytes]:
    """The answer and the hook of a node, as they are on the medium."""
    plan = seed_plan()
    node = plan.nodes[0]
    hook = hook_bytes(read_first_boot_program(), node.first_boot, debs(plan), release.RELEASE_DATE)
    answer = node.answer.text.replace("S7KGNU0X000001", "PMXTARGET1")
    return answer.replace("enp3s0", "enx525400aa0001"), hook


def to_the_end(told: Story) -> None:
    """All of the story that one node has a part in."""
    node = told.nodes["pve1"]
    told.install(node)
    told.first_boot(node)
    is_finished(told, node)


@pytest.mark.parametrize("mutation", ON_MEDIUM, ids=lambda mutation: mutation.name)
def test_mutations_change_something(mutation: OnMedium) -> None:
    answer, hook = _made()
    assert (mutation.answer(answer), mutation.hook(hook)) != (answer, hook)
