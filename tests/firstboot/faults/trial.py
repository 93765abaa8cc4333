"""Trying a fault: disturbed boots, then one more."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.artifacts.apt_state import audit
from tests.firstboot.faults.fault import Event, Fault
from tests.firstboot.faults.watch import WATCH
from tests.firstboot.proxmox import HOOK, example_cluster, make_proxmox
from tests.roots.commands import Outcome
from tests.roots.root import Root, fresh_root
from tests.roots.snapshot import Snapshot, differences

_BARE = ["env", "--ignore-environment", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"]
# one try for each step in a boot
_QUICK = {"first_pause_s": 60, "longest_pause_s": 60, "boots": 10, "reboots": 4}
_STEP_S = 30

_START_MIRROR = """python3 /srv/mirror.py >/srv/mirror.log 2>&1 &
until ss --no-header --listening --tcp --numeric | grep --quiet :80; do sleep 0.05; done
"""

# logs, caches, times, what tells the story, and what a test brings along
_NOT_COMPARED = re.compile(
    r"/var/log/.*|/var/cache/.*|/var/lib/apt/(lists|periodic).*|/var/lib/dpkg/(lock.*|.*-old|triggers/.*|info/format)"
    r"|/var/lib/pmx-ring/first-boot/(record\.jsonl|report\.txt|upgraded)|/srv.*|/run/.*|/etc/.*-|/tmp/.*|/dev/.*"
)

_UNFINISHED = re.compile(r"pmx first boot: not finished, because of (.*?): .*")
_REFUSED = re.compile(r"pmx first boot: error: .+\npmx first boot: hint: .+")


@dataclass(frozen=True)
class Undisturbed:
    """What a boot without a fault ends in and says."""

    tree: Snapshot
    said: str

    def number_of(self, event: Event) -> int:
        """Which of the lines that match the event's it is, from 1; trouble may make more lines."""
        lines = max(1, sum(re.search(event.line, line) is not None for line in self.said.splitlines()))
        return 1 + int(event.part * (lines - 1))


@contextmanager
def fresh_node(release: str, finished: Path) -> Iterator[Root]:
    """A node before its first boot, whose steps do not wait long."""
    with fresh_root(release, finished) as root:
        make_proxmox(root, example_cluster(), retry=_QUICK, step_s=_STEP_S)
        root.write("/srv/watch.py", WATCH)
        yield root


def undisturbed(release: str, finished: Path) -> Undisturbed:
    """A boot without a fault."""
    with fresh_node(release, finished) as root:
        start_mirror(root)
        outcome = boot(root)
        assert outcome.status == 0, outcome
        power_off(root)
        return Undisturbed(root.tree(), outcome.stdout)


def power_off(root: Root) -> None:
    """Ends all that runs, and empties /run of what is the hook's."""
    root.run(["sh", "-c", "kill -KILL -1; true"])
    root.run(["sh", "-c", "rm -rf /run/pmx-first-boot*"])


def start_mirror(root: Root) -> None:
    """Returns when the repositories are served."""
    root.run(["sh", "-c", _START_MIRROR])


def boot(root: Root, *, watched: str = "", environment: Mapping[str, str] | None = None) -> Outcome:
    """One run of the hook, the mirror being served, maybe with a `watched` event of `watch.py`."""
    words = [f"{name}={value}" for name, value in (environment or {}).items()]
    command = [*_BARE, *words, HOOK, "fully-up"]
    if watched:
        command = ["python3", "-IB", "/srv/watch.py", watched, *command]
    return root.run(command, check=False, seconds=200)


def try_fault(root: Root, fault: Fault, reference: Undisturbed) -> str:
    """What happened; AssertionError unless one boot after `fault` ends as an undisturbed run."""
    said = [_disturbed(root, fault, event, reference) for event in fault.events or [None]]
    start_mirror(root)
    last = boot(root)
    assert last.status == 0, f"{fault.name}\n{last}"
    assert audit(root) == "", f"{fault.name}\n{last}"
    different = compared(differences(reference.tree, root.tree()))
    assert different == {}, f"{fault.name}\n{chr(10).join(said)}\n{last}\n{different}"
    return ", then ".join(re.findall(r"(?m)^happened: (.*)", "\n".join(said)))


def _disturbed(root: Root, fault: Fault, event: Event | None, reference: Undisturbed) -> str:
    watched = ""
    if event:
        told = {"line": event.line, "delay_s": event.delay_s, "does": event.does}
        watched = json.dumps({**told, "number": reference.number_of(event)})
    start_mirror(root)
    with fault.trouble(root):
        outcome = boot(root, watched=watched, environment=fault.environment)
        power_off(root)
    said = outcome.stdout
    assert fault.said in said, f"{fault.name}: `{fault.said}` was not said\n{outcome}"
    # the second of several boots may be past the moment
    happens = event is None or event is not fault.events[0] or "\nhappened" in said
    assert happens, f"{fault.name}: it did not happen\n{outcome}"
    if fault.status is not None:
        assert outcome.status == fault.status, f"{fault.name}\n{outcome}"
    if "\nhappened: killed" not in said and outcome.status:
        assert explained(said), f"{fault.name}: not explained\n{outcome}"
    return said


def explained(said: str) -> bool:
    """Whether the end of a failed boot names each step that failed, with what was done and a remedy."""
    lines = [line for line in said.splitlines() if line and line != "happened"]
    if unfinished := _UNFINISHED.fullmatch(lines[-1]):
        return all(
            re.search(rf"(?m)^pmx first boot: {step}: failed after .+: .+\npmx first boot: hint: .+", said)
            for step in unfinished[1].split(", ")
        )
    return _REFUSED.fullmatch("\n".join(lines[-2:])) is not None


def compared(different: dict[str, str]) -> dict[str, str]:
    """Without what may differ."""
    return {path: how for path, how in different.items() if not _NOT_COMPARED.fullmatch(path)}
