"""Trying a fault: disturbed boots, then one more, which may reboot as an undisturbed one does."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.artifacts.apt_state import audit
from tests.firstboot.faults.fault import Fault
from tests.firstboot.power_on import Boot, End, Event, Watch, power_on
from tests.firstboot.proxmox import example_cluster, make_proxmox
from tests.roots.machine import make_bootable
from tests.roots.root import Root, fresh_root
from tests.roots.snapshot import Snapshot, differences

# one try for each step in a boot
_QUICK = {"first_pause_s": 600, "longest_pause_s": 600, "boots": 10, "reboots": 4}
_STEP_S = 300
"""FRR alone takes half a minute to start where other tests keep the processors busy."""
_SHORT_STEP_S = 30
_DISK_MIB = 256
_BOOTS = 8
"""More than any fault takes: first boot reboots once, and where it was disturbed a few times."""

# logs, caches, times, seeds, what tells the story, what a test brings along, what comes with an initramfs (a
# power cut may take the node to its new kernel before first boot makes one), and what apt and systemd write
# without waiting for the disk: a power cut may leave it empty; and dpkg's scratch file, which its next run
# removes unread (lib/dpkg/dbmodify.c: only names of digits are updates)
_NOT_COMPARED = re.compile(
    r"/var/log/.*|/var/cache/.*|/var/lib/apt/(lists|periodic).*|/var/lib/dpkg/(lock.*|.*-old|triggers/.*|info/format)"
    r"|/var/lib/dpkg/updates/tmp\.i"
    r"|/var/lib/pmx-ring/first-boot/(record\.jsonl|report\.txt|upgraded)|/srv.*|/run/.*|/etc/.*-|(/var)?/tmp/.*|/dev/.*"
    r"|/var/lib/apt/extended_states|/(etc|var)/\.updated|/var/lib/systemd/catalog/database"
    r"|/boot/initrd\.img-.*|/var/lib/initramfs-tools/.*|/usr/lib/modules/[^/]+/modules\.(?!order).*"
    r"|/root/\.history_frr|/var/lib/frr/commit-.*|/var/lib/pmx-ring/state\.json|/var/lib/systemd/(random-seed|timers/.*)"
)

_UNFINISHED = re.compile(r"pmx first boot: not finished, because of (.*?): .*")
_REFUSED = re.compile(r"pmx first boot: error: .+\npmx first boot: hint: .+")


@dataclass(frozen=True)
class Undisturbed:
    """What first boot without a fault ends in, and the lines of its console, reboot included."""

    tree: Snapshot
    lines: Sequence[str]

    def watch(self, event: Event) -> Watch:
        """Looks for the line of the event; trouble may make more lines."""
        lines = max(1, sum(re.search(event.line, line) is not None for line in self.lines))
        return Watch(event, 1 + int(event.part * (lines - 1)))


@contextmanager
def fresh_node(release: str, finished: Path, *, slow: bool = False) -> Iterator[Root]:
    """A node before its first boot. Where a `slow` fault has a step use up its time, that is short."""
    with fresh_root(release, finished, disk_mib=_DISK_MIB) as root:
        make_proxmox(root, example_cluster(), retry=_QUICK, step_s=_SHORT_STEP_S if slow else _STEP_S)
        make_bootable(root)
        yield root


def undisturbed(release: str, finished: Path) -> Undisturbed:
    """First boot without a fault."""
    with fresh_node(release, finished) as root:
        boots = finish(root)
        assert [boot.end for boot in boots] == [End.REBOOT, End.UP], _story(boots)
        return Undisturbed(root.tree(), [line for boot in boots for line in boot.lines])


def finish(root: Root) -> list[Boot]:
    """The boots until first boot has ended, which must have succeeded."""
    boots = [power_on(root)]
    while boots[-1].end is End.REBOOT and len(boots) < _BOOTS:
        boots.append(power_on(root))
    assert boots[-1].end is End.UP, _story(boots)
    # a fault after its end leaves nothing to do
    assert boots[-1].state in {"active", "inactive"}, _story(boots)
    return boots


def try_fault(root: Root, fault: Fault, reference: Undisturbed) -> str:
    """What happened; AssertionError unless first boot after `fault` ends as an undisturbed run."""
    watches = [reference.watch(event) for event in fault.events]
    with fault.trouble(root):
        boots = _disturbed(root, watches)
    story = f"{fault.name}\n{_story(boots)}"
    said = [line for boot in boots for line in boot.said]
    assert fault.said in "\n".join(said), f"`{fault.said}` was not said: {story}"
    # the second of several moments may be past
    assert not watches or watches[0].happened, f"it did not happen: {story}"
    if fault.state is not None:
        assert (boots[-1].end, boots[-1].state) == (End.UP, fault.state), story
    if boots[-1].state == "failed":
        assert explained(boots[-1].said), f"not explained: {story}"
    boots += finish(root)
    assert audit(root) == "", _story(boots)
    different = compared(differences(reference.tree, root.tree()))
    assert different == {}, f"{different}: {fault.name}\n{_story(boots)}"
    return ", then ".join(watch.happened for watch in watches if watch.happened)


def _disturbed(root: Root, watches: Sequence[Watch]) -> list[Boot]:
    boots: list[Boot] = []
    left = list(watches)
    while len(boots) < _BOOTS:
        boots.append(power_on(root, left[0] if left else None))
        if left and left[0].happened:
            left.pop(0)
        if boots[-1].end is End.UP or (boots[-1].end is End.CUT and not left):
            break
    return boots


def _story(boots: Sequence[Boot]) -> str:
    return "\n==== power on ====\n".join(map(str, boots))


def explained(said: Sequence[str]) -> bool:
    """Whether the end of a failed boot names each step that failed, with what was done and a remedy."""
    if unfinished := _UNFINISHED.fullmatch(said[-1]):
        text = "\n".join(said)
        return all(
            re.search(rf"(?m)^pmx first boot: {step}: failed after .+: .+\npmx first boot: hint: .+", text)
            for step in unfinished[1].split(", ")
        )
    return _REFUSED.fullmatch("\n".join(said[-2:])) is not None


def compared(different: dict[str, str]) -> dict[str, str]:
    """Without what may differ."""
    return {path: how for path, how in different.items() if not _NOT_COMPARED.fullmatch(path)}
