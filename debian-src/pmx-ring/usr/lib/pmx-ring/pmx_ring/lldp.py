"""lldpd, which reads its files only when it starts."""

from pmx_ring.changes import Change, Changes, Context
from pmx_ring.facts import Facts
from pmx_ring.programs import output_of
from pmx_ring.system import digest

_CONF = "/etc/lldpd.d/pmx-ring.conf"


def lldp_changes(context: Context, _facts: Facts | None) -> Changes:
    """Restart lldpd when its file is not the one that it read."""
    wanted = context.system.text(_CONF)
    loaded = digest(wanted) if wanted is not None else ""
    if loaded != context.state.lldpd_loaded:
        yield Change("restart lldpd", lambda: _restart(context, loaded))


def _restart(context: Context, loaded: str) -> None:
    output_of("systemctl", "try-restart", "lldpd.service", hint="`journalctl -u lldpd` says why")
    context.state.save(lldpd_loaded=loaded)
