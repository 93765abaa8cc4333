"""Loading a cluster file: the file itself, the files that it names, defaults, and what a node overrides."""

import os
import time
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

import pytest

from pmx_cluster_tb.model.cluster import (
    Cluster,
    Filesystem,
    NicMac,
    Port,
)
from pmx_cluster_tb.model.load import Loaded, example_cluster, load_cluster
from tests.clusters import HASH, seed_cluster
from tests.command import cluster_text

BASE = (Path(__file__).parents[1] / "errors/root-password-hash-file-is-a-hash.toml").read_text()
BASE = BASE.replace("root-password-hash-file", "root-password-hash")
KEY_FILE = Path(__file__).parents[1] / "errors/files/repository.asc"


def changed(*changes: tuple[str, str]) -> str:
    """The base with each first text of `changes`, which must be in it, replaced once by the second."""
    text = BASE
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    return text


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(text: str | bytes) -> Loaded:
    """What comes of `text` as `cluster.toml`."""
    Path("cluster.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_cluster(Path("cluster.toml"))


def cluster(text: str) -> Cluster:
    """The cluster of `text`, which has no error."""
    result = loaded(text)
    assert result.cluster is not None, result.problems
    return result.cluster


def only_problem(path: Path) -> str:
    """The one problem of the file at `path`."""
    result = load_cluster(path)
    assert result.cluster is None
    (problem,) = result.problems
    return str(problem)


def test_the_example_is_the_seed() -> None:
    example, seed = example_cluster(), seed_cluster()
    nobody_knows = replace(seed.access, root_password_hash=example.access.root_password_hash)
    assert example == replace(seed, example=True, access=nobody_knows)


def test_no_such_file() -> None:
    assert only_problem(Path("x/cluster.toml")) == (
        "error: x/cluster.toml: there is no such file\n"
        "  hint: `pmx-cluster-tb init x/cluster.toml` writes one"
    )
    assert "`pmx-cluster-tb init` writes one" in only_problem(Path("cluster.toml"))


def test_a_folder() -> None:
    assert only_problem(Path()) == "error: .: is a folder, not a file"


def test_names_that_no_file_can_have() -> None:
    assert only_problem(Path("a\0b")).endswith(": cannot be the name of a file")
    assert only_problem(Path("x" * 300)).endswith(": cannot be read: file name too long")


def test_a_link_to_itself() -> None:
    Path("loop").symlink_to("loop")
    assert only_problem(Path("loop")).startswith("error: loop: cannot be read: ")


def test_endless_files() -> None:
    assert (
        only_problem(Path("/dev/zero")) == "error: /dev/zero: is larger than 1 MiB, which no cluster file is"
    )


def test_problems_name_the_file_as_the_user_did(folder: Path) -> None:
    Path("cluster.toml").write_text("x")
    for path in (Path("cluster.toml"), folder / "cluster.toml", Path("../") / folder.name / "cluster.toml"):
        assert only_problem(path).startswith(f"error: {path}:1: ")


def test_line_ends_of_windows() -> None:
    crlf = BASE.replace("\n", "\r\n").replace('country = "nl"', 'country = "uk"')
    (problem,) = loaded(crlf).problems
    assert problem.position.line == BASE.split("country")[0].count("\n") + 1


def test_defaults() -> None:
    made = cluster(BASE)
    assert (made.after_install, made.locale.keyboard, made.locale.timezone) == ("power-off", "en-us", "UTC")
    assert made.management.dns == IPv4Address("192.168.1.1")
    assert (made.ring.mtu, made.ring.e2e) == (65520, None)
    assert made.ring.ipv4 == IPv4Network("10.0.0.80/28")
    assert made.ring.ipv6 == IPv6Network("fd00:706d:7800::80/124")
    assert (made.extras.desktop, made.extras.packages, made.repository) == (False, (), None)
    disk = made.nodes[0].disk
    assert (disk.filesystem, disk.raid, disk.size_gib) == (Filesystem.EXT4, None, None)
    assert made.nodes[0].nic == NicMac("58:47:ca:00:00:11", "enlan0")
    assert made.nodes[0].ports == (Port(name="en05", path="pci-0000:ca:00.5", driver="thunderbolt-net"),)
    assert not made.example


def test_one_family_may_go() -> None:
    assert cluster(changed(("[ring]\n", '[ring]\nipv4 = "none"\n'))).ring.ipv4 is None
    assert cluster(changed(("[ring]\n", '[ring]\nipv6 = "none"\n'))).ring.ipv6 is None


def test_nodes_are_sorted_by_number_and_ports_by_name() -> None:
    text = cluster_text(("number  = 1", "number  = 9"), ('"en05"', '"en09"'))
    made = cluster(text)
    assert [node.number for node in made.nodes] == [2, 3, 9]
    assert [port.name for port in made.nodes[0].ports] == ["en06", "en09"]


def with_disk(raid: str, count: int) -> tuple[tuple[str, str], ...]:
    """Changes that give the first node `count` disks in `raid` of ZFS."""
    serials = [f"S7KGNU0X{number}" for number in range(count)]
    table = f'{{ filesystem = "zfs", raid = "{raid}", serials = {serials} }}'
    return (('{ serial = "S7KGNU0X000001" }', table),)


ON_THE_BOUND: list[tuple[tuple[str, str], ...]] = [
    (("number = 1", "number = 14"),),
    (("[ring]\n", '[ring]\nipv4 = "10.0.0.80/30"\n'),),
    (("[ring]\n", '[ring]\nipv4 = "10.0.0.80/29"\n'), ("number = 1", "number = 6")),
    (("[ring]\n", '[ring]\nipv4 = "none"\nipv6 = "fd00::/126"\n'), ("number = 1", "number = 3")),
    (("[ring]\n", '[ring]\nipv4 = "10.64.0.0/18"\nipv6 = "fd00::/64"\n'), ("number = 1", "number = 9999")),
    (("[ring]\n", "[ring]\nmtu = 1280\n"),),
    (("[ring]\n", "[ring]\nmtu = 65522\n"),),
    (("[ring]\n", "[disk]\nsize-gib = 8\n[ring]\n"),),
    (('"pve1"', '"' + "p" * (64 - len(".home.arpa")) + '"'),),
    (("192.168.1.11/24", "192.168.1.254/24"),),
    *(with_disk(f"raid{count - 1}", count) for count in (1, 2)),
    *(
        with_disk(raid, count)
        for raid, count in (("raidz-1", 3), ("raidz-2", 4), ("raidz-3", 5), ("raid10", 4))
    ),
]


@pytest.mark.parametrize("changes", ON_THE_BOUND)
def test_what_is_just_within_bounds_is_taken(changes: tuple[tuple[str, str], ...]) -> None:
    assert loaded(changed(*changes)).problems == ()


JUST_OUTSIDE: list[tuple[tuple[tuple[str, str], ...], str]] = [
    ((("number = 1", "number = 15"),), "node[0].number"),
    ((("[ring]\n", '[ring]\nipv4 = "10.0.0.80/30"\n'), ("number = 1", "number = 3")), "node[0].number"),
    (
        (("[ring]\n", '[ring]\nipv4 = "none"\nipv6 = "fd00::/126"\n'), ("number = 1", "number = 4")),
        "node[0].number",
    ),
    ((("[ring]\n", "[disk]\nsize-gib = 7.9\n[ring]\n"),), "disk.size-gib"),
    ((('"pve1"', '"' + "p" * (65 - len(".home.arpa")) + '"'),), "node[0].name"),
    ((("192.168.1.11/24", "192.168.1.255/24"),), "node[0].address"),
    (with_disk("raid1", 1), "node[0].disk.serials"),
    (with_disk("raidz-3", 4), "node[0].disk.serials"),
    (with_disk("raid10", 2), "node[0].disk.serials"),
]


@pytest.mark.parametrize(("changes", "path"), JUST_OUTSIDE)
def test_what_is_just_outside_bounds_is_refused(changes: tuple[tuple[str, str], ...], path: str) -> None:
    assert [problem.path for problem in loaded(changed(*changes)).problems] == [path]


def test_the_prefix_that_a_number_needs_is_enough() -> None:
    for number in (1, 2, 5, 6, 13, 14, 29, 30, 61, 253, 9998):
        text = changed(("number = 1\n", f"number = {number}\n"), ("number = 2\n", f"number = {number + 1}\n"))
        narrow = text.replace("[ring]\n", '[ring]\nipv4 = "10.64.0.0/31"\nipv6 = "fd00::/128"\n')
        messages = [problem.message for problem in loaded(narrow).problems]
        width4, width6 = (message.rpartition("must be /")[2].split()[0] for message in messages)
        wide = f'[ring]\nipv4 = "10.64.0.0/{width4}"\nipv6 = "fd00::/{width6}"\n'
        assert loaded(text.replace("[ring]\n", wide)).problems == ()
        narrower = wide.replace(f"/{width4}", f"/{int(width4) + 1}")
        assert len(loaded(text.replace("[ring]\n", narrower)).problems) == 1


def test_a_nodes_ports_go_before_the_clusters() -> None:
    own = 'port = [{ name = "en06", path = "pci-0000:07:00.0" }, { name = "en05", driver = "virtio_net" }]'
    ports = cluster(cluster_text(("number  = 2", f"number = 2\n{own}"))).nodes[1].ports
    assert ports == (
        Port(name="en05", path="pci-0000:ca:00.5", driver="virtio_net"),
        Port(name="en06", path="pci-0000:07:00.0", driver="thunderbolt-net"),
    )


def test_a_node_may_swap_its_controllers() -> None:
    own = (
        'port = [{ name = "en05", path = "pci-0000:ca:00.6" }, { name = "en06", path = "pci-0000:ca:00.5" }]'
    )
    ports = cluster(cluster_text(("number  = 2", f"number = 2\n{own}"))).nodes[1].ports
    assert [port.path for port in ports] == ["pci-0000:ca:00.6", "pci-0000:ca:00.5"]


def with_hash_file(mode: int, content: str = f"{HASH}\n") -> str:
    """The base, with the root hash in lab/root.hash."""
    Path("lab").mkdir()
    file = Path("lab/root.hash")
    file.write_text(content)
    file.chmod(mode)
    inline = next(line for line in BASE.splitlines() if line.startswith("root-password-hash ="))
    return changed((inline, 'root-password-hash-file = "root.hash"'))


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
@pytest.mark.parametrize("content", [HASH, f"{HASH}\n", f"{HASH}\r\n"])
def test_hash_files_are_relative_to_the_cluster_file(mode: int, content: str) -> None:
    Path("text").write_text(with_hash_file(mode, content))
    Path("text").rename("lab/cluster.toml")
    made = load_cluster(Path("lab/cluster.toml")).cluster
    assert made is not None
    assert made.access.root_password_hash.crypt == HASH


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o602, 0o644, 0o777])
def test_hash_files_of_others(mode: int) -> None:
    Path("text").write_text(with_hash_file(mode))
    Path("text").rename("lab/cluster.toml")
    (problem,) = load_cluster(Path("lab/cluster.toml")).problems
    assert problem.hint == "`chmod 600 lab/root.hash`"
    os.chmod("lab/root.hash", 0o600)  # noqa: PTH101 - as the hint says
    assert load_cluster(Path("lab/cluster.toml")).cluster is not None


def test_a_hint_that_can_be_pasted() -> None:
    Path("my lab").mkdir()
    Path("my lab/root.hash").write_text("")
    Path("my lab/root.hash").chmod(0o644)
    Path("my lab/cluster.toml").write_text('[access]\nroot-password-hash-file = "root.hash"\n')
    hints = [problem.hint for problem in load_cluster(Path("my lab/cluster.toml")).problems]
    assert "`chmod 600 'my lab/root.hash'`" in hints


def test_the_user_and_the_repository() -> None:
    Path("repository.asc").write_bytes(b"\n" + KEY_FILE.read_bytes().replace(b"\n", b"\r\n"))
    user = f'[access.user]\nname = "pieter"\nfull-name = "Pieter"\npassword-hash = "{HASH}"\n'
    repository = '[repository]\nurl = "https://apt.example.org/lab/"\nkey = "repository.asc"\n'
    made = cluster(changed(("[management]\n", f"{user}{repository}[management]\n")))
    assert made.access.user is not None
    assert made.access.user.password_hash is not None
    assert made.access.user.ssh_keys == ()
    assert made.repository is not None
    assert made.repository.url == "https://apt.example.org/lab"
    assert made.repository.key == KEY_FILE.read_bytes()


def many_nodes(count: int) -> str:
    """A cluster of `count` nodes."""
    head = cluster_text(("10.0.0.80/28", "10.1.0.0/22"), ("fc00::80/124", "fd00:706d:7800::/64"))
    head = head[: head.index("[[node]]")].replace("192.168.178.1", "172.16.0.1")
    return head + "".join(
        f'[[node]]\nname = "pve{number}"\nnumber = {number}\n'
        f'address = "172.16.{1 + number // 200}.{1 + number % 200}/16"\n'
        f'nic = {{ mac = "58:47:ca:00:{number // 256:02x}:{number % 256:02x}" }}\n'
        f'disk = {{ serial = "S7KGNU0X{number:06d}" }}\n\n'
        for number in range(1, count + 1)
    )


def cpu_seconds(text: str) -> float:
    """The least of three."""
    spans = []
    for _ in range(3):
        start = time.process_time()
        assert len(cluster(text).nodes) > 1
        spans.append(time.process_time() - start)
    return min(spans)


def test_the_cost_of_250_nodes_grows_linearly() -> None:
    few, many = cpu_seconds(many_nodes(50)), cpu_seconds(many_nodes(250))
    assert many < 250 * 0.005
    assert many < 5 * few * 2, "five times the nodes, within a factor of two"
