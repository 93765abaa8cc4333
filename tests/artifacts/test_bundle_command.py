"""`bundle` from its command line to the files on a stick, with ISOs that the tests make."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.iso.read import iso_members, read_iso
from tests.clusters import HASH
from tests.command import Command, command_fixture
from tests.isos import proxmox_iso
from tests.roots.waiting import wait_for
from tests.unit.test_cli_bundle import own_text
from tests.unit.test_command_line_docs import differences, documented

pytestmark = pytest.mark.tools

MEMBERS = ("/answer.toml", "/auto-installer-mode.toml", "/proxmox-first-boot")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs the command line in a folder with a cluster file and an empty folder `stick`."""
    monkeypatch.chdir(tmp_path)
    Path("cluster.toml").write_text(own_text())
    Path("stick").mkdir()
    return command_fixture(capsys, monkeypatch)


def bundle(command: Command, *options: str) -> dict[str, object]:
    """Makes a bundle; its manifest."""
    ran = command("bundle", "--iso", proxmox_iso(), "--out", "stick", "--json", *options)
    assert ran.status == 0, ran.err
    assert HASH not in ran.out + ran.err
    manifest = json.loads(ran.out)
    assert isinstance(manifest, dict)
    return manifest


def isos() -> dict[str, Path]:
    """The prepared ISOs on the stick by what their names say of the node."""
    return {path.name.split("_")[1]: path for path in sorted(Path("stick/pmx-pvc1").glob("pmx-*.iso"))}


def test_one_iso_for_each_node(command: Command) -> None:
    bundle(command)
    assert list(isos()) == ["pve1", "pve2", "pve3"]
    for name, path in isos().items():
        assert read_iso(path).prepared
        members = iso_members(path, MEMBERS)
        assert members.keys() == set(MEMBERS)
        assert f'fqdn = "{name}.fritz.box"'.encode() in members["/answer.toml"]
        assert HASH.encode() in members["/answer.toml"]


def test_one_iso_for_all(command: Command) -> None:
    bundle(command, "--layout", "shared")
    (path,) = isos().values()
    assert iso_members(path, MEMBERS).keys() == set(MEMBERS[1:])
    for name in ("pve1", "pve2", "pve3"):
        assert f'fqdn = "{name}.fritz.box"'.encode() in Path(f"stick/pmx-pvc1/nodes/{name}.toml").read_bytes()


@pytest.mark.parametrize("layout", ["separate", "shared"])
def test_a_second_run_writes_nothing_and_a_renewed_node_only_its_own(command: Command, layout: str) -> None:
    bundle(command, "--layout", layout)
    before = digests()
    bundle(command, "--layout", layout)
    assert digests() == before
    Path("cluster.toml").write_text(own_text().replace("58:47:ca:00:00:12", "58:47:ca:00:00:99"))
    bundle(command, "--node", "pve2")
    changed = {path for path, digest in digests().items() if before[path] != digest}
    assert changed >= {"pmx-pvc1/VENTOY_CHECKSUM", "pmx-pvc1/manifest.json"}
    assert [path for path in changed if "pve1" in path or "pve3" in path] == []
    assert [path for path in changed if path.endswith(".iso")]


def test_one_node_is_not_renewed_while_others_changed(command: Command) -> None:
    bundle(command)
    before = digests()
    Path("cluster.toml").write_text(own_text(("mtu  = 4000", "mtu  = 9000")))
    ran = command("bundle", "--iso", proxmox_iso(), "--out", "stick", "--node", "pve2")
    assert ran.status == 2
    assert (
        "not only `pve2` has changed since the bundle on the stick was made, but also `pve1`, `pve3`"
        in ran.err
    )
    assert digests() == before


LAST = own_text()[own_text().rindex("[[node]]") :]
FOURTH = (
    LAST.replace("pve3", "pve4")
    .replace("number  = 3", "number  = 4")
    .replace("192.168.178.13", "192.168.178.14")
    .replace("58:47:ca:00:00:13", "58:47:ca:00:00:14")
    .replace("S7KGNU0X000003", "S7KGNU0X000004")
)
ONE_NODE = {
    "the first has another LAN address": ("pve1", own_text(("192.168.178.11", "192.168.178.21"))),
    "one has another number": ("pve2", own_text(("number  = 2", "number  = 7"))),
    "one was added": ("pve4", own_text() + FOURTH),
    "one took the place of another": ("pve4", own_text().replace(LAST, FOURTH)),
}


@pytest.mark.parametrize("case", ONE_NODE)
def test_one_node_is_added_or_replaced_alone(command: Command, case: str) -> None:
    node, text = ONE_NODE[case]
    bundle(command)
    before = digests()
    Path("cluster.toml").write_text(text)
    ran = command("bundle", "--iso", proxmox_iso(), "--out", "stick", "--node", node)
    assert ran.status == 0, ran.err
    assert command("inspect", "stick").status == 0
    others = {"pve1", "pve2", "pve3"} - {node} - (set() if LAST in text else {"pve3"})
    assert isos().keys() == others | {node}
    after = digests()
    kept = {name for name, path in isos().items() if _same(path, before, after)}
    assert kept == others
    (older,) = re.findall(r"^left with the packages.*: (.*)\n  that changes nothing", ran.err, re.MULTILINE)
    # all know the first, and each its neighbours
    assert set(older.split(", ")) <= others
    bundle(command)
    assert "left with the packages" not in command("bundle", "--iso", proxmox_iso(), "--out", "stick").err


def _same(path: Path, before: dict[str, str], after: dict[str, str]) -> bool:
    name = path.relative_to("stick").as_posix()
    return before.get(name) == after[name]


def test_what_all_nodes_share_is_never_older(command: Command) -> None:
    bundle(command, "--layout", "shared")
    Path("cluster.toml").write_text(own_text() + FOURTH)
    ran = command("bundle", "--iso", proxmox_iso(), "--out", "stick", "--node", "pve4")
    assert (ran.status, "left with the packages" in ran.err) == (0, False), ran.err
    before = digests()
    bundle(command, "--layout", "shared")
    assert digests() == before


def test_one_node_is_renewed_by_another_version_of_the_project(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle(command)
    before = digests()
    monkeypatch.setattr(release, "__version__", "9.8.7")
    monkeypatch.setattr(release, "RELEASE_DATE", release.RELEASE_DATE + timedelta(days=99))
    ran = command("bundle", "--iso", proxmox_iso(), "--out", "stick", "--node", "pve2")
    assert ran.status == 0, ran.err
    assert "when they were made: pve1, pve3\n" in ran.err
    changed = {path for path, digest in digests().items() if before[path] != digest and ".iso" in path}
    assert {path.split("_")[1] for path in changed} == {"pve2"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--layout", "shared"), "the bundle on the stick has the layout `separate`, not `shared`"),
        (("--iso", "other.iso"), "the bundle on the stick was made from another ISO, 9.2-1 with SHA-256 `"),
    ],
)
def test_one_node_is_not_renewed_in_another_bundle(
    command: Command, options: tuple[str, str], message: str
) -> None:
    bundle(command)
    before = digests()
    Path("other.iso").write_bytes(proxmox_iso().read_bytes() + bytes(2048))
    ran = command("bundle", "--iso", proxmox_iso(), "--out", "stick", "--node", "pve2", *options)
    assert ran.status == 2
    assert message in ran.err
    assert digests() == before


def test_one_node_is_renewed_after_a_cut_before_the_digest_of_the_iso_was_known(command: Command) -> None:
    bundle(command, "--node", "pve2")
    path = Path("stick/pmx-pvc1/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["claimed"] = [one["path"] for one in manifest["isos"] + manifest["files"]]
    manifest |= {"complete": False, "isos": [], "files": []}
    manifest["source"]["sha256"] = ""
    path.write_text(json.dumps(manifest))
    assert [one["name"] for one in nodes(bundle(command, "--node", "pve2"))] == ["pve2"]


def test_nodes_are_added_one_by_one(command: Command) -> None:
    assert [one["name"] for one in nodes(bundle(command, "--node", "pve3"))] == ["pve3"]
    assert list(isos()) == ["pve3"]
    assert [one["name"] for one in nodes(bundle(command, "--node", "pve1"))] == ["pve1", "pve3"]
    assert list(isos()) == ["pve1", "pve3"]
    assert len(nodes(bundle(command))) == 3


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("layout", ["separate", "shared"])
def test_inspect_of_a_prepared_iso(command: Command, layout: str, options: tuple[str, ...]) -> None:
    bundle(command, "--layout", layout)
    path = min(isos().values())
    ran = command("inspect", path, *options)
    assert ran.status == 0, ran.err
    assert "pmx-pvc1-pve1" in ran.out
    assert HASH not in ran.out
    assert (HASH in command("inspect", path, "--show-secrets", *options).out) is (layout == "separate")


def test_inspect_says_what_an_iso_is(command: Command) -> None:
    bundle(command)
    heads = [command("inspect", path).out.splitlines()[:4] for path in (proxmox_iso(), isos()["pve1"])]
    assert [head[0].rpartition(",")[0] for head in heads] == [
        "ISO of Proxmox VE 9.2-1",
        "prepared ISO of Proxmox VE 9.2-1",
    ]
    assert [head[3] for head in heads] == [
        "not prepared for a node; `bundle` can prepare it",
        "installs without asking, with the answer in it",
    ]


def test_inspect_shows_the_digest_of_an_iso(command: Command) -> None:
    digest = sha256(proxmox_iso().read_bytes()).hexdigest()
    ran = command("inspect", proxmox_iso())
    assert f"SHA-256 {digest}: compare it with what the download page says" in ran.out
    assert json.loads(command("inspect", proxmox_iso(), "--json").out)["sha256"] == digest


def test_inspect_knows_every_file_of_a_bundle_that_wipes_or_not(command: Command) -> None:
    bundle(command, "--layout", "shared")
    nothing = command("inspect", "stick/pmx-pvc1/00-pmx-pvc1-does-nothing.iso")
    assert (nothing.status, nothing.out.startswith("image that does nothing, 65536 bytes")) == (0, True)
    shared = command("inspect", *isos().values()).out
    # the package that all have is shown once
    assert shared.count("for each of them") == 1
    names = [
        line.split()[0] for line in shared.splitlines() if line.startswith("pmx-") and "_all.deb" in line
    ]
    assert names == ["pmx-pvc1-pve1", "pmx-pvc1-pve2", "pmx-pvc1-pve3", "pmx-ring"]


def test_json_of_isos_is_as_documented(command: Command) -> None:
    bundle(command)
    (shown,) = documented("inspect ISO --json")
    real = json.loads(command("inspect", isos()["pve1"], "--json").out)
    assert differences(shown, real) == []
    plain = json.loads(command("inspect", proxmox_iso(), "--json").out)
    assert (plain["prepared"], plain["mode"], plain["answer"], plain["first_boot"]) == (
        False,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_run_that_is_ended_leaves_no_secret_on_the_desk(
    command: Command, number: signal.Signals, tmp_path: Path
) -> None:
    """As by closing the terminal."""
    assert command("check").status == 0
    programs, temporary = tmp_path / "programs", tmp_path / "temporary"
    programs.mkdir()
    temporary.mkdir()
    (programs / "xorriso").write_text("#!/bin/sh\necho > began\nexec sleep 5\n")
    (programs / "xorriso").chmod(0o755)
    # the tests themselves may run under nohup, which has it ignored
    unignored = ["env", f"--default-signal={number.name.removeprefix('SIG')}"]
    bundle = [sys.executable, "-m", "pmx_cluster_tb", "bundle", "--iso", str(proxmox_iso()), "--out", "stick"]
    running = subprocess.Popen(
        [*unignored, *bundle],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TMPDIR": str(temporary),
        },
        stderr=subprocess.PIPE,
    )
    wait_for("xorriso", Path("began").exists)
    assert any(HASH.encode() in path.read_bytes() for path in temporary.glob("*/*/file-*"))
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, b"Traceback" in said) == (128 + number, False)
    assert list(temporary.iterdir()) == list(Path("stick").iterdir()) == []


def nodes(manifest: dict[str, object]) -> list[dict[str, str]]:
    """The nodes of a manifest."""
    found = manifest["nodes"]
    assert isinstance(found, list)
    return found


def digests() -> dict[str, str]:
    """SHA-256 of every file on the stick, by path."""
    top = Path("stick")
    return {
        path.relative_to(top).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in top.rglob("*")
        if path.is_file()
    }
