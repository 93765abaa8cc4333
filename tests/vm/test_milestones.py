"""What is told of a machine's console."""

import pytest

from tests.vm.milestones import Milestones, meaning

SHA256 = "f1ec7e2152bef472f705d7032fa985dbf22650312f8513e4d149b6540f538adb"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Starting automatic installation", "the installer has started"),
        ("[   79.0] extracting the base system", "extracting the base system"),
        ("[    1.234567] usb 1-1: extracting the base system of it", None),
        ("Installation refused: no disk matches", "the installer refuses: no disk matches"),
        ("Installation done", "installed"),
        ("INFO: progress   1.2 % - extracting base system", "extracting base system"),
        ("INFO: progress  50.1 % - extracting acl_2.3.1-3_amd64.deb", None),
        ("INFO: Powering off system after successful installation", None),
        ("powering off - please remove the ISO boot media", "switches itself off"),
        ("ERROR: Installation failed: no disk", "the installer refuses: Installation failed: no disk"),
        ("[  361.521067] reboot: Power down", "switches itself off"),
        ("[  126.243674] reboot: Restarting system", "reboots"),
        ("pmx first boot: repositories: done after 0.1 s", "first boot: repositories done after 0.1 s"),
        ("pmx first boot: upgrade: started, for 120 min at most", None),
        ("pmx first boot: rebooting: kernel 1 runs", "first boot: rebooting: kernel 1 runs"),
        (f"pmx first boot: finished: {SHA256}", "first boot has finished: f1ec7e2152be..."),
        ("pve1 login:", "up, and asks for a login"),
        ("", None),
    ],
)
def test_meaning(line: str, told: str | None) -> None:
    assert meaning(line) == told


def test_each_is_told_once_and_shown() -> None:
    shown: list[str] = []
    milestones = Milestones(shown.append)
    take, other = milestones.listener("pve1"), milestones.listener("pve2")
    for line in ("Powering off ...", "nothing", "[ 1.0] reboot: Power down"):
        take(line)
    other("Installation done")
    milestones.tell("", "cable is pulled")
    assert [(one.machine, one.text) for one in milestones.reached] == [
        ("pve1", "switches itself off"),
        ("pve2", "installed"),
        ("", "cable is pulled"),
    ]
    assert [line[6:] for line in shown] == [
        "  pve1    switches itself off",
        "  pve2    installed",
        "          cable is pulled",
    ]
