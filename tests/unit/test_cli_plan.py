"""`plan`: the tree, the JSON, the SVG and the difference."""

import errno
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from rich.console import Console

from pmx_cluster_tb import release, sources
from pmx_cluster_tb.view.file_roles import file_role
from pmx_cluster_tb.view.plan_tree import package_tree
from tests.command import Command, cluster_text, listing
from tests.plans import seed_plan

SERIALS = [f"S7KGNU0X00000{number}" for number in (1, 2, 3)]


@pytest.fixture(autouse=True)
def cluster_file(tmp_path: Path) -> None:
    """The example's file in the current folder."""
    (tmp_path / "cluster.toml").write_text(cluster_text())


@pytest.fixture
def built(command: Command) -> Path:
    """The output folder of the example."""
    assert command("build", "--out", "out").status == 0
    return Path("out")


def changed(*changes: tuple[str, str]) -> None:
    Path("cluster.toml").write_text(cluster_text(*changes))


def test_tree(command: Command) -> None:
    ran = command("plan")
    assert ran.status == 0
    assert ran.out.startswith("pvc1: 3 nodes on a Thunderbolt ring, Proxmox VE 9.2, MTU 4000\n")
    first, second = (ran.out.index(f"\n{name}  {name}.fritz.box, 192.168.178.1") for name in ("pve1", "pve2"))
    assert "lldpd.conf" in ran.out[first:second]
    assert "lldpd.conf" not in ran.out[second:]
    assert "the other files as on pve1" in ran.out[second:]
    assert "wipes the disk with serial" in ran.out[first:second]


NIC_NAME = 'nic     = { name = "enp3s0" }'


@pytest.mark.parametrize(
    ("written", "shown", "value"),
    [
        (NIC_NAME, "is named enp3s0", {"name": "enp3s0"}),
        (
            'nic     = { mac = "58:47:CA:00:00:01" }',
            "has the MAC address 58:47:ca:00:00:01",
            {"mac": "58:47:ca:00:00:01"},
        ),
    ],
)
def test_plan_says_by_which_nic_the_machine_is_known(
    written: str, shown: str, value: dict[str, str], command: Command
) -> None:
    text = cluster_text()
    assert NIC_NAME in text
    Path("cluster.toml").write_text(text.replace(NIC_NAME, written, 1))
    guard = f"only where a NIC {shown}; elsewhere nothing is written"
    assert guard in command("plan").out
    assert json.loads(command("plan", "--json").out)["nodes"][0]["nic"] == value


def test_tree_says_what_the_disks_become(command: Command) -> None:
    changed(
        ('filesystem = "ext4"', 'filesystem = "zfs"\nraid = "raid1"'),
        *((f'serial = "{serial}"', f'serials = ["{serial}", "{serial}B"]') for serial in SERIALS),
    )
    assert (
        "wipes the disks with serials S7KGNU0X000001, S7KGNU0X000001B, for zfs (raid1)" in command("plan").out
    )


@pytest.mark.parametrize(("after", "then"), [("power-off", "then powers off"), ("reboot", "then reboots")])
def test_tree_says_what_the_installer_does_at_its_end(after: str, then: str, command: Command) -> None:
    changed(('"power-off"', f'"{after}"'))
    assert then in command("plan").out


def test_a_package_with_one_path_twice() -> None:
    package = seed_plan().nodes[0].package
    twice = replace(package, files=(*package.files, package.files[0]))
    console = Console(file=io.StringIO(), width=100)
    console.print(package_tree(twice))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count(package.files[0].path.name) >= 2


def test_every_file_has_a_role() -> None:
    plan = seed_plan()
    packages = (plan.ring_package, plan.nodes[0].package)
    paths = [file.path for package in packages for file in package.files]
    paths += [link.path for package in packages for link in package.links]
    assert [path for path in paths if not file_role(path).purpose] == []


def test_a_file_that_no_table_knows_is_shown_with_its_folder(
    command: Command, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = sources.read_sources()
    node = {**known.node, PurePosixPath("etc/example.d/pmx-ring.conf"): b"x\n"}
    monkeypatch.setattr(sources, "read_sources", lambda: replace(known, node=node))
    assert "for what reads /etc/example.d" in command("plan").out
    assert "what reads /etc/example.d" in command("plan", "--diff", built).out


def test_one_node_with_the_content_of_its_files(command: Command) -> None:
    ran = command("plan", "--node", "pve2")
    assert "pve1  pve1.fritz.box" not in ran.out
    for node in seed_plan().nodes:
        shown = re.escape("--- /usr/lib/pmx-ring/frr.conf (0644)\n") + r"(.*\n)+?hostname " + node.node.name
        assert bool(re.search(shown, ran.out)) is (node.node.name == "pve2")


def test_contents_are_shown_as_they_are(command: Command) -> None:
    shown = command("plan", "--node", "pve1").out
    value = json.loads(command("plan", "--node", "pve1", "--json").out)
    package = value["nodes"][0]["package"]
    texts = [file["content"] for file in package["files"] if "content" in file] + list(
        package["scripts"].values()
    )
    assert len(texts) > 10
    assert [text for text in texts if text not in shown] == []


def test_a_node_that_is_not_there(command: Command) -> None:
    ran = command("plan", "--node", "pve4")
    assert (ran.status, ran.out) == (2, "")
    assert "error: cluster `pvc1` has no node `pve4`\n" in ran.err


def test_json_holds_everything(command: Command) -> None:
    value = json.loads(command("plan", "--json").out)
    assert (value["cluster"], value["proxmox_ve"], value["ring"]["mtu"]) == ("pvc1", "9.2", 4000)
    node = value["nodes"][1]
    assert {key: node[key] for key in ("name", "ring_ipv4", "ring_ipv6", "openfabric_net", "neighbours")} == {
        "name": "pve2",
        "ring_ipv4": "10.0.0.82",
        "ring_ipv6": "fc00::82",
        "openfabric_net": "49.0000.0000.0002.00",
        "neighbours": ["pve1", "pve3"],
    }
    assert node["answer"]["network"]["cidr"] == "192.168.178.12/24"
    assert node["answer"]["global"]["root-password-hashed"] == "(hidden)"
    assert node["first_boot"]["node"] == "pve2"
    paths = [file["path"] for file in node["package"]["files"]]
    assert "/usr/lib/pmx-ring/frr.conf" in paths
    assert "hostname pve2" in node["package"]["files"][paths.index("/usr/lib/pmx-ring/frr.conf")]["content"]


def test_svg(command: Command) -> None:
    ran = command("plan", "--svg", "ring.svg")
    assert (ran.status, ran.out) == (0, "")
    assert Path("ring.svg").read_text().startswith("<svg ")
    assert command("plan", "--svg", "nowhere/ring.svg").status == 1


def test_svg_to_standard_output(command: Command) -> None:
    assert command("plan", "--svg", "ring.svg").status == 0
    before = listing()
    ran = command("plan", "--svg", "-")
    assert (ran.status, ran.out, listing()) == (0, Path("ring.svg").read_text(), before)
    assert "drew" not in ran.err


@pytest.mark.parametrize("options", [("--json",), ("--node", "pve1"), ("--diff", "out")])
def test_standard_output_holds_the_drawing_alone(options: tuple[str, ...], command: Command) -> None:
    ran = command("plan", "--svg", "-", *options)
    assert ran.status == 2
    assert "<svg" not in ran.out
    assert ran.err.startswith("error: `--svg -` takes no `--node`, `--diff` or `--json`\n")


@pytest.mark.parametrize("arguments", [("init", "-"), ("build", "--out", "-")])
def test_no_command_makes_a_file_called_minus(arguments: tuple[str, ...], command: Command) -> None:
    before = listing()
    ran = command(*arguments)
    assert (ran.status, ran.out, listing()) == (2, "", before)
    assert "\nerror: `-` names no " in "\n" + ran.err


def test_svg_replaces_a_drawing_and_nothing_else(command: Command) -> None:
    before = Path("cluster.toml").read_bytes()
    ran = command("plan", "--svg", "cluster.toml")
    assert (ran.status, Path("cluster.toml").read_bytes()) == (2, before)
    assert "error: `cluster.toml` is there already, and no drawing of `plan`" in ran.err
    Path("own.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert command("plan", "--svg", "own.svg").status == 2
    Path("empty.svg").touch()
    assert command("plan", "--svg", "empty.svg").status == 0
    changed(("pvc1", "other"))
    assert command("plan", "--svg", "empty.svg").status == 0
    assert "of cluster other" in Path("empty.svg").read_text()
    assert command("plan", "--svg", "/dev/stdout").status == 0


def test_a_drawing_that_cannot_be_written_leaves_the_older_one(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("plan", "--svg", "ring.svg").status == 0
    before = (listing(), Path("ring.svg").read_bytes())

    def full(_: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    monkeypatch.setattr(Path, "replace", full)
    assert command("plan", "--svg", "ring.svg").status == 1
    assert (listing(), Path("ring.svg").read_bytes()) == before


def test_no_difference(built: Path, command: Command) -> None:
    ran = command("plan", "--diff", built)
    assert (ran.status, ran.out) == (0, "no change: a build would make what is there already\n")
    assert json.loads(command("plan", "--diff", built, "--json").out) == {
        "changed": False,
        "pmx_ring": None,
        "nodes": [],
    }


def test_a_change_that_neighbours_must_agree_on(built: Path, command: Command) -> None:
    changed(("mtu  = 4000", "mtu  = 9000"))
    ran = command("plan", "--diff", built)
    assert ran.status == 0
    assert ran.out.count("cluster-wide: neighbours must agree") == 3
    assert "touches: network" in ran.out
    assert "    -    mtu 4000\n    +    mtu 9000\n" in ran.out
    assert "interfaces: the same change as on pve1" in ran.out
    assert "cannot be rolled out" not in ran.out


@pytest.mark.parametrize(
    ("change", "nodes"),
    [
        (("number  = 3", "number  = 4"), {"pve3"}),
        (('ipv4 = "10.0.0.80/28"', 'ipv4 = "10.0.0.96/28"'), {"pve1", "pve2", "pve3"}),
        (('ipv6 = "fc00::80/124"', 'ipv6 = "none"'), {"pve1", "pve2", "pve3"}),
        (('"pvc1"', '"lab"'), {"pve1", "pve2", "pve3"}),
    ],
)
def test_what_others_may_hold_is_not_called_local(
    change: tuple[str, str], nodes: set[str], built: Path, command: Command
) -> None:
    changed(change)
    value = json.loads(command("plan", "--diff", built, "--json").out)
    reaches = {
        node["name"]: {one["reach"] for one in node["changes"] if one["path"].startswith("/")}
        for node in value["nodes"]
    }
    assert {name for name, reach in reaches.items() if reach == {"named elsewhere"}} == nodes
    # the neighbours of another number
    assert all(reach == {"local"} for name, reach in reaches.items() if name not in nodes)
    words = "named elsewhere: not to be rolled out while corosync, Ceph or migration has the old one"
    assert command("plan", "--diff", built).out.count(words) == len(nodes)


def test_an_address_that_nothing_can_name_yet_is_only_agreed_on(command: Command) -> None:
    changed(('ipv6 = "fc00::80/124"', 'ipv6 = "none"'))
    assert command("build", "--out", "out").status == 0
    changed()
    value = json.loads(command("plan", "--diff", "out", "--json").out)
    reaches = {one["reach"] for node in value["nodes"] for one in node["changes"]}
    assert reaches == {"cluster-wide"}


def test_a_change_of_one_node(built: Path, command: Command) -> None:
    changed(
        (
            '[[node]]\nname    = "pve2"',
            '[[node]]\nport = [{ name = "en05", path = "pci-0000:00:0d.2" }]\nname    = "pve2"',
        )
    )
    value = json.loads(command("plan", "--diff", built, "--json").out)
    (node,) = value["nodes"]
    assert node["name"] == "pve2"
    assert node["package_before"] != node["package_after"]
    assert node["touches"] == ["initramfs, and a reboot", "udev rules"]
    assert {change["reach"] for change in node["changes"]} == {"local"}
    assert "/usr/lib/systemd/network/00-pmx-ring-en05.link" in {change["path"] for change in node["changes"]}


def test_a_change_for_new_installations_only(built: Path, command: Command) -> None:
    changed(("Europe/Amsterdam", "Europe/Berlin"))
    value = json.loads(command("plan", "--diff", built, "--json").out)
    assert [node["name"] for node in value["nodes"]] == ["pve1", "pve2", "pve3"]
    for node in value["nodes"]:
        assert node["package_before"] == node["package_after"]
        (change,) = node["changes"]
        assert (change["path"], change["reach"]) == ("answer.toml", "new installations only")
        assert '+timezone = "Europe/Berlin"' in change["diff"]
    assert "cannot be rolled out to a running node" in command("plan", "--diff", built).out


def test_another_version_of_the_project_is_told_in_words(
    built: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "__version__", "9.8.7")
    value = json.loads(command("plan", "--diff", built, "--json").out)
    changes = [change for part in (value["pmx_ring"], *value["nodes"]) for change in part["changes"]]
    paths = {change["path"] for change in changes}
    assert "/usr/share/man/man8/pmx-ring.8" in paths
    assert not any(path.endswith((".gz", "/changelog")) for path in paths)
    assert "\\x" not in json.dumps([change["diff"] for change in changes])
    assert '"pmx-ring 9.8.7"' in command("plan", "--diff", built).out


def test_a_user_without_a_password_has_none(command: Command, built: Path) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMNgm3aaBmZHytER/mCcnwg7WcGqmgqVVfX3RANOD8AU me@desk"
    user = f'[access.user]\nname = "ada"\nssh-keys = ["{key}"]\n'
    changed(("[management]", f"{user}\n[management]"))
    (shown, *_) = json.loads(command("plan", "--json").out)["nodes"]
    assert shown["first_boot"]["user"]["password_hash"] is None
    assert '"password_hash": null' in command("plan", "--node", "pve1").out
    assert '"password_hash": null' in command("plan", "--diff", built).out
    assert command("build", "--out", "out").status == 0
    hook = json.loads(command("inspect", "out/pve1/first-boot", "--json").out)
    assert hook["settings"]["user"]["password_hash"] is None
    assert '"password_hash": null' in command("inspect", "out/pve1/first-boot").out


def test_nodes_that_come_and_go(built: Path, command: Command) -> None:
    changed(('name    = "pve3"', 'name    = "pve4"'), ("number  = 3", "number  = 4"))
    text = command("plan", "--diff", built).out
    assert re.search(r"^pve4  is new, package 1\.0\+", text, flags=re.MULTILINE)
    assert re.search(r"^pve3  is removed; its package was 1\.0\+", text, flags=re.MULTILINE)
    # both neighbours of the other nodes are in node.json
    assert re.search(r"^pve1  package 1\.0\+\w+ -> 1\.0\+\w+$", text, flags=re.MULTILINE)


def test_the_difference_of_one_node(built: Path, command: Command) -> None:
    changed(("Europe/Amsterdam", "Europe/Berlin"))
    value = json.loads(command("plan", "--node", "pve2", "--diff", built, "--json").out)
    assert [node["name"] for node in value["nodes"]] == ["pve2"]


@pytest.mark.parametrize(
    "damage", ["no folder", "no manifest", "bad manifest", "damaged package", "missing file"]
)
def test_what_cannot_be_compared_with(damage: str, built: Path, command: Command) -> None:
    match damage:
        case "no folder":
            built = Path("nowhere")
        case "no manifest":
            (built / "manifest.json").unlink()
        case "bad manifest":
            (built / "manifest.json").write_text("{}")
        case "damaged package":
            (deb,) = built.glob("pve1/*.deb")
            deb.write_bytes(deb.read_bytes()[:-200])
        case _:
            (built / "pve1" / "first-boot").unlink()
    ran = command("plan", "--diff", built)
    assert (ran.status, ran.out) == (2, "")
    assert "\nerror: " in "\n" + ran.err
