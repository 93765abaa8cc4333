"""Forwarding, without losing the LAN's router.

An interface with `accept_ra=1` stops listening to router advertisements once the node forwards IPv6, and its
default route goes at that moment; `accept_ra=2` listens nevertheless (Documentation/networking/ip-sysctl.rst
of the kernel).
"""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from pmx_ring.changes import Change, Changes, Context
from pmx_ring.facts import Facts
from pmx_ring.problems import RingError
from pmx_ring.programs import output_of
from pmx_ring.system import System, write_file

ACCEPT_RA = "/etc/sysctl.d/90-pmx-ring-accept-ra.conf"
_CONF = "/proc/sys/net/ipv6/conf"
_KEYS = {4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding"}
_ROUTER_SOLICITATION = bytes((133, 0, 0, 0, 0, 0, 0, 0))
_ALL_ROUTERS = "ff02::2"


def forwarding(system: System, facts: Facts) -> dict[str, bool]:
    """Whether the node forwards, by sysctl key of each family of its addresses."""
    keys = [_KEYS[address.version] for address in facts.addresses]
    return {key: (system.text(f"/proc/sys/{key}") or "").strip() == "1" for key in keys}


def forwarding_changes(context: Context, facts: Facts | None) -> Changes:
    """Let the node forward what /usr/lib/sysctl.d says. Without facts nothing changes until the next boot."""
    if facts is None:
        return
    yield from router_advertisement_changes(context)
    for key, on in forwarding(context.system, facts).items():
        if not on:
            yield Change(f"set `{key}` to 1", partial(_switch_on, context.system, facts, key))


def _switch_on(system: System, facts: Facts, key: str) -> None:
    # systemd-sysctl and not /proc, so that what the administrator overrides stays overridden
    output_of("systemd-sysctl", f"--prefix=/{key}")
    if not forwarding(system, facts)[key]:
        raise RingError(
            f"`{key}` is still not 1", "`systemd-analyze cat-config sysctl.d` shows which file overrides it"
        )


def router_advertisement_changes(context: Context) -> Iterator[Change]:
    """Let each interface that lives on router advertisements accept them while the node forwards."""
    routed = {
        route["dev"] for route in _ip("-6", "route", "show", "default") if route.get("protocol") == "ra"
    }
    for name in sorted(routed | set(_with_dynamic_address())):
        value = context.system.text(f"{_CONF}/{name}/accept_ra")
        if value is not None and value.strip() == "1":
            yield Change(
                f"let `{name}` accept router advertisements while the node forwards",
                partial(_accept, context, name, solicit=name not in routed),
            )


def _ip(*arguments: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(output_of("ip", "-json", *arguments) or "[]")
    return found


def _with_dynamic_address() -> Iterator[str]:
    # an advertised address outlives the default route, which is gone where forwarding was switched on before
    for link in json.loads(
        output_of("ip", "-json", "-6", "address", "show", "dynamic", "scope", "global") or "[]"
    ):
        if link.get("addr_info"):
            yield link["ifname"]


def _accept(context: Context, name: str, *, solicit: bool) -> None:
    names = sorted({*context.state.router_advertisements, name})
    context.state.save(router_advertisements=names)
    lines = ["# These interfaces lived on router advertisements when pmx-ring made the node forward."]
    lines += [f"net/ipv6/conf/{one}/accept_ra = 2" for one in names]
    write_file(context.system.path(ACCEPT_RA), "\n".join(lines) + "\n")
    context.system.path(f"{_CONF}/{name}/accept_ra").write_text("2\n", "ascii")
    if solicit:
        with suppress(OSError):  # it has no link-local address: the router will speak without being asked
            solicit_router(name)


def solicit_router(name: str) -> None:
    """Ask for a router advertisement on the interface, as the kernel does once it is up (RFC 4861, 4.1)."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        raw.sendto(_ROUTER_SOLICITATION, (_ALL_ROUTERS, 0, 0, socket.if_nametoindex(name)))
