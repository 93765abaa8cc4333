"""docs/command-line.md against what the commands print."""

import json
import re
from pathlib import Path

import pytest

from pmx_cluster_tb.cli.commands import SUMMARIES
from tests.artifacts.sticks import asked_bundle, source_iso, use_memory_only, write
from tests.command import Command, cluster_text

TEXT = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")


def documented(heading: str) -> list[object]:
    """The JSON values in the section of `heading`."""
    section = re.split(r"^##", TEXT.split(f"### `{heading}`\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return [
        json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    ]


def differences(shown: object, real: object, path: str = "$") -> list[str]:
    """Where keys or types differ. An empty table or list, and null, stand for anything."""
    if not shown or not real:
        return []
    if isinstance(shown, dict) and isinstance(real, dict):
        keys = [f"{path}.{key}" for key in shown.keys() ^ real.keys()]
        return keys + [
            one
            for key in shown.keys() & real.keys()
            for one in differences(shown[key], real[key], f"{path}.{key}")
        ]
    if isinstance(shown, list) and isinstance(real, list):
        return differences(shown[0], real[0], f"{path}[]")
    return [] if type(shown) is type(real) else [path]


@pytest.fixture
def built(command: Command) -> Path:
    """The example's file, and its output folder."""
    Path("cluster.toml").write_text(cluster_text())
    Path("changed.toml").write_text(cluster_text(("mtu  = 4000", "mtu  = 9000")))
    assert command("build", "--out", "out").status == 0
    return Path("out")


@pytest.mark.parametrize(
    ("heading", "arguments"),
    [
        ("check --json", ("check", "--json")),
        ("plan --json", ("plan", "--json")),
        ("plan --diff PATH --json", ("plan", "changed.toml", "--diff", "out", "--json")),
        ("build --json", ("build", "--out", "out", "--json")),
    ],
)
@pytest.mark.usefixtures("built")
def test_json(heading: str, arguments: tuple[str, ...], command: Command) -> None:
    (shown,) = documented(heading)
    assert differences(shown, json.loads(command(*arguments).out)) == []


def test_json_of_inspect(built: Path, command: Command) -> None:
    (deb,) = built.glob("pve1/*.deb")
    paths = [deb, built / "pve1" / "answer.toml", built / "pve1" / "first-boot", built]
    shown = documented("inspect --json")
    assert len(shown) == len(paths)
    for one, path in zip(shown, paths, strict=True):
        real = json.loads(command("inspect", path, "--json").out)
        assert differences(one, real) == []
        assert isinstance(one, dict)
        assert one["kind"] == real["kind"]


def test_json_of_bundle(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    use_memory_only(monkeypatch)
    written = write(asked_bundle(source_iso(Path())), Path("stick")).manifest.as_json()
    inspected = json.loads(command("inspect", "stick", "--json").out)
    wiped = json.loads(command("bundle", "--wipe", "--out", "stick", "--json").out)
    for heading, real in (
        ("bundle --json", json.loads(json.dumps(written))),
        ("inspect STICK --json", inspected),
        ("bundle --wipe --json", wiped),
    ):
        (shown,) = documented(heading)
        assert differences(shown, real) == []


def test_the_comparison_sees_differences() -> None:
    assert differences({"a": 1, "b": [{"c": "d"}]}, {"a": 1, "b": [{"c": 2}], "e": 3}) == ["$.e", "$.b[].c"]


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_and_option_is_described(name: str, command: Command) -> None:
    section = re.split(r"^## ", TEXT.split(f"\n## {name}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    options = re.findall(r"^  (--[a-z-]+)", command(name, "--help").out, flags=re.MULTILINE)
    synopsis = section.split("```")[1]
    assert [option for option in options if option not in synopsis] == []
