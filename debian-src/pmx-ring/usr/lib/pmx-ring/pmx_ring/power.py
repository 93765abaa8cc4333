"""The Thunderbolt controllers of the ports, which stay awake.

Their driver lets them sleep while they have no neighbour (`nhi_probe` in drivers/thunderbolt/nhi.c of Linux),
and some do not wake when a cable comes: it has to be plugged again, or the node started anew. The udev rule
of the node's package keeps them awake from boot on; this does so until then.
"""

import errno
from collections.abc import Callable
from functools import partial

from pmx_ring.changes import Change, Changes, Context, Record
from pmx_ring.facts import THUNDERBOLT_DRIVER, Facts
from pmx_ring.problems import RingError
from pmx_ring.system import System

_PCI = "pci-"


def controllers(facts: Facts | None) -> list[str]:
    """The PCI addresses of the ports' controllers; virtual machines have none."""
    ports = facts.ports if facts else ()
    return sorted(
        port.path.removeprefix(_PCI)
        for port in ports
        if port.driver == THUNDERBOLT_DRIVER and port.path.startswith(_PCI)
    )


def control(system: System, controller: str) -> str:
    """`auto` where the kernel lets the controller sleep, `on` where not, nothing where there is none."""
    return (system.text(_control(controller)) or "").strip()


def power_changes(context: Context, facts: Facts | None) -> Changes:
    """Keep the controllers of the ports awake, and let others sleep again that were kept so before."""
    system, state = context.system, context.state
    wanted = controllers(facts)
    if not set(wanted) <= set(state.awake):
        # remembered first, so that an apply that ends here can be taken back
        yield Record(partial(state.save, awake=sorted({*state.awake, *wanted})))
    for controller in wanted:
        if control(system, controller) == "auto":
            yield Change(f"keep the controller `{controller}` awake", _writing(system, controller, "on"))
    for controller in state.awake:
        if controller not in wanted and control(system, controller) == "on":
            yield Change(f"let the controller `{controller}` sleep", _writing(system, controller, "auto"))
    if state.awake != wanted:
        yield Record(partial(state.save, awake=wanted))


def _control(controller: str) -> str:
    return f"/sys/bus/pci/devices/{controller}/power/control"


def _writing(system: System, controller: str, value: str) -> Callable[[], None]:
    def write() -> None:
        try:
            system.path(_control(controller)).write_text(f"{value}\n", "ascii")
        except OSError as error:
            # a controller on a card may vanish with its last cable, while this is written, too
            if error.errno not in {errno.ENOENT, errno.ENODEV}:
                raise RingError(f"cannot write `{error.filename or controller}`: {error.strerror}") from None

    return write
