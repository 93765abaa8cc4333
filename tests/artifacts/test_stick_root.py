"""Sticks on which Ventoy looks for images in one folder only, or not in every depth."""

import json
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.inspect import inspected_stick
from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.stick.place import stick_at
from pmx_cluster_tb.artifacts.stick.wipe import wipe_bundles
from pmx_cluster_tb.artifacts.stick.write import Written, write_bundle
from pmx_cluster_tb.plan.bundle import Layout
from pmx_cluster_tb.problems import BadFile, BadInput
from pmx_cluster_tb.progress import unobserved
from tests.artifacts.sticks import FOLDER, asked_bundle, content_of, source_iso, use_memory_only


@pytest.fixture
def iso(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iso:
    use_memory_only(monkeypatch)
    return source_iso(tmp_path)


def stick_with(tmp_path: Path, control: dict[str, str], key: str = "control") -> Path:
    """A stick whose owner wrote these settings of Ventoy."""
    top = tmp_path / "stick"
    (top / "ventoy").mkdir(parents=True, exist_ok=True)
    entries = {key: [{name: value} for name, value in control.items()]}
    (top / "ventoy/ventoy.json").write_text(json.dumps(entries))
    return top


def written(iso: Iso, top: Path, layout: Layout = Layout.SEPARATE) -> Written:
    return write_bundle(asked_bundle(iso, layout), stick_at(top), unobserved)


def named(top: Path) -> list[str]:
    """Every path that the entries of ventoy.json name."""
    entries = json.loads((top / "ventoy/ventoy.json").read_text())
    tables = [*entries["menu_alias"], *entries["menu_tip"]["tips"]]
    tables += [*entries.get("auto_install", []), *entries.get("injection", [])]
    paths = [table["image"] for table in tables] + [one["archive"] for one in entries.get("injection", [])]
    return paths + [path for one in entries.get("auto_install", []) for path in one["template"]]


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("key", ["control", "control_uefi"])
@pytest.mark.parametrize(
    ("root", "base"),
    [("/ISO", "ISO/"), ("/ISO/", "ISO/"), ("/a/b c", "a/b c/"), ("/", ""), ("ISO", ""), (f"/{FOLDER}", "")],
)
def test_the_bundle_goes_where_ventoy_looks(
    iso: Iso, tmp_path: Path, *, root: str, base: str, key: str, layout: Layout
) -> None:
    top = stick_with(tmp_path, {"VTOY_DEFAULT_MENU_MODE": "1", "VTOY_DEFAULT_SEARCH_ROOT": root}, key)
    before = content_of(top)
    assert written(iso, top, layout).paths
    there = content_of(top)
    assert {path for path in there if not path.startswith(f"{base}{FOLDER}/")} == {"ventoy/ventoy.json"}
    assert {path[1:] for path in named(top)} <= there.keys()
    assert written(iso, top, layout).paths == frozenset()
    inspected = inspected_stick(top, unobserved)
    assert inspected
    assert [(one.folder, one.is_as_written) for one in inspected.bundles] == [(f"{base}{FOLDER}", True)]
    assert inspected_stick(top / base / FOLDER, unobserved) == inspected
    (wiped,) = wipe_bundles(top)
    assert (wiped.folder, set(wiped.removed)) == (f"{base}{FOLDER}", there.keys() - before.keys())
    assert content_of(top).keys() == before.keys()
    assert json.loads(content_of(top)["ventoy/ventoy.json"]) == json.loads(before["ventoy/ventoy.json"])


@pytest.mark.parametrize(
    ("control", "needed"),
    [
        ({"VTOY_MAX_SEARCH_LEVEL": "0"}, 1),
        ({"VTOY_MAX_SEARCH_LEVEL": "0", "VTOY_DEFAULT_SEARCH_ROOT": "/ISO"}, 1),
    ],
)
def test_where_ventoy_would_not_come_it_is_refused(
    iso: Iso, tmp_path: Path, control: dict[str, str], needed: int
) -> None:
    top = stick_with(tmp_path, control)
    before = content_of(top)
    with pytest.raises(BadFile) as raised:
        written(iso, top)
    (problem,) = raised.value.problems
    assert "`VTOY_MAX_SEARCH_LEVEL` is `0`: Ventoy would not look for images in" in problem.message
    assert problem.hint.startswith(f"write `{needed}` there, or ")
    assert content_of(top) == before


@pytest.mark.parametrize(
    "control",
    [
        {"VTOY_MAX_SEARCH_LEVEL": "1"},
        {"VTOY_MAX_SEARCH_LEVEL": "1", "VTOY_DEFAULT_SEARCH_ROOT": "/ISO"},
        {"VTOY_MAX_SEARCH_LEVEL": "0", "VTOY_DEFAULT_SEARCH_ROOT": f"/{FOLDER}"},
    ],
)
def test_a_level_that_suffices_is_taken(iso: Iso, tmp_path: Path, control: dict[str, str]) -> None:
    assert written(iso, stick_with(tmp_path, control)).manifest.complete


def test_a_bundle_where_ventoy_looked_before_is_not_left_behind(iso: Iso, tmp_path: Path) -> None:
    top = stick_with(tmp_path, {"VTOY_DEFAULT_SEARCH_ROOT": "/ISO"})
    written(iso, top)
    entries = json.loads((top / "ventoy/ventoy.json").read_text())
    entries["control"] = [{"VTOY_DEFAULT_SEARCH_ROOT": "/images"}]
    (top / "ventoy/ventoy.json").write_text(json.dumps(entries))
    before = content_of(top)
    with pytest.raises(BadInput, match=f"`{top}/ISO/{FOLDER}` has a bundle of this cluster") as raised:
        written(iso, top)
    assert raised.value.hint == f"`pmx-cluster-tb bundle --wipe --out {top}` removes it"
    assert content_of(top) == before
    wipe_bundles(top)
    assert written(iso, top).manifest.complete


@pytest.mark.parametrize("root", ["ISO", "a/b c"])
def test_a_bundle_that_ventoy_json_no_longer_names_is_told_to_who_wipes(
    iso: Iso, tmp_path: Path, root: str
) -> None:
    top = stick_with(tmp_path, {"VTOY_DEFAULT_SEARCH_ROOT": f"/{root}"})
    written(iso, top)
    (top / "ventoy/ventoy.json").unlink()
    before = content_of(top)
    with pytest.raises(BadInput, match=f"look no more: `{root}/{FOLDER}`") as raised:
        wipe_bundles(top)
    assert content_of(top) == before
    assert raised.value.hint.startswith("`pmx-cluster-tb bundle --wipe --out ")
    assert str(top / root) in raised.value.hint
    (wiped,) = wipe_bundles(top / root)
    assert wiped.folder == FOLDER
    assert content_of(top) == {}


@pytest.mark.parametrize("path", ["ISO", "ISO/.ventoyignore"])
def test_what_hides_or_leads_away_on_the_way_is_refused(iso: Iso, tmp_path: Path, path: str) -> None:
    top = stick_with(tmp_path, {"VTOY_DEFAULT_SEARCH_ROOT": "/ISO"})
    if path == "ISO":
        (tmp_path / "outside").mkdir()
        (top / path).symlink_to(tmp_path / "outside")
    else:
        (top / "ISO").mkdir()
        (top / path).touch()
    with pytest.raises(BadInput) as raised:
        written(iso, top)
    assert f"`rm {top / path}`" in raised.value.hint
