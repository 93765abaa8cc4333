"""`pmx-ring first-boot`: what it makes of the record."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from pmx_ring.command_line import main
from pmx_ring.system import System

RECORD = "var/lib/pmx-ring/first-boot/record.jsonl"

Event = dict[str, object]

START: Event = {"event": "start", "boot": "1", "how": "at boot"}
FAILED: Event = {
    "event": "step-end",
    "step": "extras",
    "outcome": "failed",
    "seconds": 1.5,
    "optional": True,
    "message": "no iperf3",
    "remedy": "look",
}
DONE: Event = {"event": "step-end", "step": "extras", "outcome": "done", "seconds": 2, "optional": True}
REQUIRED: Event = {**FAILED, "step": "upgrade", "optional": False}
UNFINISHED: Event = {"event": "unfinished", "failed": ["extras"]}

CASES: dict[str, tuple[list[Event], str, list[str]]] = {
    "finished": ([START, DONE, {"event": "finished", "settings": "abc"}], "finished", []),
    "running": ([START], "running", []),
    "a failure while it runs": ([START, FAILED], "running", []),
    "an optional step failed": (
        [START, FAILED, UNFINISHED],
        "unfinished",
        ["`extras`: no iperf3"],
    ),
    "and was done by hand": ([START, FAILED, UNFINISHED, DONE], "unfinished", []),
    "and is tried again": ([START, FAILED, UNFINISHED, START], "running", []),
    "a required step was done by hand": (
        [START, REQUIRED, {**UNFINISHED, "failed": ["upgrade"]}, {**REQUIRED, "outcome": "done"}],
        "unfinished",
        ["did not do all of its steps"],
    ),
    "gave up": (
        [START, REQUIRED, {**UNFINISHED, "failed": ["upgrade"]}, {"event": "gave-up", "boots": 10}],
        "gave-up",
        ["could not do `upgrade`"],
    ),
    "gave up, and no boot came to an end": (
        [START, START, {"event": "gave-up", "boots": 2}],
        "gave-up",
        ["did not do all of its steps"],
    ),
    "a reboot": ([START, {"event": "reboot", "reason": "kernel"}], "running", []),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What `pmx-ring` said of the record below `root`."""

    status: int
    out: str
    err: str


def pmx_ring(root: Path, output: pytest.CaptureFixture[str], *words: str) -> Shown:
    status = main(list(words), System(root))
    said = output.readouterr()
    return Shown(status, said.out, said.err)


def record(root: Path, events: list[Event]) -> None:
    file = root / RECORD
    file.parent.mkdir(parents=True)
    lines = [json.dumps({"time": "2026-12-24T18:00:00+00:00", "run": "a", **event}) for event in events]
    file.write_text("\n".join(["torn {", *lines, ""]))


@pytest.mark.parametrize(("events", "state", "problems"), CASES.values(), ids=list(CASES))
def test_state_and_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], events: list[Event], state: str, problems: list[str]
) -> None:
    record(tmp_path, events)
    result = pmx_ring(tmp_path, capsys, "first-boot", "--json")
    told = json.loads(result.out)
    assert told["state"] == state
    assert len(told["problems"]) == len(problems)
    assert all(part in problem for part, problem in zip(problems, told["problems"], strict=True))
    assert result.status == (1 if problems else 0)


def test_for_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, [START, FAILED, UNFINISHED])
    (tmp_path / "var/lib/pmx-ring/first-boot/report.txt").write_text("what remains\n")
    assert pmx_ring(tmp_path, capsys, "first-boot").out.splitlines() == [
        "2026-12-24T18:00:00+00:00  started at boot",
        "2026-12-24T18:00:00+00:00    extras: failed after 1.5 s: no iperf3",
        "  hint: look",
        "2026-12-24T18:00:00+00:00  not finished, because of extras",
        "first boot: unfinished",
        "",
        "what remains",
    ]


def test_only_the_last_hook_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old: list[Event] = [{**event, "run": "old"} for event in (START, REQUIRED, UNFINISHED)]
    record(tmp_path, [*old, START])
    assert json.loads(pmx_ring(tmp_path, capsys, "first-boot", "--json").out)["state"] == "running"


def test_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = pmx_ring(tmp_path, capsys, "first-boot")
    assert result.status == 1
    assert "error: no first boot is recorded on this machine" in result.err
