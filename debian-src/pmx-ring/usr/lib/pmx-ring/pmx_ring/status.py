"""What holds on this node, and what should but does not."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch

from pmx_ring.addresses import addresses_on_lo, wanted_addresses
from pmx_ring.apply import is_for_this_host
from pmx_ring.boot_image import files_digest
from pmx_ring.fabric import missing_router_lines, runs_fabricd
from pmx_ring.facts import Facts, host_name, need_facts
from pmx_ring.first_boot import read_first_boot
from pmx_ring.forwarding import forwarding
from pmx_ring.frr import is_active, is_enabled
from pmx_ring.modules import missing_modules, waits_for_reboot
from pmx_ring.neighbours import Neighbour, neighbours
from pmx_ring.offload import tso
from pmx_ring.ports import exists, has_carrier, is_up, mtu_bytes
from pmx_ring.power import control, controllers
from pmx_ring.problems import RingError
from pmx_ring.programs import is_installed, run
from pmx_ring.request import note_identity
from pmx_ring.sdn import sdn_claims
from pmx_ring.state import State
from pmx_ring.system import System

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PortStatus:
    """A port as it is; an absent one has no MTU and is down."""

    name: str
    path: str
    present: bool
    mtu: int
    up: bool
    carrier: bool


@dataclass(slots=True, kw_only=True)
class Status:
    """A node of a ring, and the problems with it."""

    schema: int = SCHEMA
    version: str
    package: str
    cluster: str
    node: str
    host: str
    ports: list[PortStatus]
    addresses: dict[str, bool]
    """Each address of the node, and whether lo has it."""
    forwarding: dict[str, bool]
    frr: dict[str, bool]
    sdn: list[str]
    """The files by which FRR belongs to Proxmox VE's SDN."""
    neighbours: list[Neighbour]
    expected_neighbours: tuple[str, ...]
    apply: dict[str, object]
    notices: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def node_status(system: System) -> Status:
    """Look at everything; changes nothing. Raises RingError without a node's package, or outside systemd."""
    if not system.is_live:
        raise RingError("systemd does not run here", "`pmx-ring status` looks at the machine that runs")
    facts = need_facts(system)
    state = State.load(system)
    runs = runs_fabricd()
    names = tuple(port.name for port in facts.ports)
    on_lo = addresses_on_lo()
    status = Status(
        version=_version("pmx-ring"),
        package=_node_package(),
        cluster=facts.cluster,
        node=facts.node,
        host=host_name(system),
        ports=[_port_status(system, port.name, port.path) for port in facts.ports],
        addresses={address: address in on_lo for address in wanted_addresses(facts)},
        forwarding=forwarding(system, facts),
        frr={"enabled": is_enabled(), "active": is_active(), "fabricd": runs},
        sdn=[],
        neighbours=list(neighbours(names)) if runs else [],
        expected_neighbours=facts.neighbours,
        apply={"noted": bool(note_identity(system)), "problems": state.last_problems},
    )
    try:
        status.sdn = sdn_claims(system)
    except RingError as problem:
        status.problems.append(problem.message)
    else:
        status.problems += _router_problems(system) if runs and not status.sdn else ()
    status.notices += _notices(system, facts, status)
    status.problems += _problems(system, facts, state, status)
    return status


def as_table(status: Status) -> dict[str, object]:
    """The status as JSON values."""
    return {**asdict(status), "healthy": not status.problems}


def _version(package: str) -> str:
    return run("dpkg-query", "--show", "--showformat=${Version}", package).output.strip()


def _node_package() -> str:
    name = run("dpkg-query", "--search", "/usr/lib/pmx-ring/node.json").output.partition(":")[0].strip()
    return f"{name} {_version(name)}"


def _port_status(system: System, name: str, path: str) -> PortStatus:
    present = exists(system, name)
    return PortStatus(
        name=name,
        path=path,
        present=present,
        mtu=mtu_bytes(system, name) if present else 0,
        up=present and is_up(system, name),
        carrier=present and has_carrier(system, name),
    )


def _notices(system: System, facts: Facts, status: Status) -> Iterator[str]:
    if status.sdn:
        yield f"FRR belongs to Proxmox VE's SDN because of {', '.join(status.sdn)}: left alone"
    if waits_for_reboot(system, facts):
        yield "thunderbolt_net takes the new end-to-end flow control at the next boot"


def _problems(system: System, facts: Facts, state: State, status: Status) -> Iterator[str]:
    if not is_for_this_host(system, facts, state):
        yield f"the settings are those of `{facts.node}`, this machine is `{status.host}` by /etc/hostname"
    yield from (f"the module `{name}` is not loaded" for name in missing_modules(system, facts))
    for port in status.ports:
        yield from _port_problems(port, facts.mtu)
    yield from _speed_problems(system, facts)
    if not _reads_interfaces_d(system):
        yield "`/etc/network/interfaces` has no `source /etc/network/interfaces.d/*`: no addresses at boot"
    yield from (f"lo has no address `{one}`" for one, there in status.addresses.items() if not there)
    yield from (f"`{key}` is not 1" for key, on in status.forwarding.items() if not on)
    yield from _frr_problems(status)
    yield from _apply_problems(system, state, status)
    yield from read_first_boot(system).problems()


def _reads_interfaces_d(system: System) -> bool:
    lines = (line.split() for line in (system.text("/etc/network/interfaces") or "").splitlines())
    sourced = [words[1] for words in lines if len(words) > 1 and words[0] in {"source", "source-directory"}]
    return any(fnmatch("/etc/network/interfaces.d/zz-pmx-ring", name) for name in sourced) or (
        "/etc/network/interfaces.d" in sourced
    )


def _port_problems(port: PortStatus, mtu: int) -> Iterator[str]:
    if not port.present:
        yield f"`{port.name}` does not exist: no cable, or nobody at its other end ({port.path})"
        return
    if port.mtu != mtu:
        yield f"the MTU of `{port.name}` is {port.mtu}, not {mtu}"
    if not port.up:
        yield f"`{port.name}` is down"
    elif not port.carrier:
        yield f"`{port.name}` has no link: the other end is down"


def _speed_problems(system: System, facts: Facts) -> Iterator[str]:
    for name in (port.name for port in facts.ports):
        try:
            crawls = tso(name)
        except RingError as problem:
            yield problem.message
            continue
        if crawls:
            yield f"TSO of `{name}` is on: what the node forwards crawls, `pmx-ring apply` switches it off"
    for controller in controllers(facts):
        if control(system, controller) == "auto":
            yield f"the controller `{controller}` may sleep and miss a cable: `pmx-ring apply` keeps it awake"


def _router_problems(system: System) -> Iterator[str]:
    if lines := missing_router_lines(system):
        yield f"FRR runs without `{', '.join(lines)}` of this node's configuration: `pmx-ring apply` gives it"


def _frr_problems(status: Status) -> Iterator[str]:
    if not status.frr["active"]:
        yield "frr.service does not run"
    elif not status.frr["fabricd"]:
        yield "fabricd does not run"
    if not status.frr["enabled"] and not status.sdn:
        yield "frr.service does not start at boot"
    if status.frr["fabricd"] and not status.sdn:
        up = {one.node for one in status.neighbours if one.state == "Up"}
        yield from (f"`{node}` is no neighbour" for node in status.expected_neighbours if node not in up)


def _apply_problems(system: System, state: State, status: Status) -> Iterator[str]:
    yield from (f"the last apply failed: {one}" for one in state.last_problems)
    if status.apply["noted"] and not state.last_problems:
        yield "settings are noted, but not in force yet"
    if files_digest(system) != state.boot_image and is_installed("update-initramfs"):
        yield "the initramfs does not hold the names of the ports"
