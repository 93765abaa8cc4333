"""`init`: from nothing to a file that `check` accepts."""

import re
from ipaddress import IPv6Network
from pathlib import Path

import pytest

from pmx_cluster_tb.cli.init import random_ring_prefix
from tests.clusters import HASH
from tests.command import Command, listing

VALUES = {
    "country": '"nl"',
    "mailto": '"admin@example.org"',
    "gateway": '"192.168.178.1"',
    "address": '"192.168.178.1{n}/24"',
    "path": '"pci-0000:ca:00.{n}"',
    "mac": '"58:47:ca:00:00:1{n}"',
    "serial": '"S7KGNU0X00000{n}"',
}
EMPTY = re.compile(r'(\w+)( *= *)""')


def filled(text: str) -> str:
    """The file with a value of its own at each of the places that `init` left empty."""
    counts: dict[str, int] = {}

    def value(match: re.Match[str]) -> str:
        key = match[1]
        counts[key] = counts.get(key, 0) + 1
        return key + match[2] + VALUES[key].format(n=counts[key])

    return EMPTY.sub(value, text)


def test_without_a_terminal_check_lists_what_is_left_and_nothing_else(command: Command) -> None:
    ran = command("init")
    assert (ran.status, ran.out) == (0, "")
    assert listing() == ["cluster.toml"]
    text = Path("cluster.toml").read_text()
    empty = [
        number for number, line in enumerate(text.splitlines(), start=1) if EMPTY.search(line.split("#")[0])
    ]
    problems = command("check").err
    places = re.findall(r"^error: cluster\.toml:(\d+): (\S+): (.*)$", problems, flags=re.MULTILINE)
    assert [int(line) for line, path, _ in places if not path.startswith("access.root")] == empty
    (missing,) = (message for _, path, message in places if path.startswith("access.root"))
    assert "root-password-hash" in missing
    assert "pmx-cluster-tb hash-password" in problems


def test_a_filled_file_passes(command: Command) -> None:
    Path("root.hash").write_text(HASH + "\n")
    Path("root.hash").chmod(0o600)
    assert command("init", "--root-password-hash-file", "root.hash").status == 0
    path = Path("cluster.toml")
    path.write_text(filled(path.read_text()))
    ran = command("check")
    assert (ran.status, [line for line in ran.err.splitlines() if line.startswith("error")]) == (0, [])


def test_a_hash_file_elsewhere_is_named_from_the_file(command: Command) -> None:
    Path("lab").mkdir()
    Path("secrets").mkdir()
    Path("secrets/root.hash").write_text(HASH)
    assert command("init", "lab/cluster.toml", "--root-password-hash-file", "secrets/root.hash").status == 0
    assert 'root-password-hash-file = "../secrets/root.hash"' in Path("lab/cluster.toml").read_text()


def unread(path: Path) -> tuple[int, int, int, int]:
    """What tells whether `path` is as it was; a look at it may change its time of access."""
    status = path.lstat()
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


@pytest.mark.parametrize("there", ["file", "folder", "dangling link"])
def test_nothing_is_overwritten(there: str, command: Command) -> None:
    path = Path("cluster.toml")
    match there:
        case "file":
            path.write_text("mine")
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to("elsewhere")
    before = unread(path)
    ran = command("init")
    assert ran.status == 2
    assert ran.err.startswith("error: `cluster.toml` is there already\n  hint: ")
    assert unread(path) == before
    assert listing() == ["cluster.toml"]


def test_a_folder_that_is_not_there(command: Command) -> None:
    ran = command("init", "nowhere/cluster.toml")
    assert ran.status == 2
    assert ran.err == "error: `nowhere` is no folder\n  hint: `mkdir -p nowhere`\n"


@pytest.mark.parametrize("file", [".", "/", ""])
def test_a_folder_in_place_of_a_file(file: str, command: Command) -> None:
    ran = command("init", file)
    assert ran.status == 2
    assert "is a folder, not a file" in ran.err
    assert listing() == []


def test_a_hash_file_that_cannot_be_named(command: Command) -> None:
    name = "two\nlines"
    Path(name).write_text(HASH)
    ran = command("init", "--root-password-hash-file", name)
    assert ran.status == 2
    assert "cannot be named in a cluster file" in ran.err
    assert listing() == [name]


def test_a_hash_file_that_is_not_there(command: Command) -> None:
    assert command("init", "--root-password-hash-file", "nowhere").status == 2
    assert listing() == []


def test_ring_prefixes_are_random_and_local() -> None:
    prefixes = {random_ring_prefix() for _ in range(50)}
    assert len(prefixes) == 50
    for prefix in prefixes:
        assert prefix.prefixlen == 124
        assert prefix.subnet_of(IPv6Network("fd00::/8"))
        # subnet 0 of the random /48
        assert prefix.network_address.packed[6:] == bytes(10)
