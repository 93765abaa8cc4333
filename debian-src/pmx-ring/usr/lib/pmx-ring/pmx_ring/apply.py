"""Putting the node's settings into force, or taking them back: all steps, whatever becomes of one of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pmx_ring.addresses import address_changes
from pmx_ring.boot_image import boot_image_changes
from pmx_ring.changes import Change, Changes, Context, Finding, Notice, Step
from pmx_ring.facts import Facts, host_name, read_facts
from pmx_ring.forwarding import forwarding_changes
from pmx_ring.frr import frr_changes
from pmx_ring.lldp import lldp_changes
from pmx_ring.modules import module_changes
from pmx_ring.ports import port_changes
from pmx_ring.power import power_changes
from pmx_ring.problems import RingError, disk_problem
from pmx_ring.programs import run
from pmx_ring.state import State
from pmx_ring.system import System

_INTERFACES = "/etc/network/interfaces.d"
_LITTER = ("zz-pmx-ring.dpkg-*", "zz-pmx-ring.ucf-*")

Say = Callable[[str], object]


@dataclass(slots=True)
class Outcome:
    """What an apply did, or would do, and what it could not."""

    changes: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    problems: list[RingError] = field(default_factory=list)


def litter_changes(context: Context, _facts: Facts | None) -> Changes:
    """Remove what an interrupted dpkg left beside our file: ifupdown2 reads every name in that folder."""
    for path in (path for pattern in _LITTER for path in context.system.glob(_INTERFACES, pattern)):
        yield Change(f"remove `{_INTERFACES}/{path.name}`", path.unlink)


_STEPS: tuple[Step, ...] = (
    litter_changes,
    module_changes,
    power_changes,
    port_changes,
    address_changes,
    forwarding_changes,
    frr_changes,
    lldp_changes,
    boot_image_changes,  # last, because it takes longest
)
_STEPS_ON_FILES: tuple[Step, ...] = (litter_changes, frr_changes)


def apply(system: System, *, dry_run: bool, force: bool, say: Say) -> Outcome:
    """Put the installed settings into force, or take back the ones of a package that is gone.

    Raises RingError, having done nothing, when they are for another machine (unless `force`) or unreadable.
    """
    if not system.is_live:
        raise RingError("systemd does not run here", "the next boot puts the settings into force")
    facts = read_facts(system)
    state = State.load(system)
    if facts is not None:
        _check_host(system, facts, state, force=force, dry_run=dry_run)
    return _run(Context(system, state), facts, dry_run=dry_run, say=say)


def undo(system: System, *, say: Say) -> Outcome:
    """Take back everything that `apply` did; in a chroot only the files, the network there is not its own."""
    outcome = _run(Context(system, State.load(system), under_dpkg=True), None, dry_run=False, say=say)
    if system.is_live:
        # an apply that was stopped while it waited for this very dpkg would count as failed
        run("systemctl", "reset-failed", "pmx-ring-*.service")
    return outcome


def is_for_this_host(system: System, facts: Facts, state: State) -> bool:
    """Whether the settings are this machine's, or were forced upon it under its present name."""
    return host_name(system) in {facts.node, state.forced_host} - {""}


def _check_host(system: System, facts: Facts, state: State, *, force: bool, dry_run: bool) -> None:
    if is_for_this_host(system, facts, state):
        return
    host = host_name(system)
    if not force:
        raise RingError(
            f"the settings are those of `{facts.node}`, this machine is `{host}` by /etc/hostname",
            "install the package of this machine, or `pmx-ring apply --force`",
        )
    if not dry_run:
        state.save(forced_host=host)


def _run(context: Context, facts: Facts | None, *, dry_run: bool, say: Say) -> Outcome:
    outcome = Outcome()
    for step in _STEPS if context.system.is_live else _STEPS_ON_FILES:
        try:
            for found in step(context, facts):
                _take(found, outcome, dry_run=dry_run, say=say)
        except RingError as problem:
            outcome.problems.append(problem)
        except OSError as error:
            outcome.problems.append(disk_problem(error))
    return outcome


def _take(found: Finding, outcome: Outcome, *, dry_run: bool, say: Say) -> None:
    match found:
        case Notice(text):
            say(text)
            outcome.notices.append(text)
        case Change(text):
            say(text)
            outcome.changes.append(text)
    if not dry_run and not isinstance(found, Notice):
        found.do()
