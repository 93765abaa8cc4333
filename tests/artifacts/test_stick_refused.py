"""What a bundle is not written over, nor beside: refused before anything is written to the stick."""

from dataclasses import replace
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.stick.write import earlier_bundle
from pmx_cluster_tb.plan.bundle import Layout
from pmx_cluster_tb.problems import BadInput, UserError
from tests.artifacts.sticks import FOLDER, asked_bundle, content_of, plain, source_iso, use_memory_only, write
from tests.plans import mac_plan


@pytest.fixture
def iso(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iso:
    use_memory_only(monkeypatch)
    return source_iso(tmp_path)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """With a file of its owner's."""
    top = tmp_path / "stick"
    for folder in (FOLDER, "ventoy"):
        (top / folder).mkdir(parents=True)
    (top / FOLDER / "notes").write_text("mine")
    return top


@pytest.mark.parametrize("content", [b'{"format": "pmx-cluster-tb output"}', b'{"name": "my app"}', b"[1]"])
def test_a_folder_with_another_manifest_is_left(iso: Iso, stick: Path, content: bytes) -> None:
    (stick / FOLDER / "manifest.json").write_bytes(content)
    (stick / FOLDER / "README.txt").write_text("mine")
    before = content_of(stick)
    with pytest.raises(BadInput, match=rf"no bundle made `{stick}/{FOLDER}/manifest.json`"):
        write(asked_bundle(iso), stick)
    assert content_of(stick) == before


@pytest.mark.parametrize(
    ("layout", "name"),
    [(Layout.SEPARATE, "pmx-pvc1_pve1_proxmox-ve_9.2-1"), (Layout.SHARED, "nodes/pve1.toml")],
)
def test_answers_that_a_damaged_manifest_forgot_are_not_lost_sight_of(
    iso: Iso, stick: Path, layout: Layout, name: str
) -> None:
    write(asked_bundle(iso, layout), stick)
    (stick / FOLDER / "manifest.json").write_bytes(b"")
    before = content_of(stick)
    with pytest.raises(BadInput, match=rf"there is more of an earlier bundle.*`{FOLDER}/{name}"):
        write(asked_bundle(replace(iso, iso_release="2")), stick)
    assert content_of(stick) == before


def test_one_node_is_not_renewed_where_the_others_are_not_known(iso: Iso, stick: Path) -> None:
    plan = mac_plan()
    one = replace(plan, nodes=tuple(node for node in plan.nodes if node.node.name == "pve2"))
    write(asked_bundle(iso), stick)
    (stick / FOLDER / "manifest.json").write_bytes(b"")
    before = content_of(stick)
    with pytest.raises(BadInput) as caught:
        write(asked_bundle(iso, plan=one, renewed="pve2"), stick)
    assert caught.value.hint == "leave `--node` out"
    assert content_of(stick) == before


def test_a_file_that_its_owner_puts_at_a_new_name_is_left(iso: Iso, stick: Path) -> None:
    write(asked_bundle(iso), stick)
    (stick / FOLDER / "injection.tar.gz").write_text("mine")
    with pytest.raises(BadInput, match="no bundle made them"):
        write(asked_bundle(iso, Layout.SHARED), stick)


def test_a_name_that_is_no_utf8_does_no_harm(iso: Iso, stick: Path) -> None:
    other = iso.path.rename(iso.path.with_name("\udcff.iso"))
    written = write(asked_bundle(replace(iso, path=other)), stick)
    assert earlier_bundle(plain(stick), FOLDER) == written.manifest


@pytest.mark.parametrize("path", [FOLDER, f"{FOLDER}/manifest.json/folder"])
def test_what_is_in_the_way_is_told(iso: Iso, tmp_path: Path, path: str) -> None:
    (tmp_path / "stick" / path).parent.mkdir(parents=True)
    (tmp_path / "stick" / path).touch()
    with pytest.raises(UserError, match="cannot write"):
        write(asked_bundle(iso), tmp_path / "stick")


def test_files_at_planned_names_that_no_bundle_made_are_left(iso: Iso, stick: Path) -> None:
    (stick / FOLDER / "README.txt").write_text("mine")
    before = content_of(stick)
    with pytest.raises(BadInput, match=rf"no bundle made them: `{FOLDER}/README.txt`"):
        write(asked_bundle(iso), stick)
    assert content_of(stick) == before


@pytest.mark.parametrize("spelling", ["PMX-pvc1", "Ventoy", "ventoy/VENTOY.json"])
def test_names_in_other_letters_are_refused(iso: Iso, tmp_path: Path, spelling: str) -> None:
    stick = tmp_path / "stick"
    (stick / spelling).mkdir(parents=True)
    with pytest.raises(BadInput, match=rf"{spelling}` must be called `{Path(spelling).name.lower()}`"):
        write(asked_bundle(iso), stick)
    assert content_of(stick) == {}


@pytest.mark.parametrize("link", [f"{FOLDER}/nodes", FOLDER, "ventoy"])
def test_nothing_is_written_behind_a_link(iso: Iso, tmp_path: Path, link: str) -> None:
    outside, stick = tmp_path / "outside", tmp_path / "stick"
    outside.mkdir()
    (stick / link).parent.mkdir(parents=True)
    (stick / link).symlink_to(outside)
    with pytest.raises(BadInput, match=f"{link}` is a symbolic link, which no stick has"):
        write(asked_bundle(iso, Layout.SHARED), stick)
    assert content_of(outside) == content_of(stick) == {}


@pytest.mark.parametrize("folder", [".", FOLDER])
def test_a_folder_that_ventoy_ignores_is_refused(iso: Iso, stick: Path, folder: str) -> None:
    (stick / folder / ".ventoyignore").touch()
    with pytest.raises(BadInput, match="hides all that is beside it from Ventoy"):
        write(asked_bundle(iso), stick)


def test_a_ventoy_json_that_cannot_be_merged_stops_it_before_anything_is_written(
    iso: Iso, stick: Path
) -> None:
    (stick / "ventoy/ventoy.json").write_text("{")
    before = content_of(stick)
    with pytest.raises(BadInput):
        write(asked_bundle(iso), stick)
    assert content_of(stick) == before
