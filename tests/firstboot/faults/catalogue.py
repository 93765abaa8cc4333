"""The faults: each makes trouble for one boot or several, which may end in any way that they explain."""

import re
from collections.abc import Iterator
from itertools import chain, cycle, islice, zip_longest
from random import Random

from firstboot.settings import STEPS
from tests.firstboot.faults import troubles as of
from tests.firstboot.faults.fault import Fault
from tests.firstboot.power_on import Event
from tests.firstboot.proxmox import ENTERPRISE_ON

APT_LINE = r"\| (Get:|Hit:|Fetched |Reading |Building |Calculating |The following |Need to get |After this )"
DPKG_LINE = r"\| (Selecting |\(Reading |Preparing |Unpacking |Setting up |Processing triggers |the settings )"
ANY_LINE = r""

_STARTED = ("repositories", "upgrade", "node-package", "extras", "user", "leftovers", "report")
"""The other steps find nothing to do in these systems: they only end."""

_SERVER_GONE = "kill -KILL $(pgrep -f '^/usr/bin/python3 /srv/mirror.py')"


def catalogue() -> list[Fault]:
    """Those that are the same in every run."""
    return [
        *chain(
            _kills(),
            _reboots(),
            _networks(),
            _answers(),
            _files(),
            _clocks(),
            _locks(),
            _disks(),
            _packages(),
        )
    ]


def all_faults(count: int, seed: int = 0) -> list[Fault]:
    """`count` faults: those that are the same in every run, then others at moments that `seed` decides."""
    named = catalogue()
    return [*named[:count], *islice(_random(Random(seed)), max(0, count - len(named)))]  # noqa: S311 - no secret


def some_faults(count: int) -> list[Fault]:
    """`count` quick ones of all kinds, always the same."""
    kinds: dict[str, list[Fault]] = {}
    for fault in all_faults(100):
        if not fault.slow:
            kinds.setdefault(fault.kind, []).append(fault)
    in_turn = chain.from_iterable(zip_longest(*kinds.values()))
    return [*islice((fault for fault in in_turn if fault), count)]


def _kills() -> Iterator[Fault]:
    for step in STEPS:
        if step in _STARTED:
            yield _kill("at a step's start", f"at the start of {step}", Event(f": {step}: started"))
        yield _kill("at a step's end", f"at the end of {step}", Event(f": {step}: (already )?done"))


def _kill(where: str, name: str, *events: Event) -> Fault:
    return Fault(f"power cut {where}", f"power cut {name}", events=events, state=None)


def _reboots() -> Iterator[Fault]:
    for name, line in (
        ("when it is asked for", "running `systemctl reboot`"),
        ("while first boot waits for it", r"systemd\[1\]: Stopped target "),
        ("in the middle of the shutdown", r"systemd\[1\]: Reached target umount\.target"),
        ("at the end of the shutdown", "Sending SIGTERM to remaining processes"),
        ("right after it", " running in system mode "),
        ("before the next first boot", r"systemd\[1\]: Starting proxmox-first-boot"),
        ("in the next first boot", "pmx first boot: node "),
    ):
        yield _kill("around the reboot", name, Event(line, part=1))
    yield _kill("after the end", "before the flag is removed", Event("pmx first boot: finished: "))
    yield _kill("after the end", "when the flag is removed", Event("removed '/var/lib/proxmox-first-boot"))


def _random(random: Random) -> Iterator[Fault]:
    for number in cycle(range(7)):
        part, delay_s = random.random(), random.uniform(0, 0.08)
        at = f"{part:.0%} on, after {delay_s * 1000:.0f} ms"
        if number in {0, 3}:
            yield _kill("inside dpkg", f"inside dpkg, {at}", Event(DPKG_LINE, part, delay_s))
        elif number in {1, 4}:
            yield _kill("inside apt", f"inside apt, {at}", Event(APT_LINE, part, delay_s))
        elif number == 2:
            yield _kill("at any moment", f"at any moment, {at}", Event(ANY_LINE, part, delay_s))
        elif number == 5:
            # what is done already makes a boot shorter
            parts = [random.uniform(0.05, 0.4) for _ in range(3)]
            name = f"in three boots, {', '.join(f'{part:.0%}' for part in parts)} on"
            yield _kill("in boots one after the other", name, *(Event(ANY_LINE, each) for each in parts))
        else:
            yield from _in_the_middle(random, part)


def _in_the_middle(random: Random, part: float) -> Iterator[Fault]:
    left_kib = random.choice((0, 16, 64, 256, 512, 1024))
    yield Fault("disk", f"full disk but for {left_kib} KiB", of.full_disk(left_kib), state=None)
    gone = Event(APT_LINE, part, does=of.NETWORK_GOES)
    yield Fault("network", f"network gone {part:.0%} on", events=(gone,), state=None)


def _networks() -> Iterator[Fault]:
    kind, downloads = "network", r": running `apt-get .* full-upgrade`"
    yield Fault(kind, "no network", of.NO_NETWORK, said="wait-online: failed")
    comes = Event(": waiting up to", does=of.NETWORK_COMES)
    yield Fault(kind, "network that comes late", of.NO_NETWORK, (comes,), state="active")
    goes = Event(downloads, does=of.NETWORK_GOES)
    yield Fault(kind, "network gone before a download", events=(goes,), said="upgrade: failed")
    away = Event(downloads, does=f"{of.NETWORK_GOES}; (sleep 2; {of.NETWORK_COMES}) >/dev/null 2>&1 &")
    yield Fault(kind, "network away for two seconds", events=(away,), state=None)
    lost = Event(downloads, does=of.PACKETS_GET_LOST)
    yield Fault(kind, "packets get lost", events=(lost,), said="upgrade: failed", slow=True)
    server = Event(downloads, does=_SERVER_GONE)
    yield Fault(kind, "server gone before a download", events=(server,), said="upgrade: failed")
    stalls = of.answer("/pool/proxmox-kernel", "stall")
    yield Fault(kind, "server that stalls", stalls, said="its time is up: ending it", slow=True)


def _answers() -> Iterator[Fault]:
    for status in (401, 404, 500):
        lists, package = f"{status} for lists", f"{status} for an extra package"
        yield Fault("answers", lists, of.answer("InRelease", status), said=f"{status} ")
        yield Fault("answers", package, of.answer("iperf3", status), said="because of extras")
    on = Event(": upgrade: started", does=ENTERPRISE_ON)
    yield Fault("answers", "401 from enterprise, on again", events=(on,), said=" 401 ")
    yield Fault("answers", "500 for a needed package", of.answer("/pool/sudo", 500), said="user: failed")


def _files() -> Iterator[Fault]:
    kind, record = "truncated files", "/var/lib/pmx-ring/first-boot/record.jsonl"
    yield Fault(kind, "truncated lists", of.truncated_mirror("dists"), said="upgrade: failed")
    yield Fault(kind, "truncated packages", of.truncated_mirror("pool"), said="upgrade: failed")
    yield Fault(kind, "lists that end early", of.answer("/Packages", "cut"), said="upgrade: failed")
    yield Fault(kind, "packages that end early", of.answer("/pool/", "cut"), said="upgrade: failed")
    yield Fault(kind, "truncated caches of apt", of.truncated_caches, state="active")
    yield Fault(kind, "empty list, whole InRelease", of.empty_lists(whole_release=True), state="active")
    yield Fault(kind, "empty list, empty InRelease", of.empty_lists(whole_release=False), state="active")
    yield Fault(kind, "truncated record", of.written(record, '{"event": "sta'), state="active")
    mark = "/var/lib/pmx-ring/first-boot/upgraded"
    yield Fault(kind, "empty mark of the upgrade", of.written(mark, ""), state="active")


def _clocks() -> Iterator[Fault]:
    for name, time, said in (
        ("clock in 1970", "@1970-01-01 00:01:00", "the clock says 1970-01-01"),
        ("clock a year ahead", "+365d", "wait-online: failed"),
    ):
        yield Fault("clock", name, of.with_time(time), said=said)
    mended = Event("waiting up to", does=of.CLOCK_IS_SET)
    said = "the clock says 1970-01-01"
    yield Fault("clock", "clock in 1970, set a little later", of.late_clock, (mended,), said, "active")


def _locks() -> Iterator[Fault]:
    said = "waiting for `/usr/bin/python3 -IB /srv/pveupdate.py`"
    dpkg = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")
    let_go = (Event(re.escape(said), does=of.UNLOCK),)
    for name, paths in (
        ("dpkg's lock held", dpkg),
        ("lists/lock held", ("/var/lib/apt/lists/lock",)),
        ("archives/lock held", ("/var/cache/apt/archives/lock",)),
    ):
        yield Fault("locks", name, of.held(*paths), let_go, said, "active")
    for_good = of.held("/var/lib/apt/lists/lock")
    yield Fault("locks", "lists/lock held for good", for_good, said="still holds a lock", slow=True)
    yield Fault(
        "locks", "stale locks of useradd", of.STALE_LOCKS, said="removing /etc/passwd.lock", state="active"
    )


def _disks() -> Iterator[Fault]:
    yield Fault("disk", "full disk", of.full_disk(0), said="No space left")
    yield Fault("disk", "full /var/cache/apt", of.full_folder("/var/cache/apt"), said="upgrade: failed")
    yield Fault("disk", "full /var/lib/pmx-ring", of.full_folder("/var/lib/pmx-ring"), said="No space left")
    yield Fault("disk", "full /run", of.FULL_RUN, said="No space left")
    yield Fault("disk", "read-only /etc", of.read_only("/etc"), said="cannot write")
    yield Fault("disk", "read-only /home", of.read_only("/home"), said="user: failed")
    for folder in ("/var/lib/dpkg", "/var/lib/apt", "/boot", "/usr"):
        yield Fault("disk", f"read-only {folder}", of.read_only(folder), said="upgrade: failed")


def _packages() -> Iterator[Fault]:
    kind = "interrupted dpkg"
    yield Fault(kind, "unpacked only", of.unpacked_only, said="running `dpkg --force-confdef", state="active")
    missing = "a dependency is missing"
    yield Fault(kind, missing, of.missing_dependency, said="--fix-broken install", state="active")
    again = "all files unpacked, and marked"
    yield Fault(kind, again, of.to_be_reinstalled, said="--reinstall --fix-broken install", state="active")
    yield Fault(
        kind, "our package half unpacked", of.broken_off, said="running `dpkg --unpack", state="active"
    )
    yield Fault("names", "another host name", of.renamed, said="this file is for node `pve1`")
