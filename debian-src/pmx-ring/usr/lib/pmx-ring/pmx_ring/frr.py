"""FRR's files in /etc/frr, and the daemon that reads them.

frr.conf is a conffile of the package frr, whose postinst follows symbolic links and changes owner and mode
of what they lead to: so real files, written here, with the ones before kept and put back on removal. The
frr.conf of the package is the same from 8.4 to 10.3, so its upgrades ask nothing; `daemons` differs, so
fabricd is switched on in daemons.conf, which FRR sources after it and which belongs to no package.
"""

import grp
import pwd
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pmx_ring.changes import Change, Changes, Context, Notice, Record
from pmx_ring.fabric import CONF, PAYLOAD, fabric_changes, missing_router_lines, runs_fabricd
from pmx_ring.facts import Facts
from pmx_ring.ports import exists
from pmx_ring.problems import RingError
from pmx_ring.programs import output_of, run
from pmx_ring.sdn import sdn_claims
from pmx_ring.state import FOLDER
from pmx_ring.system import digest, remove_file, write_file

DAEMONS_CONF = "/etc/frr/daemons.conf"
_SWITCHES = "# pmx-ring: the ring is routed by fabricd\nfabricd=yes\n"
_TIMEOUT_SECONDS = 180
_START_SECONDS = 20
_PAUSE_SECONDS = 0.25
_HINT = "`journalctl -u frr` says why"


def frr_changes(context: Context, facts: Facts | None) -> Changes:
    """Have FRR run this node's configuration; without facts, the one from before."""
    if facts is None:
        yield from _restored(context)
    elif claims := sdn_claims(context.system):
        files = ", ".join(f"`{claim}`" for claim in claims)
        yield Notice(f"FRR belongs to Proxmox VE's SDN because of {files}: left alone")
    else:
        yield from _configured(context, facts)


def owner() -> tuple[int, int]:
    """The user and group ids of FRR's files. Raises RingError when FRR is not installed."""
    try:
        return pwd.getpwnam("frr").pw_uid, grp.getgrnam("frr").gr_gid
    except KeyError:
        raise RingError("there is no user `frr`: FRR is not installed", "`apt-get install frr`") from None


def is_enabled() -> bool:
    """Whether frr.service starts at boot; the Proxmox VE installer switches that off."""
    return run("systemctl", "is-enabled", "--quiet", "frr.service").status == 0


def is_active() -> bool:
    """Whether frr.service runs."""
    return run("systemctl", "is-active", "--quiet", "frr.service").status == 0


@dataclass(frozen=True, slots=True)
class _File:
    """A file of /etc/frr that is written here."""

    context: Context
    path: str

    @property
    def _kept(self) -> str:
        return f"{FOLDER}/original/{self.path.rpartition('/')[2]}"

    @property
    def live(self) -> str | None:
        return self.context.system.text(self.path)

    @property
    def original(self) -> str | None:
        return self.context.system.text(self._kept)

    @property
    def is_ours(self) -> bool:
        live = self.live
        return live is not None and digest(live) == self.context.state.written.get(self.path)

    @property
    def before(self) -> str | None:
        """What was there before this program wrote: to keep, and to put back."""
        if self.path in self.context.state.written or self.original is not None:
            return self.original
        return self.live

    def write(self, text: str) -> None:
        """Replace the file, keeping the first foreign one, and the last one that somebody edited."""
        system, state = self.context.system, self.context.state
        live = self.live
        if live is not None and self.path not in state.written:
            # the state may be lost: then the first foreign one is kept already, or this is ours
            if self.original is None and live != text:
                _copy(system.path(self.path), system.path(self._kept))
        elif live is not None and not self.is_ours and live != self.original:
            _copy(system.path(self.path), system.path(f"{self._kept}.edited"))
        # remembered first: after a power cut in between, the file on disk still counts as foreign
        state.save(written={**state.written, self.path: digest(text)}, frr_loaded="")
        write_file(system.path(self.path), text, mode=0o640, owner=owner())

    def restore(self) -> None:
        """Put back what was there before, unless somebody else has written since."""
        system, state = self.context.system, self.context.state
        if self.is_ours:
            if self.original is None:
                remove_file(system.path(self.path))
            else:
                _copy(system.path(self._kept), system.path(self.path))
        state.save(written={path: one for path, one in state.written.items() if path != self.path})
        remove_file(system.path(self._kept))


def _copy(old: Path, new: Path) -> None:
    """Copy text, owner and mode."""
    status = old.stat()
    text = old.read_text("utf-8", "surrogateescape")
    write_file(new, text, mode=stat.S_IMODE(status.st_mode), owner=(status.st_uid, status.st_gid))


def _wanted_files(context: Context) -> dict[str, str]:
    payload = context.system.text(PAYLOAD)
    if payload is None:
        raise RingError(f"`{PAYLOAD}` does not exist", "reinstall the package of this node")
    others = (_File(context, DAEMONS_CONF).before or "").replace(_SWITCHES, "")
    return {CONF: payload, DAEMONS_CONF: f"{others.rstrip()}\n\n{_SWITCHES}" if others else _SWITCHES}


def _configured(context: Context, facts: Facts) -> Changes:
    wanted = _wanted_files(context)
    output_of(
        "vtysh", "-C", "-f", str(context.system.path(PAYLOAD)), hint="FRR would refuse this configuration"
    )
    for path, text in wanted.items():
        file = _File(context, path)
        if file.live != text or path not in context.state.written:
            yield Change(f"write `{path}`", partial(file.write, text))
    if not is_enabled():
        yield Change("enable frr.service", lambda: _enable(context))
    yield from _loaded(context, digest(*wanted.values()))
    yield from fabric_changes(
        context.system, ["lo", *(port.name for port in facts.ports if exists(context.system, port.name))]
    )


def _enable(context: Context) -> None:
    context.state.save(frr_enabled=True)
    output_of("systemctl", "enable", "frr.service")


def _loaded(context: Context, wanted: str) -> Iterator[Change]:
    def loading(verb: str) -> Change:
        return Change(f"{verb} FRR", lambda: _load(context, verb, wanted))

    if not is_active():
        yield loading("start")
    elif not runs_fabricd():
        # a reload would start fabricd, but hand it no configuration: it does not wait for the daemon
        yield loading("restart")
    elif context.state.frr_loaded != wanted or missing_router_lines(context.system):
        yield loading("reload")


def _load(context: Context, verb: str, wanted: str) -> None:
    # the unit allows three starts in three minutes; one that an administrator needs must not be refused
    run("systemctl", "reset-failed", "frr.service")
    output_of("systemctl", verb, "frr.service", hint=_HINT, timeout_seconds=_TIMEOUT_SECONDS)
    deadline = time.monotonic() + _START_SECONDS
    while not runs_fabricd() or missing_router_lines(context.system):
        if time.monotonic() > deadline:
            raise RingError(
                f"fabricd runs without its configuration {_START_SECONDS} s after a {verb}", _HINT
            )
        time.sleep(_PAUSE_SECONDS)
    context.state.save(frr_loaded=wanted)


def _restored(context: Context) -> Changes:
    state = context.state
    for path in sorted(state.written):
        file = _File(context, path)
        if file.live is None or file.is_ours:
            yield Change(f"put back `{path}` as it was", file.restore)
        else:
            yield Notice(f"`{path}` was changed by somebody else: left as it is")
            yield Record(file.restore)
    if not context.system.is_live or sdn_claims(context.system):
        return
    if state.frr_enabled:
        yield Change("disable and stop frr.service", lambda: _end(context, "disable", "--now"))
    elif state.frr_loaded:
        yield Change("restart FRR", lambda: _end(context, "try-restart"))


def _end(context: Context, *verb: str) -> None:
    output_of("systemctl", *verb, "frr.service", hint=_HINT, timeout_seconds=_TIMEOUT_SECONDS)
    context.state.save(frr_enabled=False, frr_loaded="")
