"""The settings of first boot: one schema holds the builder and the program on the node."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstboot.settings import BadSettings, Package, Settings, read_settings
from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import settings_with_digests
from pmx_cluster_tb.plan.types import ClusterPlan
from tests.plans import seed_plan, two_node_plan

SCHEMA = json.loads((Path(__file__).parents[2] / "firstboot/settings.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

PACKAGE = {"name": "pmx-ring", "version": "0.1.0", "file": "pmx-ring_0.1.0_all.deb", "sha256": "0" * 64}
GOOD = {"schema": 1, "cluster": "pvc1", "node": "pve1", "packages": [PACKAGE]}


def _with_package(**changes: object) -> dict[str, object]:
    return {**GOOD, "packages": [{**PACKAGE, **changes}]}


def _without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


VALID: list[Any] = [
    GOOD,
    {**GOOD, "schema": 1.0},
    {**GOOD, "cluster": "A-1"},
    {**GOOD, "node": "1a"},
    {**GOOD, "packages": [PACKAGE, PACKAGE]},
    _with_package(name="a+.-b"),
    _with_package(version="1.0+0123456789~x-1"),
    _with_package(file="pmx-ring_0.1.0~rc1+x_all.deb"),
]

NO_PACKAGES: list[Any] = [[], {}, "x", [None], [[]], ["x"], [{}], [PACKAGE, 1]]
NO_TEXTS: list[Any] = [None, 1, "", [], "A b"]

INVALID: list[Any] = [
    None,
    [],
    "text",
    1,
    {},
    *(_without(GOOD, key) for key in GOOD),
    *({**GOOD, key: None} for key in GOOD),
    {**GOOD, "more": 1},
    *({**GOOD, "schema": version} for version in (0, 2, 1.5, "1", True, [1])),
    *({**GOOD, "cluster": name} for name in ("", "1a", "a b", "a_b", 1)),
    *({**GOOD, "node": name} for name in ("", "-a", "A", "a.b", 1)),
    *({**GOOD, "packages": packages} for packages in NO_PACKAGES),
    *({**GOOD, "packages": [_without(PACKAGE, key)]} for key in PACKAGE),
    *(_with_package(**{key: value}) for key in PACKAGE for value in NO_TEXTS),
    _with_package(more=1),
    _with_package(name="a"),
    _with_package(version="v1"),
    _with_package(version="1:1"),
    _with_package(file="pmx-ring"),
    _with_package(file="../pmx-ring.deb"),
    _with_package(file="a/b.deb"),
    _with_package(sha256="0" * 63),
    _with_package(sha256="0" * 65),
    _with_package(sha256="G" * 64),
]


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(SCHEMA)


@pytest.mark.parametrize("value", VALID, ids=json.dumps)
def test_schema_and_program_accept(value: Any) -> None:
    VALIDATOR.validate(value)
    assert isinstance(read_settings(json.dumps(value).encode()), Settings)


@pytest.mark.parametrize("value", INVALID, ids=json.dumps)
def test_schema_and_program_refuse(value: Any) -> None:
    assert not VALIDATOR.is_valid(value)
    with pytest.raises(BadSettings):
        read_settings(json.dumps(value).encode())


# `$` of Python's expressions, which jsonschema uses, matches before a newline too; JSON schema's does not
texts = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n"), max_size=5)
values = (
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
anything = st.recursive(values, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5)


@given(st.lists(st.tuples(st.sampled_from([*GOOD, *PACKAGE, "more"]), anything), max_size=2), st.booleans())
def test_schema_and_program_agree(changes: list[tuple[str, Any]], drop: bool) -> None:
    value = {**GOOD, "packages": [dict(PACKAGE)]}
    for key, changed in changes:
        packages = value.get("packages")
        # an earlier change may have taken the list away, or emptied it
        table = packages[0] if key in PACKAGE and isinstance(packages, list) and packages else value
        if isinstance(table, dict):
            table[key] = changed
            if drop:
                del table[key]
    try:
        read_settings(json.dumps(value).encode())
    except BadSettings:
        accepted = False
    else:
        accepted = True
    assert accepted == VALIDATOR.is_valid(value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"schema = 1"])
def test_no_json(text: bytes) -> None:
    with pytest.raises(BadSettings, match="no JSON"):
        read_settings(text)


@pytest.mark.parametrize("plan", [seed_plan(), two_node_plan()], ids=["seed", "two nodes"])
def test_what_the_builder_writes(plan: ClusterPlan) -> None:
    for node in plan.nodes:
        packages = (plan.ring_package, node.package)
        debs = {package.file_name: deb_bytes(package, release.RELEASE_DATE) for package in packages}
        table = settings_with_digests(node.first_boot, debs)
        VALIDATOR.validate(table)
        settings = read_settings(json.dumps(table).encode())
        assert (settings.cluster, settings.node) == ("pvc1", node.node.name)
        assert [(one.name, one.version, one.file) for one in settings.packages] == [
            (package.name, package.version, package.file_name) for package in packages
        ]


def test_the_reader_reads_every_field() -> None:
    assert read_settings(json.dumps(GOOD).encode()) == Settings(
        cluster="pvc1",
        node="pve1",
        packages=(Package("pmx-ring", "0.1.0", "pmx-ring_0.1.0_all.deb", "0" * 64),),
    )
