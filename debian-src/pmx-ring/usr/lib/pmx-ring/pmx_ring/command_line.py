"""The command `pmx-ring`; the only module that prints."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable

from pmx_ring import first_boot
from pmx_ring.apply import Outcome, apply, undo
from pmx_ring.changes import Change
from pmx_ring.dpkg import wait_for_dpkg
from pmx_ring.fabric import fabric_changes, router_changes
from pmx_ring.facts import need_facts, read_facts
from pmx_ring.first_boot import need_first_boot
from pmx_ring.offload import without_tso
from pmx_ring.ports import bring_up, exists
from pmx_ring.problems import RingError, disk_problem
from pmx_ring.request import recorded_apply, request_apply, wait_for_apply
from pmx_ring.status import Status, as_table, node_status
from pmx_ring.system import System

_FAILED = 1


def _say(text: str) -> None:
    print(text, flush=True)


def _complain(problems: Iterable[object]) -> int:
    status = 0
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
        status = _FAILED
    return status


def _concluded(outcome: Outcome, nothing: str) -> int:
    if not outcome.changes and not outcome.problems:
        _say(nothing)
    return _complain(outcome.problems)


def _apply(system: System, options: argparse.Namespace) -> int:
    if options.dry_run:
        outcome = apply(system, dry_run=True, force=options.force, say=lambda text: _say(f"would: {text}"))
    else:
        outcome = recorded_apply(system, force=options.force, say=_say)
    return _concluded(outcome, "nothing to change")


def _wait(system: System, options: argparse.Namespace) -> int:
    status = _complain(wait_for_apply(system, options.timeout))
    if status == 0:
        _say("the settings are in force")
    return status


def _wait_for_dpkg(system: System, _options: argparse.Namespace) -> int:
    wait_for_dpkg(system)
    return 0


def _status(system: System, options: argparse.Namespace) -> int:
    status = node_status(system)
    if options.json:
        _say(json.dumps(as_table(status), indent=2))
    else:
        _draw(status)
    return _FAILED if status.problems else 0


def _draw(status: Status) -> None:
    answers = {one.port: f"{one.node} ({one.state})" for one in status.neighbours}
    _say(f"{status.node} in the ring of {status.cluster}: {status.package}, pmx-ring {status.version}")
    for port in status.ports:
        state = f"{'up' if port.up else 'down'}, MTU {port.mtu}" if port.present else "absent"
        _say(f"  {port.name}  {state}, neighbour: {answers.get(port.name, 'none')}")
    for address in status.addresses:
        _say(f"  lo    {address}")
    for notice in status.notices:
        _say(f"notice: {notice}")
    for problem in status.problems:
        _say(f"problem: {problem}")


def _port(system: System, options: argparse.Namespace) -> int:
    facts = need_facts(system)
    if facts.port(options.name) is None:
        raise RingError(f"`{options.name}` is no port of `{facts.node}`")
    if not exists(system, options.name):
        _say(f"`{options.name}` is gone again")
        return 0
    # the link first and in any case, whatever FRR says
    _done(bring_up(system, options.name, facts.mtu))
    return _completed(system, [options.name], without_tso(options.name))


def _fabric(system: System, _options: argparse.Namespace) -> int:
    facts = read_facts(system)
    ports = facts.ports if facts else ()
    return _completed(system, ["lo", *(port.name for port in ports if exists(system, port.name))])


def _completed(system: System, names: Iterable[str], *others: Iterable[object]) -> int:
    problems = []
    for changes in (*others, router_changes(system), *(fabric_changes(system, [name]) for name in names)):
        try:
            _done(changes)
        except RingError as problem:
            problems.append(problem)
    return _complain(problems)


def _done(changes: Iterable[object]) -> int:
    for change in changes:
        if isinstance(change, Change):
            _say(change.text)
            change.do()
    return 0


def _first_boot(system: System, options: argparse.Namespace) -> int:
    recorded = need_first_boot(system)
    if options.json:
        _say(json.dumps(first_boot.as_table(recorded), indent=2))
    else:
        for line in first_boot.as_lines(recorded):
            _say(line)
    return _FAILED if any(recorded.problems()) else 0


def _request(system: System, _options: argparse.Namespace) -> int:
    request_apply(system, _say)
    return 0


def _undo(system: System, _options: argparse.Namespace) -> int:
    return _concluded(undo(system, say=_say), "nothing to take back")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pmx-ring", description="The Thunderbolt ring on this node.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[System, argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    one = command("apply", _apply, "put the installed settings into force")
    one.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
    one.add_argument("--force", action="store_true", help="although they are those of another machine")
    one = command("wait", _wait, "wait for the apply that an installation asked for, end with its result")
    one.add_argument("--timeout", type=float, default=1800, metavar="SECONDS", help="default 1800")
    one = command("status", _status, "show the node's part of the ring; exit status 1 if anything is wrong")
    one.add_argument("--json", action="store_true")
    one = command("port", _port, "bring up one port; for pmx-ring-port@.service")
    one.add_argument("name", metavar="NAME")
    command("fabric", _fabric, "complete what FRR runs with; for pmx-ring-fabric.service")
    one = command("first-boot", _first_boot, "show what first boot did; exit status 1 if it is not finished")
    one.add_argument("--json", action="store_true")
    command("request", _request, "ask for an apply after apt has ended; for the package's scripts")
    command("wait-for-dpkg", _wait_for_dpkg, "wait for the end of apt; for pmx-ring-apply.service")
    command("undo", _undo, "take back what apply did; for the package's scripts")
    return parser


def main(arguments: list[str], system: System) -> int:
    """Run the command that `arguments` name, without the program's name, and return its exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[System, argparse.Namespace], int] = options.run
    try:
        return run(system, options)
    except RingError as problem:
        return _complain([problem])
    except PermissionError:
        if os.geteuid() == 0:
            raise
        return _complain([f"`pmx-ring {options.command}` needs root"])
    except OSError as error:
        return _complain([disk_problem(error)])
