"""`init`: from nothing to a file that `check` accepts."""

import re
import tomllib
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest

from pmx_cluster_tb.cli.cluster_text import random_ring_ipv4, random_ring_ipv6
from pmx_cluster_tb.cli.desk import Desk
from pmx_cluster_tb.model.schema import SCHEMA_ID
from tests.clusters import HASH
from tests.command import Command, listing
from tests.unit.test_desk import KEY, desk

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


@pytest.fixture(autouse=True)
def bare_desk(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The computer of which nothing can be told, as long as a test has no other one."""
    nowhere = tmp_path_factory.mktemp("desk")
    monkeypatch.setattr("pmx_cluster_tb.cli.init.this_desk", lambda: Desk(nowhere, nowhere, {}))
    monkeypatch.setattr("pmx_cluster_tb.cli.init.lan_address", lambda: IPv4Address("192.168.178.2"))


@pytest.fixture
def dutch_desk(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A computer in the Netherlands with a British keyboard."""
    files = {
        "etc/localtime": "-> /usr/share/zoneinfo/Europe/Amsterdam",
        "etc/default/keyboard": "XKBLAYOUT=gb\n",
        "home/.ssh/id_ed25519.pub": f"{KEY}\n",
    }
    dutch = desk(tmp_path_factory.mktemp("dutch"), files)
    monkeypatch.setattr("pmx_cluster_tb.cli.init.this_desk", lambda: dutch)


def written() -> dict[str, Any]:
    """The tables of the file that was made."""
    return tomllib.loads(Path("cluster.toml").read_text("utf-8"))


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
    Path("secrets/root.hash").chmod(0o600)
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


@pytest.mark.parametrize("name", [HASH, HASH[1:]])
def test_a_hash_in_the_place_of_a_file_is_not_repeated(name: str, command: Command) -> None:
    ran = command("init", "--root-password-hash-file", name)
    assert ran.status == 2
    assert HASH[-20:] not in ran.out + ran.err


@pytest.mark.usefixtures("dutch_desk")
def test_what_this_computer_has_is_written_and_said(command: Command) -> None:
    assert command("init").status == 0
    text = Path("cluster.toml").read_text("utf-8")
    assert written()["locale"] == {"country": "nl", "keyboard": "en-gb", "timezone": "Europe/Amsterdam"}
    assert written()["access"]["root-ssh-keys"] == [KEY]
    assert text.count("# as on this computer: is it right for the nodes?") == 3
    assert "# those of ~/.ssh on this computer: take out what must not log in as root" in text


@pytest.mark.usefixtures("dutch_desk")
def test_what_is_given_goes_before_what_this_computer_has(command: Command) -> None:
    other = KEY.replace("me@desk", "script")
    Path("other.pub").write_text(other + "\n")
    given = (
        "--country",
        "ch",
        "--keyboard",
        "fr-ch",
        "--timezone",
        "Europe/Zurich",
        "--ssh-key",
        "other.pub",
    )
    assert command("init", *given).status == 0
    assert written()["locale"] == {"country": "ch", "keyboard": "fr-ch", "timezone": "Europe/Zurich"}
    assert written()["access"]["root-ssh-keys"] == [other]
    assert "on this computer" not in Path("cluster.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--country", "uk", "--country: `uk` is not a country code that the installer knows"),
        ("--keyboard", "us", "--keyboard: `us` is not a keyboard layout of the installer"),
        (
            "--timezone",
            "Europe/Kiev",
            "--timezone: `Europe/Kiev` is not a time zone that the installer knows",
        ),
        ("--ssh-key", "root.hash", "--ssh-key: the first line of `root.hash` must be an OpenSSH public key"),
    ],
)
def test_what_is_given_must_be_right(option: str, value: str, message: str, command: Command) -> None:
    Path("root.hash").write_text("no key\n")
    ran = command("init", option, value)
    assert (ran.status, listing()) == (2, ["root.hash"])
    assert f"error: {message}" in ran.err
    assert "  hint: " in ran.err


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        ("correct horse\n", 0o600, "`root.hash` holds no hash that can be used: it must be a crypt(3) hash"),
        ("", 0o600, "`root.hash` is empty"),
        (HASH, 0o644, "`root.hash` can be read or changed by others"),
    ],
)
def test_a_hash_file_that_holds_none(content: str, mode: int, message: str, command: Command) -> None:
    Path("root.hash").write_text(content)
    Path("root.hash").chmod(mode)
    ran = command("init", "--root-password-hash-file", "root.hash")
    assert (ran.status, listing()) == (2, ["root.hash"])
    assert f"error: {message}" in ran.err
    assert "horse" not in ran.err


@pytest.mark.parametrize("count", [2, 3, 14, 15, 250])
def test_as_many_nodes_as_wanted(count: int, command: Command) -> None:
    assert command("init", "--nodes", count).status == 0
    table = written()
    assert [node["name"] for node in table["node"]] == [f"pve{number}" for number in range(1, count + 1)]
    assert len(table["ring"]["port"]) == (1 if count == 2 else 2)
    messages = command("check").err
    assert "is outside `ring." not in messages
    assert "must have one port" not in messages


@pytest.mark.parametrize("count", [1, 251, "many"])
def test_no_ring_of_that_many_nodes(count: int | str, command: Command) -> None:
    assert (command("init", "--nodes", count).status, listing()) == (2, [])


def test_comments_lead_to_public_places_and_name_what_udev_says(command: Command) -> None:
    command("init")
    text = Path("cluster.toml").read_text("utf-8")
    assert text.startswith(f"#:schema {SCHEMA_ID}\n")
    assert "docs/" not in re.sub(r"https://\S+", "", text)
    assert "udevadm info --query=property --property=ID_SERIAL_SHORT,ID_PATH,ID_MODEL /dev/DISK" in text
    assert "\n# e2e = false\n" in text
    assert 'proxmox-ve    = "9.2"' in text


def test_ring_prefixes_are_random_and_local() -> None:
    prefixes = {random_ring_ipv6(3) for _ in range(50)}
    assert len(prefixes) == 50
    for prefix in prefixes:
        assert prefix.prefixlen == 124
        assert prefix.subnet_of(IPv6Network("fd00::/8"))
        # subnet 0 of the random /48
        assert prefix.network_address.packed[6:] == bytes(10)


@pytest.mark.parametrize("lan", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "203.0.113.0/24"])
def test_the_ring_never_overlaps_the_lan_of_this_computer(lan: str) -> None:
    network = IPv4Network(lan)
    prefixes = {random_ring_ipv4(count, network[77]) for count in (3, 100) for _ in range(50)}
    assert len(prefixes) > 80
    assert not [prefix for prefix in prefixes if prefix.overlaps(network)]
    assert not [prefix for prefix in prefixes if not prefix.is_private]


def test_the_ring_keeps_off_the_networks_of_home_routers() -> None:
    for _ in range(50):
        assert not random_ring_ipv4(3, None).overlaps(IPv4Network("10.0.0.0/10"))
