"""What goes on a stick: names, texts, and what the shared layout refuses."""

import hashlib
import tomllib
from dataclasses import replace

import pytest

from pmx_cluster_tb.artifacts.stick.request import bundle_of
from pmx_cluster_tb.model.cluster import (
    AfterInstall,
    Cluster,
    DiskModel,
    NicName,
)
from pmx_cluster_tb.plan.bundle import (
    ANSWER_NAME,
    MODE_NAME,
    BundlePlan,
    IsoVersion,
    Layout,
    marked_answer,
    mode_file,
    partition_label,
)
from pmx_cluster_tb.plan.cluster_plan import plan_cluster
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.sources import read_sources
from tests.clusters import by_serial, mac_cluster
from tests.plans import mac_plan

ISO = IsoVersion("9.2", "1")
LONGEST = replace(
    mac_cluster("A23456789-12345"),
    nodes=tuple(
        replace(
            node,
            name=f"{'n' * 61}-{node.number}",
            disk=replace(node.disk, find=by_serial(*(f"{'S' * 36}{disk}" for disk in range(8)))),
        )
        for node in mac_cluster().nodes
    ),
)


def bundle(layout: Layout, cluster: Cluster | None = None) -> BundlePlan:
    """The bundle of a cluster like the seed, or of another one."""
    return bundle_of(mac_plan() if cluster is None else plan_cluster(cluster, read_sources()), ISO, layout)


def text(made: BundlePlan, name: str) -> str:
    """The small file that ends in `name`."""
    (content,) = (file.content for file in made.files if file.path.endswith(name))
    return content.decode("ascii")


def paths(made: BundlePlan) -> list[str]:
    return [*(iso.path for iso in made.isos), *(file.path for file in made.files)]


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("cluster", [None, LONGEST], ids=["seed", "longest"])
def test_paths_suit_ventoy_and_every_file_system(layout: Layout, cluster: Cluster | None) -> None:
    made = bundle(layout, cluster)
    assert len({path.lower() for path in paths(made)}) == len(paths(made))
    for path in paths(made):
        assert path.startswith(f"{made.folder}/")
        assert path.isascii()
        # Ventoy keeps 255 bytes of a path with its first slash; a name on FAT has 255 characters at most
        assert len(path) < 250
        assert not set(path) & set('"*:<>?|\\$%~ ')
        assert all(part == part.rstrip(". ") for part in path.split("/"))


@pytest.mark.parametrize("layout", Layout)
def test_ventoy_sorts_the_line_that_does_nothing_first(layout: Layout) -> None:
    made = bundle(layout)
    images = [path for path in paths(made) if path.endswith(".iso")]
    # by file name, letters as upper case (ventoy_cmp_img)
    first = min(images, key=lambda path: path.rpartition("/")[2].upper())
    assert first.endswith("-does-nothing.iso")
    assert made.ventoy.menu_alias[0]["image"] == f"/{first}"
    (content,) = (file.content for file in made.files if file.path == first)
    # ventoy_cmd.c lists nothing smaller, and grub.cfg complains about sizes that are no multiple of 2 KiB
    assert len(content) >= 32 * 1024
    assert len(content) % 2048 == 0
    # no boot record, no volume descriptor
    assert set(content) == {0}
    assert f"{first}.vcfg" in paths(made)
    assert all("_VTNORMAL.iso" in image for image in images if image != first)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("cluster", [None, LONGEST], ids=["seed", "longest"])
def test_texts_of_the_menu_fit_and_say_what_happens(layout: Layout, cluster: Cluster | None) -> None:
    entries = bundle(layout, cluster).ventoy
    assert all("WIPES DISKS" in str(entry["alias"]) for entry in entries.menu_alias[1:])
    assert all("WIPES DISKS" in str(entry["tip1"]) for entry in entries.tips)
    for entry in (*entries.menu_alias, *entries.tips):
        for key in {"alias", "tip1", "tip2"} & entry.keys():
            shown = str(entry[key])
            assert len(shown) <= 255
            assert shown.isascii()
            assert shown.isprintable()
            assert not set(shown) & set('"$\\')


def test_what_a_disk_is_called_cannot_change_the_menu() -> None:
    cluster = mac_cluster()
    odd = replace(cluster.nodes[0].disk, find=DiskModel('Disk "$x" \\ Größe'))
    made = bundle(
        Layout.SEPARATE, replace(cluster, nodes=(replace(cluster.nodes[0], disk=odd), *cluster.nodes[1:]))
    )
    assert "model Disk ??x? ? Gr??e" in str(made.ventoy.menu_alias[1]["alias"])


@pytest.mark.parametrize("layout", Layout)
def test_the_readme_is_for_every_system(layout: Layout) -> None:
    readme = text(bundle(layout), "README.txt")
    assert readme.count("\n") == readme.count("\r\n")
    assert max(len(line) for line in readme.split("\r\n")) <= 80
    for number in range(8):
        assert f"\r\n{number}. " in readme
    for said in (
        "1.0.97",
        "1.1.17",
        "10 seconds",
        "Secure Boot",
        "--wipe",
        "58:47:ca:00:00:03",
        "S7KGNU0X000003",
    ):
        assert said in readme
    assert ("asks for the node" in readme) is (layout is Layout.SHARED)


@pytest.mark.parametrize(
    ("after", "expected"), [(AfterInstall.POWER_OFF, True), (AfterInstall.REBOOT, False)]
)
def test_the_readme_says_when_the_stick_goes_out(after: AfterInstall, expected: bool) -> None:
    cluster = replace(mac_cluster(), after_install=after)
    readme = text(bundle(Layout.SEPARATE, cluster), "README.txt")
    assert ("The machine switches itself off. TAKE THE STICK OUT" in readme) is expected
    assert ("TAKE THE STICK OUT as soon as the screen" in readme) is not expected


def test_the_readme_warns_where_machines_cannot_be_told_apart() -> None:
    cluster = mac_cluster()
    node = cluster.nodes[1]
    vague = replace(
        node, nic=NicName("enp3s0"), disk=replace(node.disk, find=DiskModel("Samsung SSD 990 PRO"))
    )
    nodes = (cluster.nodes[0], vague, cluster.nodes[2])
    readme = text(bundle(Layout.SEPARATE, replace(cluster, nodes=nodes)), "README.txt")
    assert "THE INSTALLER CANNOT" in readme
    assert "stops before it writes anything" not in readme.partition("WHAT TO PRESS")[0]


def test_a_separate_iso_has_one_node_s_answer() -> None:
    made = bundle(Layout.SEPARATE)
    assert [iso.nodes for iso in made.isos] == [("pve1",), ("pve2",), ("pve3",)]
    for iso, node in zip(made.isos, mac_plan().nodes, strict=True):
        assert iso.members[ANSWER_NAME] == node.answer.text.encode()
        assert tomllib.loads(iso.members[MODE_NAME].decode())["mode"] == "iso"


def test_the_shared_iso_has_no_answer_and_looks_for_a_label_that_is_nowhere() -> None:
    made = bundle(Layout.SHARED)
    (iso,) = made.isos
    assert iso.nodes == ("pve1", "pve2", "pve3")
    assert ANSWER_NAME not in iso.members
    mode = tomllib.loads(iso.members[MODE_NAME].decode())
    assert mode == {"mode": "partition", "partition_label": partition_label("pvc1"), "http": {}}


@pytest.mark.parametrize("cluster", ["pvc1", "PVC1", "A23456789-12345", "proxmox-ais"])
def test_the_label_fits_on_fat_and_is_not_the_installer_s_own(cluster: str) -> None:
    label = partition_label(cluster)
    assert len(label) <= 11
    assert label == label.upper()
    assert label.lower() != "proxmox-ais"
    assert hashlib.sha256(cluster.encode()).hexdigest().upper().startswith(label.removeprefix("PMX-"))


def test_the_mode_file_is_what_the_official_assistant_writes() -> None:
    assert mode_file("iso", "proxmox-ais") == b'mode = "iso"\npartition_label = "proxmox-ais"\n\n[http]\n'


def test_an_answer_of_the_shared_layout_says_for_whom_it_is() -> None:
    node = mac_plan().nodes[1]
    lines = marked_answer(node).decode().split("\n", 2)
    assert lines == ["# pmx-node: pve2", "# pmx-mac: 58:47:ca:00:00:02", node.answer.text]
    assert tomllib.loads(marked_answer(node).decode()) == node.answer.table


def test_the_shared_layout_needs_a_mac_of_every_node() -> None:
    cluster = mac_cluster()
    nodes = (replace(cluster.nodes[0], nic=NicName("enp3s0")), *cluster.nodes[1:])
    with pytest.raises(BadInput, match=r"and these have no `nic.mac`: `pve1`") as raised:
        bundle(Layout.SHARED, replace(cluster, nodes=nodes))
    assert "--layout separate" in raised.value.hint
    bundle(Layout.SEPARATE, replace(cluster, nodes=nodes))


def test_too_many_nodes_for_one_first_boot_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmx_cluster_tb.artifacts.node_files.MAX_BYTES", 100_000)
    with pytest.raises(
        BadInput, match=r"of all 3 nodes has 1[0-9]{5} bytes, and the installer takes 100000"
    ) as raised:
        bundle(Layout.SHARED)
    assert raised.value.hint == "use `--layout separate`"


def test_some_of_the_nodes_can_be_planned_alone() -> None:
    plan = mac_plan()
    cut = replace(plan, nodes=plan.nodes[1:2])
    for layout in Layout:
        made = bundle_of(cut, ISO, layout)
        assert [iso.nodes for iso in made.isos] == [("pve2",)]
        assert "pve1 " not in text(made, "README.txt")
        whole = {file.path: file.content for file in bundle(layout).files}
        assert {file.path for file in made.files} <= whole.keys()


def test_the_same_plan_gives_the_same_bundle() -> None:
    for layout in Layout:
        assert bundle(layout) == bundle(layout)


def test_secrets_are_marked_and_not_shown() -> None:
    crypt = mac_plan().cluster.access.root_password_hash.crypt
    for layout in Layout:
        made = bundle(layout)
        assert crypt not in repr(made)
        for file in made.files:
            assert (crypt.encode() in file.content) is file.secret, file.path
