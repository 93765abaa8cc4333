"""The monitor against one that says what QEMU does."""

from typing import Any

import pytest

from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.machines.qmp import Event, Monitor, MonitorClosed
from tests.machines.fake_guest import guest, monitor, within

GONE: dict[str, Any] = {"event": "DEVICE_DELETED", "data": {"device": "nic-en05"}}
OTHER: dict[str, Any] = {"event": "DEVICE_DELETED", "data": {"path": "/machine/peripheral/nic-en05/x"}}


def test_events_between_command_and_answer() -> None:
    with guest(monitor([OTHER, {"return": {"running": True}}, GONE])) as line:
        talks = Monitor(line)
        talks.greet(within(10))
        assert talks.execute("query-status", within(10)) == {"running": True}
        event = talks.wait_event(
            "DEVICE_DELETED", within(10), where=lambda data: data.get("device") == "nic-en05"
        )
        assert event == Event("DEVICE_DELETED", {"device": "nic-en05"})
        assert [known.name for known in talks.events] == ["DEVICE_DELETED"] * 2


def test_old_events_are_not_taken_for_new_ones() -> None:
    with guest(monitor([GONE, {"return": {}}])) as line:
        talks = Monitor(line)
        talks.greet(within(10))
        talks.execute("device_del", within(10), id="nic-en05")
        with pytest.raises(MachineFailed):
            talks.wait_event("DEVICE_DELETED", within(0.3), after=len(talks.events))


def test_refusal_in_its_own_words() -> None:
    refusal: dict[str, Any] = {"error": {"class": "GenericError", "desc": "Bus 'slot-en05' not found"}}
    with guest(monitor([refusal])) as line:
        talks = Monitor(line)
        talks.greet(within(10))
        with pytest.raises(MachineFailed) as error:
            talks.execute("device_add", within(10), driver="virtio-net-pci")
        assert error.value.message == "QEMU refuses `device_add`: Bus 'slot-en05' not found"


def test_no_answer() -> None:
    with guest(monitor([], [])) as line:
        talks = Monitor(line)
        talks.greet(within(10))
        with pytest.raises(MachineFailed) as error:
            talks.execute("query-status", within(0.3))
        assert error.value.message == "no answer to `query-status` from QEMU within 0.3 s"


def test_end_of_qemu() -> None:
    with guest(monitor()) as line:
        talks = Monitor(line)
        talks.greet(within(10))
        with pytest.raises(MonitorClosed):
            talks.execute("query-status", within(10))


def test_last_events_are_kept() -> None:
    off: dict[str, Any] = {"event": "SHUTDOWN", "data": {"guest": True}}
    with guest(monitor([{"return": {}}, off])) as line:
        talks = Monitor(line)
        talks.greet(within(10))
        talks.execute("cont", within(10))
        talks.wait_event("SHUTDOWN", within(10))
        talks.drain()
        assert talks.events == [Event("SHUTDOWN", {"guest": True})]
