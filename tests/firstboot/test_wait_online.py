"""Waiting for the network and the clock."""

from dataclasses import replace
from datetime import datetime, timedelta
from socket import gaierror
from urllib.error import URLError

import pytest

from firstboot.settings import Online
from firstboot.step import Step, StepFailed
from firstboot.steps import wait_online
from firstboot.steps.wait_online import wait_online_step
from tests.firstboot.node import NOW, FakeNode, node_settings

NOWHERE = "http://127.0.0.1:9/"


def step_for(url: str, **changes: object) -> Step:
    online = replace(Online(url, NOW - timedelta(days=1)), **changes)  # type: ignore[arg-type]
    return wait_online_step(replace(node_settings(), online=online))


def test_online(node: FakeNode, web: str) -> None:
    step = step_for(f"{web}fake-time")
    assert step.is_done(node.system())
    step.do(node.system())
    assert node.said == []


def test_the_proxy_is_asked_for_it(node: FakeNode, web: str) -> None:
    """Where nothing but a proxy is in reach, it answers in the host's place."""
    online = Online("http://mirror.invalid/pve/fake-time", NOW - timedelta(days=1))
    settings = replace(node_settings(), online=online, apt_proxy=web.rstrip("/"))
    node.state("synchronized", "yes")
    assert wait_online_step(settings).is_done(node.system())
    gone = wait_online_step(replace(settings, apt_proxy="http://127.0.0.1:9"))
    with pytest.raises(
        StepFailed, match=r"from `http://mirror\.invalid/.*` through the proxy `http://127.*refused"
    ):
        gone.do(replace(node.system(), deadline=1))


def test_any_answer_will_do_if_it_tells_no_time(node: FakeNode, web: str) -> None:
    node.state("synchronized", "yes")
    assert step_for(web).is_done(node.system())


def test_no_network(node: FakeNode) -> None:
    step = step_for(NOWHERE)
    system = replace(node.system(), deadline=180)
    with pytest.raises(StepFailed, match=rf"no answer from `{NOWHERE}`: .*refused") as failed:
        step.do(system)
    assert "ip -br address" in failed.value.remedy
    assert 180 <= node.clock.seconds < 200
    # said at once, and again each minute
    assert [line.split(":")[0] for line in node.said] == [
        f"waiting up to {left} s" for left in (180, 120, 60)
    ]


def test_no_name_resolution(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    def time_at(_url: str, _proxy: str) -> datetime:
        raise URLError(gaierror(-3, "Temporary failure in name resolution"))

    monkeypatch.setattr(wait_online, "_time_at", time_at)
    with pytest.raises(StepFailed, match=r"no answer from `http://late/`: .*name resolution"):
        step_for("http://late/").do(replace(node.system(), deadline=1))


def test_a_network_that_comes_late_or_goes_away(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    def time_at(_url: str, _proxy: str) -> datetime:
        if not 30 <= node.clock.seconds < 100:
            raise ConnectionRefusedError(111, "Connection refused")
        return node.clock.now()

    monkeypatch.setattr(wait_online, "_time_at", time_at)
    step = step_for("http://late/")
    step.do(replace(node.system(), deadline=180))
    assert node.clock.seconds == 30
    assert node.said == ["waiting up to 180 s: no answer from `http://late/`: [Errno 111] Connection refused"]
    node.clock.seconds = 100
    assert not step.is_done(node.system())


@pytest.mark.parametrize(
    ("away", "sane"),
    [
        (timedelta(), True),
        (timedelta(minutes=9), True),
        (timedelta(minutes=11), False),
        (timedelta(days=365), False),
        (-timedelta(minutes=11), False),
    ],
)
def test_a_clock_that_is_off(node: FakeNode, web: str, away: timedelta, sane: bool) -> None:
    node.clock.seconds = away.total_seconds()
    step = step_for(f"{web}fake-time")
    assert step.is_done(node.system()) is sane
    if not sane:
        with pytest.raises(StepFailed, match=r"the clock says .* says 2026-12-24 18:00:00") as failed:
            step.do(replace(node.system(), deadline=-1e6))
        assert "chronyc" in failed.value.remedy
        # a time service knows better than a web server
        node.state("synchronized", "yes")
        assert step.is_done(node.system())


def test_a_clock_in_the_past(node: FakeNode, web: str) -> None:
    node.state("synchronized", "yes")
    step = step_for(f"{web}fake-time", not_before=NOW + timedelta(seconds=1))
    with pytest.raises(StepFailed, match="before this program was made"):
        step.do(replace(node.system(), deadline=-1e6))
