"""The kernel modules of the ring."""

from functools import partial

from pmx_ring.changes import Change, Changes, Context, Notice
from pmx_ring.facts import Facts
from pmx_ring.programs import output_of
from pmx_ring.system import System

_MODULES = ("thunderbolt", "thunderbolt_net")
_E2E = "/sys/module/thunderbolt_net/parameters/e2e"


def missing_modules(system: System, facts: Facts) -> list[str]:
    """The modules that the node needs and the kernel has not loaded."""
    if not facts.uses_thunderbolt:
        return []
    return [name for name in _MODULES if not system.path(f"/sys/module/{name}").is_dir()]


def waits_for_reboot(system: System, facts: Facts) -> bool:
    """Whether end-to-end flow control differs from `ring.e2e`; the kernel takes it when the module loads."""
    loaded = system.text(_E2E)
    return facts.e2e is not None and loaded is not None and (loaded.strip() == "Y") != facts.e2e


def module_changes(context: Context, facts: Facts | None) -> Changes:
    """Load what is missing. Without facts nothing is unloaded: cables would be cut for nothing."""
    if facts is None:
        return
    for name in missing_modules(context.system, facts):
        yield Change(f"load the module `{name}`", partial(output_of, "modprobe", name))
    if waits_for_reboot(context.system, facts):
        yield Notice("thunderbolt_net takes the new end-to-end flow control at the next boot")
