"""What the model says of users and hashes, held against Debian's own adduser and libcrypt."""

from typing import Any

import pytest

from pmx_cluster_tb.model import credentials, names
from pmx_cluster_tb.model.kinds import Kind
from pmx_cluster_tb.model.report import Report
from tests.roots.root import Root

pytestmark = pytest.mark.root

SETTINGS = [
    "$y$j9T$abcdefgh",
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1",
    "$6$tests",
    "$6$rounds=5000$tests",
    "$5$tests",
]
BCRYPT_SETTING = "$2b$05$abcdefghijklmnopqrstuu"


def is_taken(kind: Kind[Any], text: str) -> bool:
    """Whether the model takes `text`."""
    return kind.read(text, ("key",), Report("cluster.toml", {})) is not None


def test_users_and_groups_of_the_system_are_refused(root: Root) -> None:
    listed = root.file("/etc/passwd").read_text() + root.file("/etc/group").read_text()
    for name in {line.partition(":")[0] for line in listed.splitlines()}:
        assert not is_taken(names.USER_NAME, name), name


@pytest.mark.parametrize("name", ["pieter", "p", "a_b-9", "a" * 32])
@pytest.mark.parametrize("full_name", ["", "Zoë van der Lab (admin)"])
def test_adduser_takes_what_the_model_takes(name: str, full_name: str, root: Root) -> None:
    assert is_taken(names.USER_NAME, name)
    root.run(["adduser", "--disabled-password", "--gecos", full_name, name])
    assert f"\n{name}:" in root.file("/etc/passwd").read_text()


@pytest.mark.parametrize("name", ["sudo", "www-data", "9lives", "a b", "a" * 33])
def test_adduser_refuses_what_the_model_refuses(name: str, root: Root) -> None:
    assert not is_taken(names.USER_NAME, name)
    assert root.run(["adduser", "--disabled-password", "--gecos", "", name], check=False).status


@pytest.mark.parametrize("setting", [*SETTINGS, BCRYPT_SETTING])
def test_hashes_of_libcrypt_are_taken(setting: str, root: Root) -> None:
    made = root.run(["perl", "-e", "print crypt('correct horse', $ARGV[0])", setting]).stdout
    assert made.startswith(setting[:3])
    assert is_taken(credentials.HASH, made)
    assert not is_taken(credentials.HASH, made[:-1])
    assert not is_taken(credentials.HASH, made + "x")
