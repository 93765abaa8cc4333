"""`check`, and the problems that it shows."""

import json
from pathlib import Path

import pytest

from tests.clusters import HASH
from tests.command import Command, cluster_text

GOOD = cluster_text()
WITHOUT_KEY = "warning: cluster.toml:"


def test_a_good_file(command: Command) -> None:
    Path("cluster.toml").write_text(GOOD)
    ran = command("check")
    assert ran.status == 0
    assert ran.out.startswith("pvc1 is in order: 3 nodes (pve1, pve2, pve3), Proxmox VE 9.2, ring MTU 4000;")
    assert ran.out.count("\n") == 1


@pytest.mark.parametrize("options", [(), ("--strict",), ("--json",), ("--strict", "--json")])
def test_errors_end_with_status_2(options: tuple[str, ...], command: Command) -> None:
    Path("cluster.toml").write_text(cluster_text(("mtu", "mut")))
    assert command("check", *options).status == 2


def test_every_problem_in_the_order_of_lines_and_a_count(command: Command) -> None:
    text = cluster_text(('country  = "nl"', 'country = "zz"'), ("mtu  = 4000", "mtu = 100"), ("pve3", "PVE3"))
    Path("lab.toml").write_text(text)
    ran = command("check", "lab.toml")
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[2] for line in errors] == ["locale.country", "ring.mtu", "node[2].name"]
    lines = [int(line.split(":")[2]) for line in errors]
    assert lines == sorted(lines)
    assert ran.err.splitlines()[-1].startswith("lab.toml: 3 errors, ")
    assert ran.out == ""


def test_warnings_fail_only_when_strict(command: Command) -> None:
    Path("cluster.toml").write_text(GOOD)
    relaxed, strict = command("check"), command("check", "--strict")
    assert relaxed.err.startswith("warning: cluster.toml:")
    assert (relaxed.status, strict.status) == (0, 2)


def test_json(command: Command) -> None:
    Path("cluster.toml").write_text(cluster_text(("mtu  = 4000", "mtu = 100")))
    ran = command("check", "--json")
    value = json.loads(ran.out)
    assert ran.err == ""
    assert {key: value[key] for key in ("file", "cluster", "nodes", "errors")} == {
        "file": "cluster.toml",
        "cluster": None,
        "nodes": [],
        "errors": 1,
    }
    assert value["warnings"] == len(value["problems"]) - 1
    (error,) = (one for one in value["problems"] if one["severity"] == "error")
    assert error.keys() == {"severity", "file", "line", "path", "message", "hint"}
    assert (error["file"], error["path"]) == ("cluster.toml", "ring.mtu")


def test_json_of_a_good_file(command: Command) -> None:
    Path("cluster.toml").write_text(GOOD)
    value = json.loads(command("check", "--json").out)
    assert (value["cluster"], value["nodes"], value["errors"]) == ("pvc1", ["pve1", "pve2", "pve3"], 0)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"[cluster\n", b"\0" * 100, b"a = 1\r\n[b]\r\n"])
def test_what_is_no_cluster_file(content: bytes, command: Command) -> None:
    Path("cluster.toml").write_bytes(content)
    ran = command("check")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: cluster.toml")


def test_a_folder_instead_of_a_file(command: Command) -> None:
    Path("cluster.toml").mkdir()
    ran = command("check")
    assert ran.status == 2
    assert ran.err.startswith("error: cluster.toml: ")


def test_no_problem_shows_a_hash(command: Command) -> None:
    text = "".join(
        f'root-password-hash = "{HASH}x!"\n' if line.startswith("root-password-hash") else line
        for line in GOOD.splitlines(keepends=True)
    )
    Path("cluster.toml").write_text(text)
    for options in ((), ("--json",)):
        ran = command("check", *options)
        assert ran.status == 2
        assert HASH not in ran.out + ran.err
