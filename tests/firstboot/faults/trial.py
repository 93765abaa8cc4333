"""Trying a fault: a disturbed boot, then one more."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.artifacts.apt_state import audit
from tests.firstboot.faults.catalogue import Fault
from tests.firstboot.proxmox import HOOK, example_cluster, make_proxmox
from tests.roots.commands import Outcome
from tests.roots.root import Root, fresh_root
from tests.roots.snapshot import Snapshot, differences

_BARE = ["env", "--ignore-environment", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"]
# one try for each step in a boot
_QUICK = {"first_pause_s": 60, "longest_pause_s": 60, "boots": 10, "reboots": 4}
_STEP_S = 50

_START_MIRROR = """python3 /srv/mirror.py >/srv/mirror.log 2>&1 &
until ss --no-header --listening --tcp --numeric | grep --quiet :80; do sleep 0.05; done
"""

# logs, caches, times, what tells the story, and what a test brings along
_NOT_COMPARED = re.compile(
    r"/var/log/.*|/var/cache/.*|/var/lib/apt/(lists|periodic).*|/var/lib/dpkg/(lock.*|.*-old|triggers/.*|info/format)"
    r"|/var/lib/pmx-ring/first-boot/(record\.jsonl|report\.txt|upgraded)|/srv.*|/run/.*|/etc/.*-|/tmp/.*|/dev/.*"
)


@contextmanager
def fresh_node(release: str, finished: Path) -> Iterator[Root]:
    """A node before its first boot, whose steps do not wait long."""
    with fresh_root(release, finished) as root:
        make_proxmox(root, example_cluster(), retry=_QUICK, step_s=_STEP_S)
        yield root


def undisturbed_tree(release: str, finished: Path) -> Snapshot:
    """What a boot without a fault ends in."""
    with fresh_node(release, finished) as root:
        outcome = boot(root)
        assert outcome.status == 0, outcome
        power_off(root)
        return root.tree()


def power_off(root: Root) -> None:
    """Ends all that runs, and empties /run of what is the hook's."""
    root.run(["sh", "-c", "kill -KILL -1; true"])
    root.run(["sh", "-c", "rm -rf /run/pmx-first-boot*"])


def boot(root: Root, cut_s: float | None = None) -> Outcome:
    """One run of the hook; the power is cut after `cut_s`."""
    root.run(["sh", "-c", _START_MIRROR])
    command = [*_BARE, HOOK, "fully-up"]
    if cut_s is not None:
        command = ["sh", "-c", f'"$@" & sleep {cut_s}; kill -KILL -1', "sh", *command]
    return root.run(command, check=False, seconds=200)


def try_fault(root: Root, fault: Fault, undisturbed: Snapshot) -> None:
    """Raises AssertionError unless one boot after `fault` ends in the tree of an undisturbed run."""
    with fault.trouble(root):
        first = boot(root, fault.cut_s)
        power_off(root)
    said = first.stdout
    assert fault.said in said, f"{fault.name}: `{fault.said}` was not said\n{first}"
    if fault.cut_s is None:
        assert first.status == (0 if fault.finishes else 1), f"{fault.name}\n{first}"
        assert fault.finishes or "hint: " in said, f"{fault.name}\n{first}"
    last = boot(root) if not fault.finishes else first
    assert last.status == 0, f"{fault.name}\n{last}"
    assert audit(root) == "", f"{fault.name}\n{last}"
    different = compared(differences(undisturbed, root.tree()))
    assert different == {}, f"{fault.name}\n{last}\n{different}"


def compared(different: dict[str, str]) -> dict[str, str]:
    """Without what may differ."""
    return {path: how for path, how in different.items() if not _NOT_COMPARED.fullmatch(path)}
