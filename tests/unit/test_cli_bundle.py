"""`bundle`, as it is seen."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.iso import read as iso_module
from pmx_cluster_tb.artifacts.stick import place as stick_place
from pmx_cluster_tb.artifacts.stick import space as stick_space
from pmx_cluster_tb.artifacts.stick import write as stick_module
from pmx_cluster_tb.model.load import example_cluster
from tests.artifacts.sticks import content_of, source_iso, use_memory_only
from tests.clusters import HASH
from tests.command import Command, Ran, cluster_text, listing

EXAMPLE_HASH = example_cluster().access.root_password_hash.crypt
SOURCE = "proxmox-ve_9.2-1.iso"
SHA256 = "a" * 64


def own_text(*changes: tuple[str, str]) -> str:
    """A cluster file that is not the example's any more."""
    text = cluster_text((EXAMPLE_HASH, HASH), *changes)
    for number in (1, 2, 3):
        text = text.replace('{ name = "enp3s0" }', f'{{ mac = "58:47:ca:00:00:1{number}" }}', 1)
    return text


@pytest.fixture
def bundle(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `bundle` with an ISO, into the folder `stick`, without xorriso."""
    use_memory_only(monkeypatch)
    iso = replace(source_iso(Path()), prepared=False)
    monkeypatch.setattr(iso_module, "read_iso", lambda _: iso)
    Path("cluster.toml").write_text(own_text())
    Path("stick").mkdir()

    def run(*arguments: object) -> Ran:
        return command("bundle", "--iso", SOURCE, "--out", "stick", *arguments)

    return run


def test_it_says_what_it_made_and_what_is_next(bundle: Command) -> None:
    ran = bundle()
    assert ran.status == 0, ran.err
    assert ran.out.startswith("stick: cluster pvc1 (pve1, pve2, pve3), Proxmox VE 9.2-1\n")
    assert ran.out.count(" MB, written\n") == 3
    assert "WIPES" in ran.out
    assert "all read back\n" in ran.out
    assert ran.out.endswith("  pmx-cluster-tb bundle --wipe --out stick\n")
    assert "warning: cluster.toml:" in ran.err
    assert "`stick` is a folder, not a mounted stick; what is made in it is to be copied to one\n" in ran.err
    assert "next: copy pmx-pvc1/ and ventoy/ to the top of a Ventoy stick, boot a machine from it" in ran.out
    assert "this folder holds hashes of passwords" in ran.out
    assert "writing the ISO of pve2: " in ran.err
    assert "reading the ISO of pve2 back: " in ran.err
    assert bundle().out.count(" MB, unchanged\n") == 3


def test_the_iso_is_read_before_anything_is_written_only_where_its_digest_is_needed(bundle: Command) -> None:
    assert f"reading {SOURCE}" not in bundle().err
    assert f"reading {SOURCE}" in bundle().err


def test_the_digest_of_the_iso_is_shown_and_what_was_not_compared_is_warned_of(bundle: Command) -> None:
    ran = bundle()
    digest = json.loads(Path("stick/pmx-pvc1/manifest.json").read_text())["source"]["sha256"]
    assert f"  SHA-256 of {SOURCE}: {digest}\n" in ran.out
    warning = f"warning: the SHA-256 of `{SOURCE}` is compared with nothing: `--sha256 SUM` refuses another"
    assert warning in ran.err
    assert "compared with nothing" not in bundle("--sha256", digest).err


@pytest.mark.parametrize(
    ("free", "options", "is_proposed"),
    [
        (900_000, (), True),
        (100_000, (), False),
        (900_000, ("--layout", "separate"), False),
    ],
)
def test_the_shared_layout_is_proposed_only_where_it_fits(
    bundle: Command,
    monkeypatch: pytest.MonkeyPatch,
    *,
    free: int,
    options: tuple[str, ...],
    is_proposed: bool,
) -> None:
    monkeypatch.setattr(stick_space, "_MARGIN_BYTES", 0)
    values = list(os.statvfs("stick"))
    values[4] = free // os.statvfs("stick").f_frsize
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(values))
    ran = bundle(*options)
    assert ran.status == 2
    assert "`pmx-cluster-tb bundle --wipe --out stick` removes earlier bundles" in ran.err
    assert ("--layout shared" in ran.err) is is_proposed


def test_the_shared_layout_is_not_proposed_to_nodes_without_a_mac(
    bundle: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("cluster.toml").write_text(
        own_text().replace('{ mac = "58:47:ca:00:00:12" }', '{ name = "enp3s0" }')
    )
    values = list(os.statvfs("stick"))
    values[4] = 2_900_000 // os.statvfs("stick").f_frsize
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(values))
    ran = bundle()
    assert (ran.status, "--layout shared" in ran.err) == (2, False)


def test_wiping_a_cluster_that_is_not_there_names_those_that_are(bundle: Command, command: Command) -> None:
    bundle()
    Path("other.toml").write_text(own_text(('"pvc1"', '"pvc2"')))
    before = content_of(Path("stick"))
    ran = command("bundle", "--wipe", "--out", "stick", "other.toml")
    assert ran.status == 2
    assert "there is no bundle `pmx-pvc2` on `stick`, but `pmx-pvc1`\n" in ran.err
    assert "`pmx-cluster-tb bundle --wipe --out stick` removes every bundle" in ran.err
    assert content_of(Path("stick")) == before


def test_json_is_the_manifest(bundle: Command) -> None:
    ran = bundle("--json")
    assert json.loads(ran.out) == json.loads(Path("stick/pmx-pvc1/manifest.json").read_text())


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_secret_is_shown(bundle: Command, options: tuple[str, ...]) -> None:
    ran = bundle(*options)
    assert ran.status == 0
    assert "$6$" not in ran.out + ran.err


def test_a_stick_is_known_by_its_mount(bundle: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = stick_place.Mount("/dev/sdz1", Path("stick").resolve(), "exfat")
    monkeypatch.setattr(stick_place, "mounts", lambda: [mount])
    monkeypatch.setattr(stick_place, "is_ventoy", lambda _: False)
    assert "warning: no Ventoy is seen on the disk of `stick`" in bundle().err
    monkeypatch.setattr(stick_place, "is_ventoy", lambda _: True)
    ran = bundle()
    assert "Ventoy" not in ran.err
    assert "next: eject the stick, boot a machine from it" in ran.out
    assert "the stick holds hashes of passwords" in ran.out


def test_what_one_node_leaves_alone_is_not_said_to_be_read(bundle: Command) -> None:
    bundle()
    Path("cluster.toml").write_text(own_text(("S7KGNU0X000002", "S7KGNU0X00000X")))
    ran = bundle("--node", "pve2")
    assert ran.status == 0, ran.err
    assert [line.rpartition(", ")[2] for line in ran.out.splitlines() if "_VTNORMAL" in line] == [
        "left as it is",
        "written",
        "left as it is",
    ]
    assert "all read back" not in ran.out
    assert "what was written is read back" in ran.out


def test_an_interrupted_run_says_how_to_go_on(bundle: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stick_module, "write_bundle", interrupted)
    ran = bundle()
    assert (ran.status, ran.out) == (130, "")
    assert ran.err.endswith("\ninterrupted: the same command goes on where it stopped\n")


def test_what_goes_is_named(bundle: Command) -> None:
    bundle()
    Path("cluster.toml").write_text(own_text(('"pve3"', '"pve4"')))
    gone = "pmx-pvc1/pmx-pvc1_pve3_proxmox-ve_9.2-1_VTNORMAL.iso"
    assert f"removed, as not of this bundle any more: {gone}\n" in bundle().out


def test_nodes_that_reboot_are_warned_of(bundle: Command) -> None:
    Path("cluster.toml").write_text(own_text(('"power-off"', '"reboot"')))
    assert "cluster.after-install: a machine that boots from the stick first is wiped" in bundle().err


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown node": (
        ("--node", "pve4"),
        "cluster `pvc1` has no node `pve4`\n  hint: its nodes are `pve1`, `pve2`, `pve3`\n",
    ),
    "other digest": (("--sha256", SHA256), f"`{SOURCE}` has the SHA-256 `"),
    "empty node": (("--node", ""), "cluster `pvc1` has no node ``"),
    "empty digest": (("--sha256", ""), "`` is no SHA-256, which has 64 hexadecimal digits"),
    "no digest": (("--sha256", "12ab"), "`12ab` is no SHA-256, which has 64 hexadecimal digits"),
    "unknown layout": (("--layout", "both"), "invalid value for `--layout`"),
    "no stick": (("--out", "missing"), "cannot read `missing`: No such file or directory"),
    "a file": (("--out", "cluster.toml"), "`cluster.toml` is no folder"),
    "a device": (("--out", "/dev/null"), "`/dev/null` is a device, on which a bundle would write over"),
    "the root": (("--out", "/"), "`/` is the root of this machine, not a stick"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(bundle: Command, case: str) -> None:
    options, message = REFUSED[case]
    before = content_of(Path())
    ran = bundle(*options)
    assert (ran.status, ran.out) == (2, "")
    assert f"error: {message}" in ran.err
    assert content_of(Path()) == before


def test_folders_of_its_own_are_no_stick(bundle: Command, command: Command) -> None:
    assert command("build", "--out", "out").status == bundle().status == 0
    before = content_of(Path())
    for folder, message in {
        "out": "`out` is in what `build` made at `",
        "out/pve1": "`out/pve1` is in what `build` made at `",
        "stick/pmx-pvc1": "`stick/pmx-pvc1` is in the bundle at `",
    }.items():
        ran = bundle("--out", folder)
        assert (ran.status, ran.out) == (2, "")
        assert f"error: {message}" in ran.err
    assert f"hint: `--out {Path('stick').resolve()}`" in ran.err
    assert content_of(Path()) == before


def test_the_example_is_refused(bundle: Command) -> None:
    Path("cluster.toml").write_text(cluster_text())
    ran = bundle()
    assert ran.status == 2
    assert "is that of the example, and nobody knows its password" in ran.err
    assert content_of(Path("stick")) == {}


def test_another_version_is_refused(bundle: Command) -> None:
    Path("cluster.toml").write_text(own_text(('"9.2"', '"9.1"')))
    ran = bundle()
    assert ran.status == 2
    assert f"error: {SOURCE}: is Proxmox VE 9.2, but `cluster.toml` is for 9.1" in ran.err
    assert content_of(Path("stick")) == {}


def test_the_digest_of_the_download_page_is_taken(bundle: Command) -> None:
    digest = json.loads(bundle("--json").out)["source"]["sha256"]
    assert bundle("--sha256", digest.upper()).status == 0


def test_shared_needs_macs(bundle: Command) -> None:
    text = own_text().replace('{ mac = "58:47:ca:00:00:12" }', '{ name = "enp3s0" }')
    Path("cluster.toml").write_text(text)
    ran = bundle("--layout", "shared")
    assert ran.status == 2
    assert "have no `nic.mac`: `pve2`" in ran.err


def test_the_iso_is_required(command: Command) -> None:
    ran = command("bundle", "--out", ".")
    assert (ran.status, ran.err.splitlines()[0]) == (2, "error: missing option `--iso`")


@pytest.mark.parametrize("option", ["--iso", "--layout", "--node", "--sha256"])
def test_wiping_takes_none_of_the_other_options(command: Command, option: str) -> None:
    ran = command("bundle", "--wipe", "--out", ".", option, "shared")
    assert (ran.status, ran.err.splitlines()[0]) == (2, f"error: `--wipe` takes no `{option}`")


def test_wiping_names_what_is_removed_and_what_stays(bundle: Command, command: Command) -> None:
    bundle()
    paths = [path for path in content_of(Path("stick")) if path.startswith("pmx-pvc1/")]
    Path("stick/pmx-pvc1/notes").write_text("mine")
    Path("cluster.toml").unlink()
    ran = command("bundle", "--wipe", "--out", "stick")
    assert ran.status == 0, ran.err
    assert {f"removed {path}" for path in paths} <= set(ran.out.splitlines())
    assert "left alone, as no bundle made it: pmx-pvc1/notes" in ran.out
    assert content_of(Path("stick")) == {"pmx-pvc1/notes": b"mine"}
    assert command("bundle", "--wipe", "--out", "stick").status == 2


def test_wiping_one_cluster_leaves_the_others(bundle: Command, command: Command) -> None:
    bundle()
    Path("cluster.toml").write_text(own_text(('"pvc1"', '"pvc2"')))
    assert "also on the stick, from other clusters: pmx-pvc1" in bundle().out
    ran = command("bundle", "--wipe", "--out", "stick", "cluster.toml", "--json")
    assert [one["folder"] for one in json.loads(ran.out)["wiped"]] == ["pmx-pvc2"]
    assert listing() == ["cluster.toml", SOURCE, "stick"]
    assert {path.split("/")[0] for path in content_of(Path("stick"))} == {"pmx-pvc1", "ventoy"}
    assert command("bundle", "--wipe", "--out", "stick").status == 0
    assert content_of(Path("stick")) == {}


def test_wiping_with_a_damaged_manifest_fails_and_keeps_the_files(bundle: Command, command: Command) -> None:
    bundle()
    Path("stick/pmx-pvc1/manifest.json").write_text("{}")
    ran = command("bundle", "--wipe", "--out", "stick")
    assert ran.status == 1
    assert "remove the folder `stick/pmx-pvc1` yourself" in ran.err
    assert "pmx-pvc1/README.txt" in content_of(Path("stick"))
    again = command("bundle", "--wipe", "--out", "stick", "--json")
    assert (again.status, len(json.loads(again.out)["wiped"])) == (1, 1)
    assert not Path("stick/ventoy").exists()
