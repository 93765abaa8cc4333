"""Mutated and random cluster files: whatever they hold, there is a cluster or there are problems."""

import json
import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmx_cluster_tb.model.load import load_cluster
from pmx_cluster_tb.model.schema import json_schema
from pmx_cluster_tb.model.shape import Shape, TableOf, TablesOf
from pmx_cluster_tb.model.tables import FileTable
from pmx_cluster_tb.problems import Severity
from tests.command import EXAMPLE

SEED = EXAMPLE.read_text()
HASH_PART = "sBY9ab1ES81ed/m/oU9Q"
SCHEMA = jsonschema.Draft202012Validator(json.loads(json.dumps(json_schema())))

JUNK_TEXTS = [
    "",
    "none",
    "pve1",
    "::",
    "1",
    "$$",
    "*",
    "\\u0000",
    "\\n",
    "é",
    "a" * 70,
    "../x",
    "192.168.178.1/24",
]
JUNK = [
    *(f'"{text}"' for text in JUNK_TEXTS),
    *(
        "0",
        "-1",
        "1e400",
        "nan",
        "true",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "1979-05-27",
        "0x" + "f" * 5000,
        "9" * 5000,
    ),
]
CHARACTERS = "abz019 \t\n\"'\\[]{}=,.#$-_:/\0\r\x7f\u2028é\ufeff"


def _any_line(rng: random.Random, lines: list[str]) -> int:
    return rng.randrange(len(lines))


def drop_line(rng: random.Random, text: str) -> str:
    """Without one line."""
    lines = text.splitlines(keepends=True)
    del lines[_any_line(rng, lines)]
    return "".join(lines)


def repeat_line(rng: random.Random, text: str) -> str:
    """One line once more, anywhere."""
    lines = text.splitlines(keepends=True)
    lines.insert(_any_line(rng, lines), lines[_any_line(rng, lines)])
    return "".join(lines)


def swap_values(rng: random.Random, text: str) -> str:
    """One key with the value of another."""
    lines = text.splitlines(keepends=True)
    with_value = [index for index, line in enumerate(lines) if "=" in line]
    if len(with_value) > 1:
        one, other = rng.sample(with_value, 2)
        lines[one] = lines[one].partition("=")[0] + "=" + lines[other].partition("=")[2]
    return "".join(lines)


def junk_value(rng: random.Random, text: str) -> str:
    """One value that makes no sense."""
    lines = text.splitlines(keepends=True)
    with_value = [index for index, line in enumerate(lines) if "=" in line]
    if with_value:
        index = rng.choice(with_value)
        lines[index] = lines[index].partition("=")[0] + f"= {rng.choice(JUNK)}\n"
    return "".join(lines)


def change_character(rng: random.Random, text: str) -> str:
    """One character inserted, replaced or gone."""
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(["", rng.choice(CHARACTERS)]) + text[at + rng.randrange(2) :]


def cut_off(rng: random.Random, text: str) -> str:
    """As after a full disk."""
    return text[: rng.randrange(len(text) + 1)]


def move_block(rng: random.Random, text: str) -> str:
    """Some lines moved elsewhere."""
    lines = text.splitlines(keepends=True)
    start = _any_line(rng, lines)
    block = lines[start : start + rng.randrange(1, 9)]
    del lines[start : start + len(block)]
    at = rng.randrange(len(lines) + 1)
    return "".join(lines[:at] + block + lines[at:])


MUTATIONS: list[Callable[[random.Random, str], str]] = [
    drop_line,
    repeat_line,
    swap_values,
    junk_value,
    change_character,
    cut_off,
    move_block,
]


def mutated(seed: int) -> str:
    """The seed's file with one to four mutations."""
    rng = random.Random(seed)  # noqa: S311
    text = SEED
    for _ in range(rng.choice([1, 1, 2, 4])):
        text = rng.choice(MUTATIONS)(rng, text) or "x"
    return text


def check_outcome(text: str, file: Path) -> None:
    """Loads `text`; whatever comes out must hold together."""
    file.write_text(text, "utf-8", newline="")
    result = load_cluster(file)
    errors = [problem for problem in result.problems if problem.severity is Severity.ERROR]
    assert (result.cluster is None) == bool(errors)
    last_line = text.count("\n") + 1
    for problem in result.problems:
        assert problem.position.file == str(file)
        assert 0 <= problem.position.line <= last_line
        assert problem.message
        assert not problem.message.endswith(".")
        assert HASH_PART not in str(problem)
        assert str(problem).isprintable() or str(problem).count("\n") == bool(problem.hint)
    assert list(result.problems) == sorted(result.problems, key=lambda problem: problem.position.line)
    if result.cluster:
        SCHEMA.validate(json.loads(json.dumps(tomllib.loads(text))))


@pytest.mark.parametrize("hundred", range(5))
def test_mutated_files(hundred: int, tmp_path: Path) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        check_outcome(mutated(seed), tmp_path / "cluster.toml")


@pytest.mark.full
@pytest.mark.parametrize("thousand", range(1, 11))
def test_ten_thousand_mutated_files(thousand: int, tmp_path: Path) -> None:
    for seed in range(1000 * thousand, 1000 * thousand + 1000):
        check_outcome(mutated(seed), tmp_path / "cluster.toml")


def test_mutations_reach_both_outcomes(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    outcomes = set()
    for seed in range(200):
        file.write_text(mutated(seed), "utf-8", newline="")
        result = load_cluster(file)
        outcomes.add((result.cluster is None, len({problem.path for problem in result.problems}) > 3))
    assert outcomes == {(False, False), (True, False), (True, True)}


plausible = st.sampled_from(
    [
        *(
            "pve1",
            "lab",
            "home.arpa",
            "9.2",
            "8.4",
            "nl",
            "UTC",
            "a@b",
            "ext4",
            "zfs",
            "raid1",
            "raid10",
            "none",
        ),
        *("192.168.1.1", "192.168.1.11/24", "10.0.0.0/24", "fd00::/64", "fc00::/64", "fd00::1", "fd00::2/64"),
        *("en05", "en06", "enp3s0", "pci-0000:ca:00.5", "58:47:ca:00:00:11", "S7KGNU0X000001", "http://host"),
        *(
            0,
            1,
            2,
            15,
            300,
            9999,
            1280,
            65520,
            True,
            False,
            200.5,
            "root.hash",
            "thunderbolt-net",
            "power-off",
        ),
    ]
)
junk = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.datetimes(),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.text("ab", max_size=2), st.booleans(), max_size=2),
)
value = st.one_of(plausible, plausible, plausible, junk, st.lists(plausible, max_size=3))


def table(shape: type[Shape]) -> st.SearchStrategy[dict[str, Any]]:
    """Tables with most of the keys of `shape`, their values plausible, though seldom right."""

    def of(entry: Any) -> st.SearchStrategy[Any]:
        match entry.kind:
            case TableOf(shape=inner):
                return st.one_of(table(inner), table(inner), table(inner), value)
            case TablesOf(shape=inner):
                return st.one_of(st.lists(table(inner), max_size=4), value)
        return value

    known = {name: of(entry) for name, (_, entry) in shape.KEYS.items()}
    return st.fixed_dictionaries({}, optional=known | {"unknown": value})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(table(FileTable))
def test_random_structures(tmp_path: Path, tables: dict[str, Any]) -> None:
    check_outcome(tomli_w.dumps(tables), tmp_path / "cluster.toml")


@st.composite
def clusters(draw: st.DrawFn) -> str:
    """Cluster files without an error, of any size and with any choice of what varies together."""
    count = draw(st.integers(2, 40))
    numbers = draw(st.lists(st.integers(1, 9999), min_size=count, max_size=count, unique=True))
    lan = draw(st.sampled_from(["192.168.{}.{}/16", "fd12::{:x}:{:x}/64"]))
    families = draw(st.sampled_from(["", 'ipv4 = "none"', 'ipv6 = "none"']))
    ports = [
        {"name": f"en{index}", "path": f"pci-0000:0{index}:00.0"} for index in range(1 if count == 2 else 2)
    ]
    ring: dict[str, Any] = {"mtu": draw(st.integers(1280, 65522)), "port": draw(st.permutations(ports))}
    if "ipv4" not in families:
        ring["ipv4"] = "10.64.0.0/18"
    if "ipv6" not in families:
        ring["ipv6"] = "fd00:1::/112"
    ring |= tomllib.loads(families)
    nodes = [
        {
            "name": f"n{number:x}-{draw(st.text('abc019', min_size=1, max_size=9))}",
            "number": number,
            "address": lan.format(1 + number // 250, 1 + number % 250),
            "nic": {"name": "eno1"}
            if index % 2
            else {"mac": f"58:47:ca:00:{number // 256:02x}:{number % 256:02x}"},
            "disk": {"serial": f"S{number}"},
        }
        for index, number in enumerate(numbers)
    ]
    seed = tomllib.loads(SEED)
    gateway = "192.168.250.254" if "." in lan else "fd12::ffff:1"
    return tomli_w.dumps(
        {
            "cluster": {
                "name": "lab",
                "domain": "home.arpa",
                "proxmox-ve": draw(st.sampled_from(["8.4", "9.2"])),
            },
            "locale": seed["locale"],
            "access": seed["access"],
            "management": {"gateway": gateway},
            "ring": ring,
            "node": draw(st.permutations(nodes)),
        }
    )


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(clusters())
def test_random_clusters_are_taken(tmp_path: Path, text: str) -> None:
    check_outcome(text, tmp_path / "cluster.toml")
    result = load_cluster(tmp_path / "cluster.toml")
    assert result.cluster is not None, result.problems
    assert len(result.cluster.nodes) == len(tomllib.loads(text)["node"])
