"""The desktop: installed, awake, off the ring."""

from dataclasses import replace

import pytest

from firstboot.step import StepFailed
from firstboot.steps.desktop import desktop_step, with_denied_interfaces
from tests.firstboot.node import FakeNode, node_settings

pytestmark = pytest.mark.slow

STEP = desktop_step(replace(node_settings(), desktop=True))


def test_a_desktop(node: FakeNode) -> None:
    node.state("default-target", "multi-user.target")
    assert not STEP.is_done(node.system())
    STEP.do(node.system())
    assert STEP.is_done(node.system())
    assert {"mate-desktop-environment", "chromium", "lightdm"} <= set(node.installed())
    calls = node.calls()
    assert calls[0][:2] == ["systemctl", "mask"]
    assert str((node.root / "etc/systemd/system/suspend.target").readlink()) == "/dev/null"
    assert ["systemctl", "set-default", "graphical.target"] in calls
    assert calls[-1] == ["systemctl", "try-restart", "avahi-daemon.service"]
    avahi = (node.root / "etc/avahi/avahi-daemon.conf").read_text()
    assert avahi == "[server]\ndeny-interfaces=en05,en06\nuse-ipv4=yes\n#deny-interfaces=eth1\n[wide-area]\n"


def test_sleep_is_masked_before_anything_can_sleep(node: FakeNode) -> None:
    node.state("trouble-apt-get", "always no space")
    with pytest.raises(StepFailed, match="no space"):
        STEP.do(node.system())
    (node.folder / "trouble-apt-get").unlink()
    assert str((node.root / "etc/systemd/system/sleep.target").readlink()) == "/dev/null"
    STEP.do(node.system())
    assert STEP.is_done(node.system())


def test_another_display_manager_gives_way(node: FakeNode) -> None:
    link = node.root / "etc/systemd/system/display-manager.service"
    link.symlink_to("/lib/systemd/system/gdm.service")
    (node.root / "etc/X11").mkdir()
    STEP.do(node.system())
    assert STEP.is_done(node.system())
    assert str((link).readlink()) == "/lib/systemd/system/lightdm.service"


def test_a_second_time_does_nothing(node: FakeNode) -> None:
    STEP.do(node.system())
    before, calls = node.tree(), node.calls()
    STEP.do(node.system())
    assert (node.tree(), node.calls()) == (before, calls)


def test_no_desktop(node: FakeNode) -> None:
    step = desktop_step(node_settings())
    assert step.is_done(node.system())
    step.do(node.system())
    assert node.all_calls() == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("[server]\n", "[server]\ndeny-interfaces=en05,en06\n"),
        ("[server]", "[server]\ndeny-interfaces=en05,en06"),
        ("[server]\ndeny-interfaces=eth1\n", "[server]\ndeny-interfaces=eth1,en05,en06\n"),
        ("[server]\ndeny-interfaces = en06, eth1\n", "[server]\ndeny-interfaces=en06,eth1,en05\n"),
        ("[server]\ndeny-interfaces=en06, en05\n", "[server]\ndeny-interfaces=en06, en05\n"),
    ],
)
def test_denied_interfaces(before: str, after: str) -> None:
    assert with_denied_interfaces(before, ("en05", "en06")) == after
    assert with_denied_interfaces(after, ("en05", "en06")) == after


def test_no_section() -> None:
    with pytest.raises(StepFailed, match=r"no section \[server\]"):
        with_denied_interfaces("# nothing\n", ("en05",))
