"""The step that waits for the network, name resolution and a sane clock.

A wrong clock breaks TLS and the signatures of repositories. The time of a web server tells whether ours is
sane where no time server can be reached; nothing here sets the clock, which is the business of the node's own
service.
"""

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from firstboot.commands import output_of
from firstboot.settings import Online, Settings
from firstboot.step import Step, StepFailed
from firstboot.system import System

_ANSWER_TIMEOUT_S = 10
_PAUSE = timedelta(seconds=5)
_TELL_AGAIN = timedelta(minutes=1)
_SANE = timedelta(minutes=10)
_NETWORK = "`ip -br address`, `ip route` and `resolvectl status` or /etc/resolv.conf show the network"
_CLOCK = "`chronyc tracking` shows the time service; `date --set` sets the clock by hand"
_PROXY = "Acquire::http::Proxy"


def wait_online_step(settings: Settings) -> Step:
    """Waits until `settings.online.url` answers, to apt's proxy if there is one, and the clock is right."""
    online, proxy = settings.online, settings.apt_proxy
    return Step(
        name="wait-online",
        is_done=lambda system: _trouble(system, online, proxy) is None,
        do=lambda system: _wait(system, online, proxy),
        deadline=settings.deadlines["wait-online"],
    )


def _wait(system: System, online: Online, proxy: str | None) -> None:
    told, told_at = "", 0.0
    while (trouble := _trouble(system, online, proxy)) is not None:
        if system.dry_run or not system.remaining:
            raise trouble
        now = system.clock.monotonic()
        if trouble.message != told or now - told_at >= _TELL_AGAIN.total_seconds():
            system.say(f"waiting up to {int(system.remaining.total_seconds())} s: {trouble.message}")
            told, told_at = trouble.message, now
        system.clock.sleep(_PAUSE)


def _trouble(system: System, online: Online, proxy: str | None) -> StepFailed | None:
    return next(_troubles(system, online, proxy), None)


def _troubles(system: System, online: Online, proxy: str | None) -> Iterator[StepFailed]:
    try:
        theirs = _time_at(online.url, proxy or _proxy(system))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        through = f" through the proxy `{proxy}`" if proxy else ""
        yield StepFailed(f"no answer from `{online.url}`{through}: {reason}", _NETWORK)
        return
    ours = system.clock.now()
    if ours < online.not_before:
        yield StepFailed(f"the clock says {ours:%F %T} UTC, before this program was made", _CLOCK)
    elif theirs is not None and abs(ours - theirs) > _SANE and not _is_synchronized(system):
        yield StepFailed(f"the clock says {ours:%F %T} UTC, `{online.url}` says {theirs:%F %T}", _CLOCK)


def _time_at(url: str, proxy: str) -> datetime | None:
    """The time that the server tells, if it does; any answer will do. Raises OSError without one."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else {}), _NoRedirect()
    )
    request = urllib.request.Request(url, method="HEAD", headers={"Cache-Control": "no-cache"})  # noqa: S310
    try:
        with opener.open(request, timeout=_ANSWER_TIMEOUT_S) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:
        headers = error.headers
    date = headers.get("Date")
    try:
        return parsedate_to_datetime(date).astimezone(UTC) if date else None
    except ValueError:
        return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


def _proxy(system: System) -> str:
    said = output_of(system, ["apt-config", "shell", "proxy", _PROXY]).strip()
    proxy = said.removeprefix("proxy=").strip("'")
    return "" if proxy == "DIRECT" else proxy


def _is_synchronized(system: System) -> bool:
    try:
        said = output_of(system, ["timedatectl", "show", "--property=NTPSynchronized"])
    except StepFailed:
        return False
    return said.strip() == "NTPSynchronized=yes"
