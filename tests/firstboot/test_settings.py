"""The settings of first boot: one schema holds the builder and the program on the node."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstboot.settings import (
    STEPS,
    BadSettings,
    Member,
    Mirrors,
    Online,
    Package,
    Port,
    Retry,
    Settings,
    User,
    read_settings,
)
from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import settings_with_digests
from pmx_cluster_tb.plan.types import ClusterPlan
from tests.plans import seed_plan, two_node_plan

SCHEMA = json.loads((Path(__file__).parents[2] / "firstboot/settings.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

PACKAGE = {"name": "pmx-ring", "version": "0.1.0", "file": "pmx-ring_0.1.0_all.deb", "sha256": "0" * 64}
USER = {
    "name": "pieter",
    "full_name": "Pieter V",
    "password_hash": "$y$j9T$a./$b",
    "ssh_keys": ["ssh-ed25519 AAAA p@desk"],
}
GOOD: dict[str, Any] = {
    "schema": 1,
    "cluster": "pvc1",
    "node": "pve1",
    "packages": [PACKAGE],
    "online": {"url": "http://example.org/", "not_before": "2026-11-22T00:00:00+00:00"},
    "mirrors": {
        "proxmox": "http://mirror.lan/proxmox/debian",
        "debian": "https://[fd00::1]:8080/debian",
        "debian_security": "http://mirror.lan/debian-security",
    },
    "apt_proxy": "http://192.168.178.5:3142",
    "extras": ["iperf3"],
    "desktop": True,
    "user": USER,
    "ports": [{"name": "en05", "path": "pci-0000:ca:00.5", "driver": "thunderbolt-net"}],
    "members": [
        {"name": "pve1", "lan": "192.168.178.11", "ring": ["10.0.0.81", "fc00::81"]},
        {"name": "pve2", "lan": "192.168.178.12", "ring": ["10.0.0.82", "fc00::82"]},
    ],
    "node_count": 3,
    "ring_networks": ["10.0.0.80/28", "fc00::80/124"],
    "retry": {"first_pause_s": 5, "longest_pause_s": 300, "boots": 10, "reboots": 4},
    "deadlines_s": dict.fromkeys(STEPS, 60),
}


def _changed(path: str, value: object) -> dict[str, Any]:
    """GOOD with another value at `path`, as `packages.0.name`."""
    table = copy.deepcopy(GOOD)
    *above, last = (int(word) if word.isdigit() else word for word in path.split("."))
    inner: Any = table
    for word in above:
        inner = inner[word]
    inner[last] = value
    return table


def _without(path: str) -> dict[str, Any]:
    *above, last = path.split(".")
    table = copy.deepcopy(GOOD)
    inner: Any = table
    for word in above:
        inner = inner[int(word) if word.isdigit() else word]
    del inner[last]
    return table


URLS = ("apt_proxy", "mirrors.proxmox", "mirrors.debian", "mirrors.debian_security")
TABLES = ("packages.0", "online", "mirrors", "user", "ports.0", "members.0", "retry", "deadlines_s")


def _inner(path: str) -> dict[str, Any]:
    inner: Any = GOOD
    for word in path.split("."):
        inner = inner[int(word) if word.isdigit() else word]
    return cast("dict[str, Any]", inner)


KEYS = [*GOOD, *(f"{table}.{key}" for table in TABLES for key in _inner(table))]

VALID: list[Any] = [
    GOOD,
    _changed("schema", 1.0),
    _changed("cluster", "A-1"),
    _changed("node", "1a"),
    _changed("packages", [PACKAGE, PACKAGE]),
    _changed("packages.0.name", "a+.-b"),
    _changed("packages.0.version", "1.0+0123456789~x-1"),
    _changed("packages.0.file", "pmx-ring_0.1.0~rc1+x_all.deb"),
    _changed("online.url", "https://example.org:8080/a?b"),
    *(_changed(key, None) for key in URLS),
    _changed("extras", []),
    _changed("desktop", False),
    _changed("user", None),
    _changed("user.password_hash", None),
    _changed("user.password_hash", "$6$rounds=1000$a$b"),
    _changed("user.ssh_keys", []),
    _changed("user.full_name", ""),
    _changed("user.full_name", "J\u00f6rg \u7530"),
    _changed("ports.0.driver", "virtio_net"),
    _changed("ring_networks", ["10.0.0.0/8"]),
    _changed("retry.boots", 1),
    _changed("retry.boots", 3.0),
]

LISTS = ("packages", "extras", "user.ssh_keys", "ports", "members", "members.0.ring", "ring_networks")
TEXTS = [key for key in KEYS if isinstance(_inner(key), str) and key != "user.full_name"]
NUMBERS = [key for key in KEYS if key.startswith(("retry.", "deadlines_s."))]

NO_LISTS: list[Any] = [{}, "x", [None], [[]], [1]]
NO_TEXTS: list[Any] = [1, "", [], " ", "a\nb", "A b\x00"]
NO_NUMBERS: list[Any] = [0, -1, 1.5, "1", True]

INVALID: list[Any] = [
    None,
    [],
    "text",
    1,
    {},
    *map(_without, KEYS),
    *(_changed(f"{table}.more", 1) for table in TABLES),
    _changed("more", 1),
    *(_changed(key, None) for key in KEYS if key not in {"user", "user.password_hash", *URLS}),
    *(_changed(key, value) for key in LISTS for value in NO_LISTS),
    *(_changed(key, []) for key in LISTS if key not in {"extras", "user.ssh_keys"}),
    *(_changed(key, value) for key in TEXTS for value in NO_TEXTS),
    *(_changed(key, value) for key in NUMBERS[:5] for value in NO_NUMBERS),
    *(_changed("schema", version) for version in (0, 2, 1.5, "1", True, [1])),
    *(_changed("cluster", name) for name in ("1a", "a b", "a_b")),
    *(_changed("node", name) for name in ("-a", "A", "a.b")),
    *(_changed(key, url) for key in URLS for url in ('http://a/"; x', "http://a b", "ftp://a", "http://")),
    _changed("packages.0.name", "a"),
    _changed("packages.0.version", "v1"),
    _changed("packages.0.version", "1:1"),
    _changed("packages.0.file", "pmx-ring"),
    _changed("packages.0.file", "../pmx-ring.deb"),
    _changed("packages.0.file", "a/b.deb"),
    *(_changed("packages.0.sha256", text) for text in ("0" * 63, "0" * 65, "G" * 64)),
    *(
        _changed("online.not_before", text)
        for text in ("2026-11-22", "2026-11-22T00:00:00", "2026-13-01T00:00:00+00:00")
    ),
    _changed("online.url", "ftp://example.org/"),
    *(_changed("extras", [name]) for name in ("Iperf3", "--purge", "a b")),
    *(_changed("desktop", value) for value in (0, 1, "true")),
    *(_changed("user.name", name) for name in ("1a", "a:b", "-a")),
    *(_changed("user.full_name", name) for name in ("a:b", "a,b", "a\nb")),
    *(_changed("user.password_hash", text) for text in ("secret", "$6$a:b", "$6$a b", "$6$a\nroot:x")),
    *(_changed("user.ssh_keys", [key]) for key in ("", " ssh-rsa A", "ssh-rsa A\nssh-rsa B")),
    _changed("ports.0.name", "thunderbolt0"),
    _changed("members", []),
    *(_changed("node_count", value) for value in (0, 2.5, "3", True)),
    _changed("ring_networks", ["10.0.0.0"]),
]


def _name(value: Any) -> str:
    changed = (
        [key for key in GOOD if value.get(key) != GOOD[key]] if isinstance(value, dict) else [str(value)]
    )
    return " ".join(changed) or "good"


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(SCHEMA)


@pytest.mark.parametrize("value", VALID, ids=_name)
def test_schema_and_program_accept(value: Any) -> None:
    VALIDATOR.validate(value)
    assert isinstance(read_settings(json.dumps(value).encode()), Settings)


@pytest.mark.parametrize("value", INVALID, ids=_name)
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


@given(st.sampled_from([*KEYS, "more", "user.more", "retry.more"]), anything)
def test_schema_and_program_agree(key: str, changed: Any) -> None:
    value = _changed(key, changed)
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
        online=Online("http://example.org/", datetime(2026, 11, 22, tzinfo=UTC)),
        mirrors=Mirrors(
            proxmox="http://mirror.lan/proxmox/debian",
            debian="https://[fd00::1]:8080/debian",
            debian_security="http://mirror.lan/debian-security",
        ),
        apt_proxy="http://192.168.178.5:3142",
        extras=("iperf3",),
        desktop=True,
        user=User("pieter", "Pieter V", "$y$j9T$a./$b", ("ssh-ed25519 AAAA p@desk",)),
        ports=(Port("en05", "pci-0000:ca:00.5", "thunderbolt-net"),),
        members=(
            Member("pve1", "192.168.178.11", ("10.0.0.81", "fc00::81")),
            Member("pve2", "192.168.178.12", ("10.0.0.82", "fc00::82")),
        ),
        node_count=3,
        ring_networks=("10.0.0.80/28", "fc00::80/124"),
        retry=Retry(timedelta(seconds=5), timedelta(minutes=5), boots=10, reboots=4),
        deadlines={step: timedelta(minutes=1) for step in STEPS},
    )


def test_no_message_and_no_repr_shows_the_hash() -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings(json.dumps(_changed("user.password_hash", "$6$a:secret")).encode())
    assert "secret" not in str(refused.value)
    assert "j9T" not in repr(read_settings(json.dumps(GOOD).encode()))


def test_a_day_that_is_not() -> None:
    with pytest.raises(BadSettings, match="not_before"):
        read_settings(json.dumps(_changed("online.not_before", "2026-02-30T00:00:00+00:00")).encode())
