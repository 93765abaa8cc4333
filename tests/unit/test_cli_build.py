"""`build` and `inspect`, as they are seen."""

import json
import re
from pathlib import Path

import pytest

from pmx_cluster_tb.model.load import example_cluster
from tests.command import Command, cluster_text, listing

SECRET = example_cluster().access.root_password_hash.crypt
KEY_FILE = Path(__file__).parents[1] / "errors/files/repository.asc"
DIGEST = SECRET.rpartition("$")[2]


@pytest.fixture
def built(command: Command) -> Path:
    """The output folder of the example."""
    Path("cluster.toml").write_text(cluster_text())
    assert command("build", "--out", "out").status == 0
    return Path("out")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_build_says_what_it_made_and_what_is_next(command: Command) -> None:
    Path("cluster.toml").write_text(cluster_text())
    ran = command("build", "--out", "out")
    assert ran.status == 0
    assert ran.out.startswith("out: cluster pvc1, 3 nodes, 10 files, ")
    assert [line.split()[0] for line in ran.out.splitlines()] == [
        "out:",
        "pmx-ring",
        "pve1/",
        "pve2/",
        "pve3/",
        "next:",
        "`pmx-cluster-tb",
    ]
    assert "warning: cluster.toml:" in ran.err
    assert "pve2 (2 of 3)\n" in ran.err


def test_what_is_next_names_the_same_file(command: Command) -> None:
    Path("my lab.toml").write_text(cluster_text())
    ran = command("build", "my lab.toml", "--out", "my out")
    assert "`pmx-cluster-tb inspect 'my out/pve1/answer.toml'` shows" in ran.out
    assert "`pmx-cluster-tb bundle 'my lab.toml' --iso ISO --out STICK` makes" in ran.out


def test_the_example_is_called_one(command: Command) -> None:
    ran = command("build", "--example", "--out", "out")
    assert ran.status == 0
    assert "this is the example" in ran.err
    assert "bundle" not in ran.out
    assert json.loads(Path("out/manifest.json").read_text())["example"] is True
    assert listing() == ["out"]


def test_what_is_not_made_yet_is_said(command: Command) -> None:
    extras = '\n[extras]\npackages = ["iperf3"]\n'
    repository = '\n[repository]\nurl = "https://example.org/pmx"\nkey = "repository.asc"\n'
    Path("repository.asc").write_bytes(KEY_FILE.read_bytes())
    Path("cluster.toml").write_text(cluster_text() + extras + repository)
    for arguments in (("plan",), ("build", "--out", "out")):
        ran = command(*arguments)
        assert ran.status == 0, ran.err
        assert re.search(
            r"^warning: cluster\.toml:\d+: repository: .* does nothing in this version", ran.err, re.MULTILINE
        )
    Path("cluster.toml").write_text(cluster_text() + extras)
    assert "does nothing" not in command("plan").err


def test_json_is_the_manifest(command: Command) -> None:
    ran = command("build", "--example", "--out", "out", "--json")
    assert json.loads(ran.out) == json.loads(Path("out/manifest.json").read_text())


def test_a_wrong_file_leaves_the_output_alone(built: Path, command: Command) -> None:
    before = tree(built)
    Path("cluster.toml").write_text(cluster_text(("pve3", "PVE 3")))
    ran = command("build", "--out", "out")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("error: ") == 1
    assert tree(built) == before
    assert command("build", "--out", "another").status == 2
    assert listing() == ["cluster.toml", "out"]


def test_a_folder_of_somebody_else_is_left_alone(command: Command) -> None:
    Path("mine").mkdir()
    Path("mine/precious").write_text("do not touch")
    ran = command("build", "--example", "--out", "mine")
    assert (ran.status, ran.out) == (2, "")
    assert tree(Path("mine")) == {"mine/precious": b"do not touch"}


def test_no_secret_is_ever_shown(built: Path, command: Command) -> None:
    Path("changed.toml").write_text(cluster_text(("192.168.178.12/24", "192.168.178.22/24")))
    commands: list[tuple[str, ...]] = [
        ("check",),
        ("plan",),
        ("plan", "--node", "pve1"),
        ("build", "--out", "out"),
    ]
    commands += [("plan", "--diff", "out"), ("plan", "changed.toml", "--diff", "out")]
    commands += [
        ("inspect", str(path))
        for path in (built, *built.rglob("*"))
        if path.name not in {"pve1", "pve2", "pve3"}
    ]
    for arguments in commands:
        for options in ((), ("--json",)):
            ran = command(*arguments, *options)
            assert ran.status == 0, arguments
            assert DIGEST not in ran.out + ran.err, arguments


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize(("name", "holds"), [("answer.toml", True), ("first-boot", False)])
def test_secrets_are_shown_when_asked_for(
    name: str, holds: bool, options: tuple[str, ...], built: Path, command: Command
) -> None:
    ran = command("inspect", built / "pve1" / name, "--show-secrets", *options)
    assert (SECRET in ran.out) is holds


def test_a_changed_hash_is_told_without_showing_it(built: Path, command: Command) -> None:
    Path("cluster.toml").write_text(cluster_text((SECRET, "$6$other$" + "x" * 86)))
    ran = command("plan", "--diff", built)
    assert '-root-password-hashed = "(hidden)"' in ran.out
    assert '+root-password-hashed = "(hidden, and not the one before)"' in ran.out
    assert "new installations only" in ran.out
    assert DIGEST not in ran.out
    assert "xxxx" not in ran.out


def test_inspect_of_each_kind(built: Path, command: Command) -> None:
    (deb,) = built.glob("pve1/*.deb")
    expected = {
        built: ("output", "output folder: cluster pvc1 for Proxmox VE 9.2"),
        deb: ("package", "Debian package, "),
        built / "pve1" / "answer.toml": ("answer", "answer for the automated installer"),
        built / "pve1" / "first-boot": ("first-boot", "first-boot file of node pve1"),
    }
    for path, (kind, title) in expected.items():
        assert json.loads(command("inspect", path, "--json").out)["kind"] == kind
        assert command("inspect", path).out.startswith(title)


def test_inspect_names_what_is_not_as_it_was_built(built: Path, command: Command) -> None:
    (built / "pve1" / "answer.toml").write_text("[global]\n")
    (built / "pve2" / "first-boot").unlink()
    (built / "notes").write_text("mine")
    ran = command("inspect", built)
    assert ran.status == 1
    assert ran.out.splitlines()[-3:] == [
        "pve2/first-boot is missing",
        "pve1/answer.toml is not as it was built",
        "notes was added",
    ]


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"!<arch>\ndebian-binary", b"\0" * 40])
def test_inspect_of_something_else(content: bytes, command: Command) -> None:
    Path("thing").write_bytes(content)
    ran = command("inspect", "thing")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: `thing` is ")
