"""What must be in an ISO's `/init` before the shared layout is used with it."""

import re

import pytest

from pmx_cluster_tb.plan.ventoy_init import refuse_other_init
from pmx_cluster_tb.problems import BadInput
from tests.isos import INIT

LOOP = b"/sys/block/hd*"
SWITCH = b"exec switch_root -c /dev/console /mnt/.installer-mp"


def test_an_init_with_every_anchor_is_taken() -> None:
    refuse_other_init(INIT)
    refuse_other_init(INIT.replace(b"exec switch_root", b"if ! exec switch_root"))


CASES = {
    b"no PVE": (INIT.replace(b"PVE", b"PVEX"), "the word `PVE`"),
    b"no loop": (INIT.replace(LOOP, b"/sys/block/vd*"), "one line that lists `/sys/block/hd*`"),
    b"no switch": (
        INIT.replace(SWITCH, b"exec run-init /mnt/.installer-mp"),
        "one line with `exec switch_root`",
    ),
    b"another root": (
        INIT.replace(b"/mnt/.installer-mp", b"/mnt/installer"),
        "one line with `exec switch_root`",
    ),
    b"two switches": (INIT + b"\n" + SWITCH + b" /bin/sh\n", "one line with `exec switch_root`"),
    b"two loops": (INIT + b"# not in /sys/block/hd*\n", "one line that lists `/sys/block/hd*`"),
    b"empty": (b"", "the word `PVE`"),
}


@pytest.mark.parametrize(("init", "expected"), CASES.values(), ids=[name.decode() for name in CASES])
def test_refused(init: bytes, expected: str) -> None:
    with pytest.raises(BadInput, match=re.escape(expected)) as raised:
        refuse_other_init(init)
    assert raised.value.hint.startswith("use `--layout separate`")


def test_everything_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(BadInput) as raised:
        refuse_other_init(b"#!/bin/sh\n")
    assert raised.value.message.count(";") == 2
