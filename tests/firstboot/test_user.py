"""The second user: made, made again, half made, and its secret."""

import json
import os
import shutil
from dataclasses import replace

import pytest

from firstboot.settings import Settings, User
from firstboot.step import Step, StepFailed
from firstboot.steps.user import user_step
from tests.firstboot.node import FakeNode, node_settings

pytestmark = pytest.mark.slow

HASH = "$y$j9T$salt$digest"
KEY = "ssh-ed25519 AAAA me@desk"
USER = User("pieter", "Pieter", HASH, (KEY,))


def step_for(user: User | None) -> Step:
    settings: Settings = replace(node_settings(), user=user)
    return user_step(settings)


def with_proxmox(node: FakeNode) -> None:
    node.write("usr/bin/pveum", "")
    node.write("etc/pve/.version", "{}")


def test_everything_about_a_user(node: FakeNode) -> None:
    with_proxmox(node)
    step = step_for(USER)
    assert not step.is_done(node.system())
    step.do(node.system())
    assert step.is_done(node.system())
    calls = node.calls()
    assert [call[0] for call in calls] == ["apt-get", "useradd", "usermod", "chpasswd", "pveum"]
    assert calls[0][-2:] == ["install", "sudo"]
    assert calls[2] == ["usermod", "--append", "--groups", "sudo", "pieter"]
    assert calls[4] == ["pveum", "user", "add", "pieter@pam", "--comment", "Pieter"]
    home = node.root / "home/pieter"
    assert (home / ".bashrc").read_text() == "# skeleton\n"
    assert (home / ".ssh/authorized_keys").read_text() == f"{KEY}\n"
    modes = [
        oct(path.stat().st_mode & 0o777) for path in (home, home / ".ssh", home / ".ssh/authorized_keys")
    ]
    assert modes == ["0o700", "0o700", "0o600"]


def test_the_hash_is_nowhere_but_on_standard_input(node: FakeNode) -> None:
    step = step_for(USER)
    step.do(node.system(dry_run=True))
    step.do(node.system())
    (call,) = [call for call in node.all_calls() if call["words"][0] == "chpasswd"]
    assert call["words"] == ["chpasswd", "--encrypted"]
    assert call["input"] == f"pieter:{HASH}\n"  # type: ignore[comparison-overlap]
    assert HASH not in json.dumps([one["words"] for one in node.all_calls()])
    assert HASH not in "".join(node.said)
    assert HASH not in repr(USER)
    assert f"pieter:{HASH}:" in (node.root / "etc/shadow").read_text()


def test_a_second_time_does_nothing(node: FakeNode) -> None:
    with_proxmox(node)
    step = step_for(USER)
    step.do(node.system())
    before, calls = node.tree(), node.calls()
    step.do(node.system())
    assert node.tree() == before
    assert node.calls() == calls


def without(node: FakeNode, path: str, name: str) -> None:
    """Takes an entry out of a database of users."""
    file = node.root / path
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith(f"{name}:")))


def test_a_power_cut_inside_usermod(node: FakeNode) -> None:
    """It writes gshadow(5) after group(5)."""
    step = step_for(USER)
    step.do(node.system())
    whole = node.tree()
    gshadow = node.root / "etc/gshadow"
    gshadow.write_text(gshadow.read_text().replace("sudo:*::pieter", "sudo:*::"))
    assert not step.is_done(node.system())
    step.do(node.system())
    assert step.is_done(node.system())
    assert node.tree() == whole
    assert [call[0] for call in node.calls()][-1] == "usermod"


@pytest.mark.parametrize(
    "lost", [("shadow", "group", "gshadow"), ("group", "gshadow"), ("gshadow",)], ids=lambda lost: lost[0]
)
def test_a_power_cut_inside_useradd(node: FakeNode, lost: tuple[str, ...]) -> None:
    """It writes one database after the other, and the account is in the first."""
    step = step_for(USER)
    step.do(node.system())
    whole = node.tree()
    shutil.rmtree(node.root / "home/pieter")
    passwd = node.root / "etc/passwd"
    passwd.write_text(
        passwd.read_text().replace(f"pieter:x:{os.getuid()}:{os.getgid()}:", "pieter:x:1000:1000:")
    )
    for database in lost:
        without(node, f"etc/{database}", "pieter")
    assert not step.is_done(node.system())
    step.do(node.system())
    assert step.is_done(node.system())
    assert node.tree() == whole
    assert "userdel" in [call[0] for call in node.calls()]


@pytest.mark.parametrize(("uid", "home"), [(999, "/nonexistent"), (1000, "/srv")])
def test_an_account_of_somebody_else_is_never_removed(node: FakeNode, uid: int, home: str) -> None:
    """One of the system, and one with a home."""
    node.write("etc/passwd", f"root:x:0:0:root:/root:/bin/bash\npieter:x:{uid}:7777::{home}:/bin/sh\n")
    (node.root / "srv").mkdir()
    step_for(replace(USER, ssh_keys=())).do(node.system(dry_run=True))
    assert not [line for line in node.said if "userdel" in line]


@pytest.mark.parametrize("command", ["apt-get", "useradd", "usermod", "chpasswd", "pveum"])
def test_it_goes_on_where_it_failed(node: FakeNode, command: str) -> None:
    with_proxmox(node)
    step = step_for(USER)
    node.state(f"trouble-{command}", "always oops")
    with pytest.raises(StepFailed, match="oops"):
        step.do(node.system())
    (node.folder / f"trouble-{command}").unlink()
    assert not step.is_done(node.system())
    step.do(node.system())
    assert step.is_done(node.system())


def test_what_the_administrator_added_stays(node: FakeNode) -> None:
    step = step_for(replace(USER, password_hash=None))
    step.do(node.system())
    keys = node.root / "home/pieter/.ssh/authorized_keys"
    keys.write_text("ssh-rsa BBBB other")
    assert not step.is_done(node.system())
    step.do(node.system())
    assert keys.read_text() == f"ssh-rsa BBBB other\n{KEY}\n"
    assert "chpasswd" not in [call[0] for call in node.calls()]


@pytest.mark.parametrize("changed", ["$y$j9T$other$digest", "!$y$j9T$salt$digest"])
def test_a_password_that_was_changed_stays(node: FakeNode, changed: str) -> None:
    """An optional step that fails has the next boot look at this one again."""
    step = step_for(USER)
    step.do(node.system())
    shadow = node.root / "etc/shadow"
    shadow.write_text(shadow.read_text().replace(HASH, changed))
    assert step.is_done(node.system())
    step.do(node.system())
    assert f"pieter:{changed}:" in shadow.read_text()


def test_what_proxmox_says_beside_its_list_is_no_bug(node: FakeNode) -> None:
    with_proxmox(node)
    (node.commands / "pveum").write_text("#!/bin/sh\necho ipcc_send_rec failed\n")
    with pytest.raises(StepFailed, match="`pveum user list` printed no list"):
        step_for(USER).do(node.system())


def test_a_home_that_is_there_survives_a_power_cut(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    home, synced = node.root / "home/pieter", []
    monkeypatch.setattr(os, "sync", lambda: synced.append(home.exists()))
    step_for(USER).do(node.system())
    assert synced == [False]


def test_the_realm_must_be_mounted(node: FakeNode) -> None:
    node.write("usr/bin/pveum", "")
    with pytest.raises(StepFailed, match="/etc/pve is not mounted"):
        step_for(USER).do(node.system())


def test_no_realm_on_another_root(node: FakeNode) -> None:
    with_proxmox(node)
    step_for(USER).do(node.system(live=False))
    assert "pveum" not in [call[0] for call in node.calls()]


def test_no_user(node: FakeNode) -> None:
    step = step_for(None)
    assert step.is_done(node.system())
    step.do(node.system())
    assert node.all_calls() == []


def test_a_dry_run_tells_and_changes_nothing(node: FakeNode) -> None:
    before = node.tree()
    step_for(USER).do(node.system(dry_run=True))
    assert node.tree() == before
    assert node.calls() == []
    assert (
        "would run `useradd --no-create-home --user-group --shell /bin/bash --comment Pieter pieter`"
        in node.said
    )
