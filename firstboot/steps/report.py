"""The last step: tells what was not done and what remains for a person."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from firstboot.changes import write_file
from firstboot.record import FOLDER, Record, failed_steps
from firstboot.settings import Member, Settings
from firstboot.step import Step
from firstboot.steps.disks import disks
from firstboot.steps.remaining_work import ClusterNode, Situation, remaining_work
from firstboot.system import System

_FILE = f"{FOLDER}/report.txt"


def report_step(settings: Settings, record: Record) -> Step:
    """Tells the report, and keeps it for `pmx-ring first-boot`."""
    return Step(
        name="report",
        is_done=lambda system: system.text(_FILE) == _report(system, settings, record),
        do=lambda system: _tell(system, _report(system, settings, record)),
        deadline=settings.deadlines["report"],
    )


def _tell(system: System, text: str) -> None:
    for line in text.splitlines():
        system.say(line)
    if not system.dry_run:
        system.path(FOLDER).mkdir(parents=True, exist_ok=True)
        write_file(system, _FILE, text.encode())


def _report(system: System, settings: Settings, record: Record) -> str:
    return "".join([*_failures(record), remaining_work(situation(system, settings))])


def _failures(record: Record) -> Iterator[str]:
    for step, event in failed_steps(record.events()).items():
        if step != "report":
            yield f"NOT DONE: {step}: {event.get('message')}\n  hint: {event.get('remedy')}\n\n"


def situation(system: System, settings: Settings) -> Situation:
    """What the report is about."""
    own = next(member for member in settings.members if member.name == settings.node)
    return Situation(
        cluster=settings.cluster,
        own=_cluster_node(own),
        first=_cluster_node(settings.members[0]),
        node_count=settings.node_count,
        ring_networks=tuple(map(ip_network, settings.ring_networks)),
        disks=tuple(disks(system.root)),
        user=settings.user.name if settings.user else "",
    )


def _cluster_node(member: Member) -> ClusterNode:
    return ClusterNode(member.name, ip_address(member.lan), tuple(map(ip_address, member.ring)))
