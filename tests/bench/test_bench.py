"""The machinery of the benchmarks, with tiny counts. What they measure is not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import build, firstboot, iso
from tests.bench.measure import Sample, by_turns, summary, timed_call, timed_program
from tests.bench.report import Finding, Group, as_json, lines, ratio
from tests.roots.commands import require
from tests.roots.root import needs_root

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]


def test_subjects_take_turns_and_the_first_round_is_not_counted() -> None:
    calls = []

    def subject(name: str) -> Sample:
        calls.append(name)
        return Sample(wall_s=len(calls), cpu_s=0)

    samples = by_turns({"a": lambda: subject("a"), "b": lambda: subject("b")}, rounds=2)
    assert calls == ["a", "b"] * 3
    assert [one.wall_s for one in samples["a"]] == [3, 5]


def test_summary_and_ratio() -> None:
    ours = summary("ours", "wall", [Sample(0.003, 0), Sample(0.001, 0), Sample(0.002, 0)])
    rival = summary("rival", "wall", [Sample(0.006, 0)])
    assert (ours.runs, ours.min_ms, ours.median_ms, ours.max_ms) == (3, 1, 2, 3)
    assert ratio((ours, rival), "ours", "rival", "wall").ratio_of_medians == pytest.approx(3)
    groups = (Group("title", (ours, rival), (ratio((ours, rival), "ours", "rival", "wall"),)),)
    assert "  rival : ours = 3.0, of minima 6.0 (wall)" in lines(groups)
    assert json.loads(json.dumps(as_json("name", groups)))["groups"][0]["summaries"][0]["median_ms"] == 2


def test_time_of_a_call_counts_its_work() -> None:
    sample = timed_call(lambda: sum(range(300_000)))
    assert 0 < sample.cpu_s <= sample.wall_s * 1.5


def test_time_of_a_program_counts_its_children(tmp_path: Path) -> None:
    work = "sum(range(3_000_000))"
    direct = timed_program([sys.executable, "-c", work], tmp_path)
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}], check=True)"
    assert timed_program([sys.executable, "-c", child], tmp_path).cpu_s > direct.cpu_s / 2


def test_a_program_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="status 3\nsaid"):
        timed_program([sys.executable, "-c", "print('said'); raise SystemExit(3)"], tmp_path)


def test_whole_builds(tmp_path: Path) -> None:
    group = build.whole_builds(tmp_path, 1, (3, 4))
    assert [one.what for one in group.summaries] == ["3 nodes", "3 nodes", "4 nodes", "4 nodes"]
    assert [type(finding) for finding in group.findings] == [Finding]
    assert (tmp_path / "4/out/pve4/first-boot").exists()


def test_the_largest_cluster_is_a_valid_one(tmp_path: Path) -> None:
    (tmp_path / "cluster.toml").write_text(build.cluster_file(max(build.SIZES)))
    command = [sys.executable, "-m", "pmx_cluster_tb", "check"]
    subprocess.run(
        command,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT / "builder"), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_first_boot() -> None:
    (group,) = firstboot.benchmark(1)
    assert {one.what for one in group.summaries} == {
        firstboot.OURS,
        firstboot.AGAIN,
        firstboot.RIVAL,
        firstboot.BARE,
    }
    assert {(two.rival, two.ours) for two in group.ratios} == {
        (firstboot.OURS, firstboot.RIVAL),
        (firstboot.AGAIN, firstboot.BARE),
    }
    size = next(figure.value for figure in group.findings if figure.unit == "KiB")
    assert size < 200


@pytest.mark.root
def test_iso() -> None:
    needs_root()
    require("grub-mkrescue", "mkfs.ext4", "mkfs.xfs", "xorriso")
    copies, clones, sticks = iso.benchmark(1, 20_000_000, (2,))
    assert [one.what for one in copies.summaries] == [
        iso.OURS,
        iso.PLAIN,
        iso.BUNDLE,
        iso.ASSISTANT,
        iso.XORRISO,
    ]
    assert {(two.ours, two.rival) for two in copies.ratios} == {
        (iso.OURS, iso.PLAIN),
        (iso.OURS, iso.ASSISTANT),
    }
    assert [one.what for one in clones.summaries] == [iso.CLONED]
    written = {one.what: one.value for one in sticks.findings if one.unit == "times the ISO"}
    assert written.keys() == {"separate, 2 nodes", "shared, 2 nodes"}
    assert 2 < written["separate, 2 nodes"] < 2.2
    assert 1 < written["shared, 2 nodes"] < 1.1


@pytest.mark.tools
def test_the_whole_benchmark() -> None:
    require("dpkg-deb", "dpkg-buildpackage", "dh")
    result = subprocess.run(
        [sys.executable, "-m", "tests.bench", "build", "--json", "--rounds", "1", "--sizes", "3,4"],
        check=True,
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    groups = json.loads(result.stdout)["groups"]
    compared = {(one["ours"], one["rival"]) for group in groups for one in group["ratios"]}
    assert compared == {
        ("ours", "dpkg-deb"),
        ("ours", "dpkg-deb -Zgzip"),
        ("ours", "debhelper"),
        ("python -c pass", "pmx-cluster-tb --help"),
        ("python -c pass", "pmx-cluster-tb check"),
    }
