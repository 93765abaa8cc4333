"""The right kernel and the right names: reboots, their bounds, and what a reboot does not mend."""

from pathlib import Path

import pytest

from firstboot.record import Record
from firstboot.step import StepFailed
from firstboot.steps.kernel import kernel_step
from tests.firstboot.node import FakeNode, node_settings

SETTINGS = node_settings()


def install_kernel(node: FakeNode, version: str) -> None:
    node.write(f"boot/vmlinuz-{version}", "")
    node.write(f"boot/initrd.img-{version}", "an archive")
    (node.root / "lib/modules" / version).mkdir(parents=True, exist_ok=True)


def do(node: FakeNode) -> None:
    """The step, on a machine that does not reboot."""
    node.state("reboots", "ignored")
    kernel_step(SETTINGS, Record(node.system(), "run")).do(node.system())


def is_done(node: FakeNode) -> bool:
    return kernel_step(SETTINGS, Record(node.system(), "run")).is_done(node.system())


def plug(node: FakeNode, name: str, controller: str) -> Path:
    """An interface, as sysfs shows it."""
    device = node.root / f"sys/devices/pci0000:00/0000:00:08.3/{controller}/domain0/0-0/0-2/0-2.0"
    driver = node.root / "sys/bus/thunderbolt/drivers/thunderbolt-net"
    for folder in (device, driver, node.root / "sys/class/net" / name):
        folder.mkdir(parents=True, exist_ok=True)
    (device / "driver").symlink_to(driver)
    (node.root / "sys/class/net" / name / "device").symlink_to(device)
    return node.root / "sys/class/net" / name


def test_the_newest_kernel_runs(node: FakeNode) -> None:
    assert is_done(node)
    do(node)
    assert node.calls() == []


@pytest.mark.parametrize(
    ("others", "wanted"),
    [
        (["6.8.12-10-pve"], "6.8.12-10-pve"),
        (["6.14.0-1-pve", "6.9.1-1-pve"], "6.14.0-1-pve"),
        (["6.14.0-1-pve", "7.0.1-1-amd64"], "6.14.0-1-pve"),
    ],
)
def test_a_newer_kernel_asks_for_one_reboot(node: FakeNode, others: list[str], wanted: str) -> None:
    for kernel in others:
        install_kernel(node, kernel)
    assert not is_done(node)
    with pytest.raises(StepFailed, match="asked for a reboot, and nothing happened"):
        do(node)
    assert node.calls() == [["systemctl", "reboot"]]
    assert node.clock.seconds >= 600
    with pytest.raises(StepFailed, match=f"{wanted} is the newest installed, even after a reboot") as failed:
        do(node)
    assert failed.value.hopeless
    assert node.calls() == [["systemctl", "reboot"]]
    node.state("uname", wanted)
    assert is_done(node)


def test_a_kernel_without_modules_does_not_boot(node: FakeNode) -> None:
    node.write("boot/vmlinuz-6.9.1-1-pve", "")
    assert is_done(node)


@pytest.mark.parametrize("left", [None, ""])
def test_no_reboot_into_a_kernel_without_initramfs(node: FakeNode, left: str | None) -> None:
    install_kernel(node, "6.14.0-1-pve")
    image = node.root / "boot/initrd.img-6.14.0-1-pve"
    image.unlink()
    if left is not None:
        image.write_text(left)
    node.state("initramfs-trouble", "nothing is written")
    with pytest.raises(StepFailed, match=r"6\.14\.0-1-pve has no initramfs, even after `update-initramfs -c"):
        do(node)
    assert node.calls() == [["update-initramfs", "-c", "-k", "6.14.0-1-pve"]]
    (node.folder / "initramfs-trouble").unlink()
    with pytest.raises(StepFailed, match="asked for a reboot"):
        do(node)
    assert node.calls()[1:] == [["update-initramfs", "-c", "-k", "6.14.0-1-pve"], ["systemctl", "reboot"]]
    assert image.stat().st_size > 0


def test_a_boot_loader_without_the_initramfs_gets_it(node: FakeNode) -> None:
    install_kernel(node, "6.14.0-1-pve")
    (node.root / "boot/initrd.img-6.14.0-1-pve").unlink()
    node.write("boot/grub/grub.cfg", "a menu without it")
    making = ["update-initramfs", "-c", "-k", "6.14.0-1-pve"]
    node.state("initramfs-trouble", "No space left on the ESP")
    for _ in range(2):
        with pytest.raises(StepFailed, match="No space left on the ESP") as failed:
            do(node)
        assert "do not reboot before it succeeds" in failed.value.remedy
    assert node.calls() == [making, making]
    (node.folder / "initramfs-trouble").unlink()
    with pytest.raises(StepFailed, match="asked for a reboot"):
        do(node)
    assert node.calls()[2:] == [making, ["update-grub"], ["systemctl", "reboot"]]


def test_a_dry_run_tells_of_a_missing_initramfs(node: FakeNode) -> None:
    install_kernel(node, "6.14.0-1-pve")
    (node.root / "boot/initrd.img-6.14.0-1-pve").unlink()
    system = node.system(dry_run=True)
    kernel_step(SETTINGS, Record(system, "run")).do(system)
    assert "would run `update-initramfs -c -k 6.14.0-1-pve`" in node.said
    assert node.calls() == []


def test_a_pinned_kernel_is_the_wanted_one(node: FakeNode) -> None:
    install_kernel(node, "6.14.0-1-pve")
    node.write("etc/kernel/proxmox-boot-pin", "6.8.12-4-pve\n")
    assert is_done(node)


def test_reboots_end(node: FakeNode) -> None:
    for number in range(SETTINGS.retry.reboots):
        install_kernel(node, f"6.9.{number}-1-pve")
        with pytest.raises(StepFailed, match="nothing happened"):
            do(node)
    install_kernel(node, "6.10.0-1-pve")
    with pytest.raises(StepFailed, match=f"after {SETTINGS.retry.reboots} reboots"):
        do(node)
    assert len(node.calls()) == SETTINGS.retry.reboots


def test_no_reboot_that_cannot_be_remembered(node: FakeNode) -> None:
    install_kernel(node, "6.9.1-1-pve")
    node.write("var/lib/pmx-ring", "a file in the way")
    with pytest.raises(OSError, match="var/lib/pmx-ring"):
        do(node)
    assert node.calls() == []


def test_names_of_ports(node: FakeNode) -> None:
    plug(node, "en05", "0000:ca:00.5")
    assert is_done(node)
    plug(node, "thunderbolt0", "0000:ca:00.6")
    assert not is_done(node)
    with pytest.raises(StepFailed, match="nothing happened"):
        do(node)
    with pytest.raises(StepFailed, match="`en06` is still called `thunderbolt0`, even after a reboot"):
        do(node)


def test_other_interfaces_are_none_of_ours(node: FakeNode) -> None:
    plug(node, "thunderbolt0", "0000:0d:00.6")
    (node.root / "sys/class/net/lo").mkdir()
    assert is_done(node)


@pytest.mark.parametrize(
    ("running", "refused"),
    [("6.2.16-13-pve", True), ("6.2.9-20-pve", True), ("6.2.16-14-pve", False), ("6.1.0-28-amd64", False)],
)
def test_the_oldest_kernel_that_will_do(node: FakeNode, running: str, refused: bool) -> None:
    (node.root / "boot/vmlinuz-6.8.12-4-pve").unlink()
    install_kernel(node, running)
    node.state("uname", running)
    assert is_done(node) is not refused
    if refused:
        with pytest.raises(StepFailed, match=r"the ring needs 6\.2\.16-14 or newer"):
            do(node)


def test_failed_units_are_named(node: FakeNode) -> None:
    node.state("failed-units", "pmx-ring-apply.service loaded failed failed The ring\n")
    assert not is_done(node)
    with pytest.raises(StepFailed, match=r"pmx-ring-apply\.service failed"):
        do(node)


def test_another_root_is_not_rebooted(node: FakeNode) -> None:
    install_kernel(node, "6.9.1-1-pve")
    step = kernel_step(SETTINGS, Record(node.system(), "run"))
    assert step.is_done(node.system(live=False))
    step.do(node.system(live=False))
    step.do(node.system(dry_run=True))
    assert node.calls() == []
    assert node.said == ["would reboot: kernel 6.8.12-4-pve runs, and 6.9.1-1-pve is the newest installed"]
