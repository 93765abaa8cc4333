"""What wiping removes, and what it leaves."""

import json
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.stick.files import TEMPORARY_SUFFIX
from pmx_cluster_tb.artifacts.stick.wipe import wipe_bundles
from pmx_cluster_tb.plan.bundle import Layout
from pmx_cluster_tb.problems import BadInput
from tests.artifacts.sticks import FOLDER, asked_bundle, content_of, source_iso, use_memory_only, write

OWN_JSON = {"control": [{"VTOY_DEFAULT_SEARCH_ROOT": "/"}]}


@pytest.fixture(params=Layout)
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    use_memory_only(monkeypatch)
    (tmp_path / "stick" / "ventoy").mkdir(parents=True)
    (tmp_path / "stick" / "ventoy" / "ventoy.json").write_text(json.dumps(OWN_JSON))
    write(asked_bundle(source_iso(tmp_path), request.param), tmp_path / "stick")
    return tmp_path / "stick"


def test_only_what_a_bundle_left_goes(stick: Path) -> None:
    own = {"holiday.iso": b"mine", "pmx-other/notes": b"mine", f"{FOLDER}/nodes/notes": b"mine"}
    for path, content in own.items():
        (stick / path).parent.mkdir(exist_ok=True)
        (stick / path).write_bytes(content)
    before = content_of(stick).keys() - own.keys()
    (wiped,) = wipe_bundles(stick)
    assert set(wiped.removed) == before - {"ventoy/ventoy.json"}
    assert wiped.kept == (f"{FOLDER}/nodes/notes",)
    assert wiped.ventoy_json
    after = content_of(stick)
    assert json.loads(after.pop("ventoy/ventoy.json")) == OWN_JSON
    assert after == own


def test_the_folder_goes_with_what_interrupted_runs_and_macos_left(stick: Path) -> None:
    for name in (f"x.iso{TEMPORARY_SUFFIX}", ".DS_Store", "._README.txt"):
        (stick / FOLDER / name).touch()
    (stick / "ventoy" / f"ventoy.json{TEMPORARY_SUFFIX}").touch()
    wipe_bundles(stick)
    assert not (stick / FOLDER).exists()
    assert content_of(stick).keys() == {"ventoy/ventoy.json"}


def test_files_outside_are_never_removed(stick: Path) -> None:
    path = stick / FOLDER / "manifest.json"
    for name in (
        "holiday.iso",
        f"{FOLDER}/../holiday.iso",
        "/etc/passwd",
        FOLDER,
        "pmx-other/x",
        f"{FOLDER}/\0",
    ):
        manifest = json.loads(path.read_text())
        manifest["files"][0]["path"] = name
        path.write_text(json.dumps(manifest))
        (wiped,) = wipe_bundles(stick)
        assert "it names files outside of `pmx-pvc1`" in wiped.damaged
        assert wiped.removed == ()
        assert path.exists()


@pytest.mark.parametrize("link", [FOLDER, f"{FOLDER}/more", "ventoy"])
def test_no_link_is_followed(stick: Path, link: str) -> None:
    """A stick that somebody made elsewhere may have links, and a manifest that names what is behind them."""
    outside = stick.with_name("outside")
    if (stick / link).exists():
        (stick / link).rename(outside)
    else:
        outside.mkdir()
        (outside / "mine").write_text("mine")
    (stick / link).symlink_to(outside)
    path = stick / FOLDER / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][0]["path"] = f"{FOLDER}/more/mine"
    path.write_text(json.dumps(manifest))
    before = content_of(stick), content_of(outside)
    with pytest.raises(BadInput, match=f"{link}` is a symbolic link, which no stick has"):
        wipe_bundles(stick)
    assert (content_of(stick), content_of(outside)) == before


def test_folders_in_place_of_files_do_not_stop_it(stick: Path) -> None:
    readme = stick / FOLDER / "README.txt"
    readme.unlink()
    readme.mkdir()
    (readme / "mine").write_text("mine")
    wipe_bundles(stick)
    assert content_of(stick).keys() == {"ventoy/ventoy.json", f"{FOLDER}/README.txt/mine"}


def test_a_folder_with_another_manifest_is_left(stick: Path) -> None:
    other = {"menu_alias": [{"image": "/pmx-tools/x.iso", "alias": "mine"}]}
    (stick / "pmx-tools").mkdir()
    (stick / "pmx-tools/manifest.json").write_text('{"format": "pmx-cluster-tb output"}')
    (stick / "ventoy/ventoy.json").write_text(json.dumps(other))
    assert [one.folder for one in wipe_bundles(stick)] == [FOLDER]
    assert json.loads((stick / "ventoy/ventoy.json").read_text()) == other
    assert content_of(stick).keys() == {"ventoy/ventoy.json", "pmx-tools/manifest.json"}


def test_a_ventoy_json_that_cannot_be_read_stops_it(stick: Path) -> None:
    (stick / "ventoy/ventoy.json").write_text("{")
    before = content_of(stick)
    with pytest.raises(BadInput):
        wipe_bundles(stick)
    assert content_of(stick) == before


def test_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "pmx-notes").mkdir()
    with pytest.raises(BadInput, match="there is no bundle on"):
        wipe_bundles(tmp_path)
