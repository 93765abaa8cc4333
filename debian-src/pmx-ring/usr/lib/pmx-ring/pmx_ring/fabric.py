"""The lines of FRR's configuration under each interface, as FRR runs them.

fabricd before 10.3 drops the first of an interface's two `router openfabric` lines while the interface does
not exist (FRR issue 17075), so they are looked for, and added, when the interface is there. And it may run
without any: on a machine that is busy while it boots, watchfrr ends the script that hands daemons their
configuration after 20 s, and counts fabricd as up (measured with 8.4.4).
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from pmx_ring.changes import Change, Changes
from pmx_ring.ports import exists
from pmx_ring.problems import RingError
from pmx_ring.programs import is_installed, output_of, run
from pmx_ring.sdn import sdn_claims
from pmx_ring.state import State
from pmx_ring.system import System, digest

PAYLOAD = "/usr/lib/pmx-ring/frr.conf"
ROUTER = "router openfabric 1"
CONF = "/etc/frr/frr.conf"
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.25
_TIMEOUT_SECONDS = 240
"""Longer than one vtysh waits for another one that reads the same file: 200 s."""


def section_lines(configuration: str, section: str) -> list[str]:
    """The lines under the line `section`, such as `interface en05`, stripped."""
    lines: list[str] = []
    inside = False
    for line in configuration.splitlines():
        if not line.startswith(" "):
            inside = line.strip() == section
        elif inside:
            lines.append(line.strip())
    return lines


def runs_fabricd() -> bool:
    """Whether FRR runs and fabricd in it."""
    if not is_installed("vtysh"):
        return False
    said = run("vtysh", "-c", "show daemons")
    return said.status == 0 and "fabricd" in said.output.split()


def missing_lines(system: System, section: str) -> list[str]:
    """The lines that this node's configuration has in `section`, but not the running one."""
    running = section_lines(output_of("vtysh", "-c", "show running-config"), section)
    return [line for line in section_lines(system.text(PAYLOAD) or "", section) if line not in running]


def missing_router_lines(system: System) -> list[str]:
    """The lines that FRR runs without in its `router openfabric` section."""
    return missing_lines(system, ROUTER)


def router_changes(system: System) -> Changes:
    """Hand FRR the configuration of the last apply once more where fabricd runs without it."""
    if (
        runs_fabricd()
        and _is_applied(system)
        and _runs_our_configuration(system)
        and missing_router_lines(system)
    ):
        yield Change("give FRR its configuration again", partial(_give, system))


def fabric_changes(system: System, names: Sequence[str]) -> Changes:
    """Add what FRR runs without under each of the interfaces `names`, which exist."""
    if not runs_fabricd() or not _runs_our_configuration(system):
        return
    for name in names:
        if lines := missing_lines(system, f"interface {name}"):
            yield Change(
                f"add `{', '.join(lines)}` to `{name}` in FRR",
                partial(_add_lines, system, name),
            )


def _is_applied(system: System) -> bool:
    # what was only unpacked may be another node's, or nothing that FRR takes: apply is the one to judge that
    payload = system.text(PAYLOAD)
    return payload is not None and digest(payload) == State.load(system).written.get(CONF)


def _runs_our_configuration(system: System) -> bool:
    try:
        return not sdn_claims(system)
    except RingError:
        # early in the boot /etc/pve is not mounted; SDN writes the file as a whole, so one that is as it was
        # written here is ours
        live = system.text(CONF)
        return live is not None and digest(live) == State.load(system).written.get(CONF)


def _give(system: System) -> None:
    if lines := _left_out(system, ROUTER, lambda _: ("-f", str(system.path(PAYLOAD)))):
        raise _not_taken(lines, ROUTER)


def _add_lines(system: System, name: str) -> None:
    section = f"interface {name}"
    lines = _left_out(system, section, lambda lines: _as_options("configure terminal", section, *lines))
    if lines and exists(system, name):
        raise _not_taken(lines, section)


def _left_out(system: System, section: str, options: Callable[[list[str]], Sequence[str]]) -> list[str]:
    """The lines of `section` that FRR does not take, although vtysh is called with `options` of them."""
    # fabricd learns of a new interface a moment after udev does, and drops its lines until then
    for _ in range(_ATTEMPTS):
        lines = missing_lines(system, section)
        if not lines:
            return []
        # with a file, status 13 is that of a line for an interface that does not exist
        run("vtysh", *options(lines), timeout_seconds=_TIMEOUT_SECONDS)
        time.sleep(_PAUSE_SECONDS)
    return missing_lines(system, section)


def _as_options(*commands: str) -> list[str]:
    return [word for command in commands for word in ("-c", command)]


def _not_taken(lines: Sequence[str], section: str) -> RingError:
    return RingError(
        f"FRR does not take `{', '.join(lines)}` under `{section}`", "`journalctl -u frr` says why"
    )
