"""What first boot relies on when the power is cut inside Debian's shadow-utils."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.roots.recipe import RELEASES
from tests.roots.root import Root, fresh_root

pytestmark = pytest.mark.root

DATABASES = ("passwd", "shadow", "group", "gshadow")
ADD = ("useradd", "--no-create-home", "--user-group", "--shell", "/bin/bash", "pieter")
JOIN = ("usermod", "--append", "--groups", "sudo", "pieter")


@pytest.fixture(params=RELEASES)
def node(request: pytest.FixtureRequest, finished_roots: Callable[[str], Path]) -> Iterator[Root]:
    """A root with an account that is in the group sudo."""
    with fresh_root(request.param, finished_roots(request.param)) as root:
        root.run(ADD)
        root.run(JOIN)
        yield root


def databases(root: Root) -> list[str]:
    """What they hold."""
    return [root.file(f"/etc/{name}").read_text() for name in DATABASES]


def lose(root: Root, name: str, lost: str, kept: str = "") -> None:
    file = root.file(f"/etc/{name}")
    assert lost in file.read_text()
    file.write_text(file.read_text().replace(lost, kept))


def line_of(root: Root, name: str) -> str:
    lines = root.file(f"/etc/{name}").read_text().splitlines(keepends=True)
    return next(line for line in lines if line.startswith("pieter:"))


def test_usermod_completes_gshadow(node: Root) -> None:
    whole = databases(node)
    lose(node, "gshadow", "sudo:*::pieter", "sudo:*::")
    node.run(JOIN)
    assert databases(node) == whole


@pytest.mark.parametrize(
    "lost", [("shadow", "group", "gshadow"), ("group", "gshadow"), ("gshadow",)], ids=lambda lost: lost[0]
)
def test_half_an_account_can_be_made_anew(node: Root, lost: tuple[str, ...]) -> None:
    whole = databases(node)
    for name in lost:
        lose(node, name, line_of(node, name))
    node.run(["userdel", "pieter"])
    node.run(ADD)
    node.run(JOIN)
    assert databases(node) == whole
