"""ventoy.json on a stick: other people's entries stay, ours come and go."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmx_cluster_tb.artifacts.stick.request import bundle_of
from pmx_cluster_tb.artifacts.stick.ventoy_json import merged, without
from pmx_cluster_tb.plan.bundle import BundlePlan, IsoVersion, Layout
from pmx_cluster_tb.problems import BadFile
from tests.plans import mac_plan

SHARED = bundle_of(mac_plan(), IsoVersion("9.2", "1"), Layout.SHARED)
SEPARATE = bundle_of(mac_plan(), IsoVersion("9.2", "1"), Layout.SEPARATE)
OTHER_CLUSTER = bundle_of(mac_plan("lab"), IsoVersion("9.2", "1"), Layout.SHARED)


def put(existing: bytes | None, bundle: BundlePlan) -> bytes:
    """The file with the entries of `bundle`."""
    return merged(existing, bundle.ventoy, bundle.folder)


def value(content: bytes) -> dict[str, Any]:
    """What Ventoy reads, by a plain JSON reader."""
    read = json.loads(content)
    assert isinstance(read, dict)
    return read


@pytest.mark.parametrize("existing", [None, b"", b"  \r\n", b"\xef\xbb\xbf"])
def test_a_stick_without_settings_gets_a_file_of_its_own(existing: bytes | None) -> None:
    made = put(existing, SHARED)
    assert set(value(made)) == {"menu_alias", "menu_tip", "auto_install", "injection"}
    assert without(made, SHARED.folder) is None


def test_only_the_shared_layout_has_ventoy_ask_for_a_node() -> None:
    assert set(value(put(None, SEPARATE))) == {"menu_alias", "menu_tip"}
    (entry,) = value(put(None, SHARED))["auto_install"]
    assert entry == {
        "image": "/pmx-pvc1/pmx-pvc1_proxmox-ve_9.2-1_VTNORMAL.iso",
        "template": [f"/pmx-pvc1/nodes/pve{number}.toml" for number in (1, 2, 3)],
        "autosel": 0,
        "timeout": 0,
    }


OTHERS = """{
    "control":[ {"VTOY_DEFAULT_MENU_MODE" :"0"},
       {"VTOY_DEFAULT_IMAGE": "/iso/debian.iso"}],
    "theme": { "file": "/ventoy/th\\u00e9me.txt" },
    "menu_alias": [
        {"image":"/iso/debian.iso",   "alias":"Debian \\/ Bookworm"},
        { "dir": "/iso", "alias": "caf\u00e9" }
    ],
    "menu_tip": {
        "left": "10%",
        "tips": [
            {"image": "/iso/debian.iso", "tip": "x"}
        ]
    },
    "injection": [
        {"parent": "/pmx-pvc10", "archive": "/mine.tar.gz"}
    ],
    "persistence": [ { "image":"/a.iso","backend":"/b.dat","autosel":1 } ]
}
"""
KEPT = (
    '[ {"VTOY_DEFAULT_MENU_MODE" :"0"},\n       {"VTOY_DEFAULT_IMAGE": "/iso/debian.iso"}]',
    '{ "file": "/ventoy/th\\u00e9me.txt" }',
    '{"image":"/iso/debian.iso",   "alias":"Debian \\/ Bookworm"}',
    '{ "dir": "/iso", "alias": "café" }',
    '{"parent": "/pmx-pvc10", "archive": "/mine.tar.gz"}',
    '[ { "image":"/a.iso","backend":"/b.dat","autosel":1 } ]',
)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("bundle", [SHARED, SEPARATE], ids=["shared", "separate"])
def test_what_others_wrote_stays_byte_for_byte(newline: str, bom: str, bundle: BundlePlan) -> None:
    text = bom + OTHERS.replace("\n", newline)
    made = put(text.encode(), bundle)
    for kept in KEPT:
        assert kept.replace("\n", newline) in made.decode(), kept
    assert made.startswith(b"\xef\xbb\xbf") is bool(bom)
    assert value(made.removeprefix(b"\xef\xbb\xbf"))["menu_alias"][:2] == value(OTHERS.encode())["menu_alias"]
    left = without(made, bundle.folder)
    assert left is not None
    assert value(left.removeprefix(b"\xef\xbb\xbf")) == value(OTHERS.encode())
    for kept in KEPT:
        assert kept.replace("\n", newline) in left.decode(), kept


def test_our_entries_come_last_because_the_last_of_two_holds() -> None:
    image = SHARED.ventoy.injection[0]["image"]
    theirs = {"injection": [{"image": str(image).replace("p", "*"), "archive": "/theirs.tar.gz"}]}
    entries = value(put(json.dumps(theirs).encode(), SHARED))["injection"]
    assert [entry["archive"] for entry in entries] == ["/theirs.tar.gz", "/pmx-pvc1/injection.tar.gz"]


def test_another_layout_takes_the_place_of_the_one_before() -> None:
    assert value(put(put(None, SHARED), SEPARATE)) == value(put(None, SEPARATE))
    assert value(put(put(None, SEPARATE), SHARED)) == value(put(None, SHARED))


def test_entries_in_another_case_are_ours_too() -> None:
    older = put(None, SHARED).replace(b"/pmx-pvc1/", b"/PMX-PVC1/")
    assert value(put(older, SHARED)) == value(put(None, SHARED))


def test_two_clusters_share_a_stick() -> None:
    both = put(put(None, SHARED), OTHER_CLUSTER)
    assert len(value(both)["auto_install"]) == 2
    assert without(both, "pmx-lab") == put(None, SHARED)
    left = without(both, "pmx-pvc1")
    assert left is not None
    assert value(left) == value(put(None, OTHER_CLUSTER))


def test_nothing_of_ours_nothing_to_remove() -> None:
    odd = b'{"injection":[ ],\r\n"menu_tip":{ "tips":[]},"x":-1}'
    assert without(odd, "pmx-pvc1") == odd
    assert without(b" ", "pmx-pvc1") == b" "


REFUSED = {
    '{\n  "a": [1,\n}': ["ventoy/ventoy.json:3: is no JSON that Ventoy reads: expecting value"],
    '{"a": 1}\n{}': ["ventoy/ventoy.json:2: is no JSON that Ventoy reads: extra data"],
    '{"a": 1,\n"b": 1.5}': ["ventoy/ventoy.json:2: is no JSON that Ventoy reads: `1.5` is no whole number"],
    '{"a": ' + "1" * 5000 + "}": ["is no JSON that Ventoy reads: it has a number of thousands of digits"],
    "[]": ["ventoy/ventoy.json:1: must be an object"],
    '{"menu_alias": {}}': ["ventoy/ventoy.json:1: menu_alias: must be a list"],
    '{"menu_tip": []}': ["ventoy/ventoy.json:1: menu_tip: must be an object"],
    '{\n"menu_tip": {"tips": {}}}': ["ventoy/ventoy.json:2: menu_tip.tips: must be a list"],
    '{"auto_install_uefi": []}': ["auto_install_uefi: takes the place of `auto_install` on such machines"],
    '{"injection_legacy": [],\n"menu_tip_ia32": {}}': [
        "ventoy.json:1: injection_legacy: takes the place of `injection`",
        "ventoy.json:2: menu_tip_ia32: takes the place of `menu_tip`",
    ],
    '{"control": [{"VTOY_MENU_TIMEOUT": "10"}]}': ["`VTOY_MENU_TIMEOUT` is `10`: Ventoy would start a line"],
    '{"control_uefi": [{"VTOY_MENU_TIMEOUT": "0"}]}': ["control_uefi: `VTOY_MENU_TIMEOUT` is `0`"],
    '{"control": [{"VTOY_DEFAULT_IMAGE": "F6>x"}]}': ["Ventoy would start that before anybody can choose"],
    '{"control": [{"VTOY_DEFAULT_IMAGE": "/pmx-pvc1/pmx-pvc1_pve1_proxmox-ve_9.2-1_VTNORMAL.iso"}]}': [
        "Enter alone would start that installation"
    ],
    '{"control": [{"VTOY_DEFAULT_IMAGE": "/pmx-lab/pmx-lab_proxmox-ve_9.2-1_VTNORMAL.iso"}]}': [
        "Enter alone would start that installation"
    ],
    '{"control": [{"VTOY_DEFAULT_SEARCH_ROOT": "/iso"}]}': ["would not look for images in `/pmx-pvc1`"],
    '{"control": [{"VTOY_MAX_SEARCH_LEVEL": "0"}]}': [
        "`VTOY_MAX_SEARCH_LEVEL` is `0`: Ventoy would not look for images in `/pmx-pvc1`"
    ],
    '{"control": [{"VTOY_FILE_FLT_ISO": "1"}]}': ["Ventoy would list no ISO"],
    '{"image_list": ["/iso/debian.iso"]}': ["image_list: hides what is not in it: `/pmx-pvc1/00-"],
    '{"image_blacklist": ["/pmx-pvc1/00-pmx-pvc1-does-nothing.is*"]}': [
        "image_blacklist: hides `/pmx-pvc1/00-"
    ],
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items(), ids=range(len(REFUSED)))
def test_refused(text: str, expected: list[str]) -> None:
    with pytest.raises(BadFile) as raised:
        put(text.encode(), SHARED)
    assert len(raised.value.problems) == len(expected)
    for problem, part in zip(raised.value.problems, expected, strict=True):
        assert part in str(problem)
        assert problem.hint


@pytest.mark.parametrize("content", [b"\xff\xfe{\0}\0", b'{\n"a": "caf\xe9"}'])
def test_an_encoding_that_ventoy_does_not_read_is_refused(content: bytes) -> None:
    with pytest.raises(BadFile, match="is not UTF-8"):
        put(content, SHARED)
    with pytest.raises(BadFile, match="is not UTF-8"):
        without(content, SHARED.folder)


ACCEPTED: tuple[dict[str, object], ...] = (
    {"control": [{"VTOY_DEFAULT_IMAGE": "/iso/debian.iso"}, {}, "x", {"VTOY_FILE_FLT_ISO": "0"}]},
    {"control": [{"VTOY_DEFAULT_IMAGE": "/pmx-pvc1/00-pmx-pvc1-does-nothing.iso"}]},
    {"control": [{"VTOY_DEFAULT_MENU_MODE": "1", "VTOY_MENU_TIMEOUT": "only the first key is read"}]},
    {"control": [{"VTOY_DEFAULT_SEARCH_ROOT": "/pmx-pvc1"}, {"VTOY_SECONDARY_TIMEOUT": "5"}]},
    {"auto_install_aa64": [], "theme_uefi": {}},
    {"image_list": ["/iso/a.iso", *(str(entry["image"]) for entry in SHARED.ventoy.menu_alias)]},
    {"image_blacklist": ["/iso/a.iso"]},
)


@pytest.mark.parametrize("settings", ACCEPTED, ids=range(len(ACCEPTED)))
def test_accepted(settings: dict[str, object]) -> None:
    made = value(put(json.dumps(settings).encode(), SHARED))
    assert {key: made[key] for key in settings} == settings


def test_a_list_of_images_must_begin_with_the_one_that_does_nothing() -> None:
    images = [str(entry["image"]) for entry in SHARED.ventoy.menu_alias]
    with pytest.raises(BadFile, match="before the others in its folder"):
        put(json.dumps({"image_list": images[::-1]}).encode(), SHARED)


@pytest.mark.parametrize("key", [r"\ud800", r"\u0041", r"a\/b\"c", "caf\u00e9"])
def test_keys_of_others_stay_as_they_are_written(key: str) -> None:
    existing = f'{{"{key}": "{key}"}}'.encode()
    made = put(existing, SHARED)
    assert f'"{key}": "{key}"'.encode() in made
    assert without(made, SHARED.folder) == f'{{\n    "{key}": "{key}"\n}}\n'.encode()


def test_of_equal_keys_ventoy_reads_the_first() -> None:
    made = put(b'{"injection": [{"image": "/a", "archive": "/b"}], "injection": []}', SHARED).decode()
    first, second = made.split('"injection"')[1:]
    assert "/pmx-pvc1/injection.tar.gz" in first
    assert "pmx-pvc1" not in second.partition("menu")[0]


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
paths = st.sampled_from(["/a.iso", "/iso/b.iso", "/pmx-pvc10/c.iso", "/pmx-PVC", "relative", "/*.iso"])
entries = st.dictionaries(st.sampled_from(["image", "parent", "dir", "alias"]), paths, max_size=3) | scalars
lists = st.lists(entries, min_size=1, max_size=4)
documents = st.fixed_dictionaries(
    {},
    optional={
        "menu_alias": lists,
        "auto_install": lists,
        "injection": lists,
        "menu_tip": st.fixed_dictionaries({"left": st.text()}, optional={"tips": lists, "x": values}),
        "theme": values,
        "persistence": values,
        "x_uefi": values,
    },
)
dumped = st.tuples(documents, st.sampled_from([None, 4, "\t"]), st.booleans()).map(
    lambda parts: json.dumps(parts[0], indent=parts[1], ensure_ascii=parts[2]).encode()
)
bundles = st.sampled_from([SHARED, SEPARATE])


@given(dumped, bundles)
def test_what_is_merged_comes_out_again(existing: bytes, bundle: BundlePlan) -> None:
    left = without(put(existing, bundle), bundle.folder)
    assert value(left or b"{}") == value(existing)
    assert list(value(left or b"{}")) == list(value(existing))


@given(dumped, bundles)
def test_a_file_in_our_form_comes_back_byte_for_byte(existing: bytes, bundle: BundlePlan) -> None:
    plain = without(put(existing, bundle), bundle.folder)
    if plain is not None:
        assert without(put(plain, bundle), bundle.folder) == plain


@given(dumped, bundles)
def test_merging_twice_is_merging_once(existing: bytes, bundle: BundlePlan) -> None:
    once = put(existing, bundle)
    assert put(once, bundle) == once
