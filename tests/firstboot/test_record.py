"""The record and what it tells: torn lines, other hooks, counts."""

import os
from pathlib import Path

import pytest

from firstboot.log import log_to, write_console
from firstboot.record import Record, boots_tried, failed_steps, finished_at, reboots_for
from tests.firstboot.node import FakeNode

FILE = "var/lib/pmx-ring/first-boot/record.jsonl"


def test_events_come_back_in_order(node: FakeNode) -> None:
    record = Record(node.system(), "a")
    record.add("start", boot="1")
    record.add("finished", settings="digest")
    assert [event["event"] for event in record.events()] == ["start", "finished"]
    assert finished_at(record.events()) == "2026-12-24T18:00:00+00:00"
    assert Record(node.system(), "b").events() == []


@pytest.mark.parametrize("torn", [b'{"event": "sta', b"\0\0\0\0", b'"text"', b"\xff\xfe"])
def test_a_torn_line_is_left_out_and_nothing_is_glued_to_it(node: FakeNode, torn: bytes) -> None:
    record = Record(node.system(), "a")
    record.add("start", boot="1")
    with (node.root / FILE).open("ab") as file:
        file.write(torn)
    assert len(record.events()) == 1
    record.add("start", boot="2")
    assert [event["boot"] for event in record.events()] == ["1", "2"]


def test_a_full_disk_is_an_error(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record(node.system(), "a")
    record.add("start", boot="1")
    monkeypatch.setattr(os, "write", lambda _descriptor, data: len(data) // 2)
    with pytest.raises(OSError, match="No space left"):
        record.add("start", boot="2")


def test_counts() -> None:
    def start(boot: str, how: str = "at boot") -> dict[str, object]:
        return {"event": "start", "boot": boot, "how": how}

    assert boots_tried([]) == 0
    assert boots_tried([start("1"), start("1"), start("2")]) == 2
    assert boots_tried([start("1"), start("2"), start("2", "by hand"), start("3")]) == 2
    by_hand_twice = [start("1"), start("2", "by hand"), start("3"), start("4", "by hand"), start("5")]
    assert boots_tried(by_hand_twice) == 2
    assert finished_at([{"event": "finished", "time": time} for time in ("first", "last")]) == "last"
    reboots = [{"event": "reboot", "reason": "a"}, {"event": "reboot", "reason": "b"}]
    assert (reboots_for(reboots), reboots_for(reboots, "a"), reboots_for(reboots, "c")) == (2, 1, 0)
    ends = [("a", "failed"), ("b", "failed"), ("a", "done")]
    events = [{"event": "step-end", "step": step, "outcome": outcome} for step, outcome in ends]
    assert list(failed_steps(events)) == ["b"]


def test_a_console_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "console"
    write_console(pipe, "not there\n")
    assert not pipe.exists()
    os.mkfifo(pipe)
    write_console(pipe, "no reader\n")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for _ in range(50):
            write_console(pipe, "x" * 4095 + "\n")
        assert os.read(reader, 4) == b"xxxx"
    finally:
        os.close(reader)


def test_output_of_programs_stays_off_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = tmp_path / "console"
    console.touch()
    say = log_to(console)
    say("ours")
    say("| theirs")
    assert console.read_text() == "pmx first boot: ours\n"
    assert capsys.readouterr().out == "pmx first boot: ours\npmx first boot: | theirs\n"
