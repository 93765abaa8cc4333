"""The node's addresses on the ring: on lo, where they stay whatever happens to cables and to FRR.

ifupdown2 puts them there at boot; this does it in between, and touches nothing else that is ifupdown2's.
"""

import json
from functools import partial

from pmx_ring.changes import Change, Changes, Context, Record
from pmx_ring.facts import Facts
from pmx_ring.programs import output_of


def addresses_on_lo() -> list[str]:
    """The addresses of lo with their prefixes."""
    links = json.loads(output_of("ip", "-json", "address", "show", "dev", "lo"))
    return [f"{one['local']}/{one['prefixlen']}" for link in links for one in link.get("addr_info", ())]


def wanted_addresses(facts: Facts | None) -> list[str]:
    """The addresses of the node with their prefixes: single addresses, the ring is routed."""
    return [f"{one}/{one.max_prefixlen}" for one in facts.addresses] if facts else []


def address_changes(context: Context, facts: Facts | None) -> Changes:
    """Add what is missing, then take away what was added earlier for other settings."""
    state = context.state
    wanted = wanted_addresses(facts)
    present = addresses_on_lo()
    for address in wanted:
        if address not in present:
            yield Change(f"add `{address}` to lo", partial(_add, context, address))
    for address in state.addresses:
        if address in present and address not in wanted:
            yield Change(f"remove `{address}` from lo", partial(_remove, address))
    if sorted(state.addresses) != sorted(wanted):
        yield Record(lambda: state.save(addresses=wanted))


def _add(context: Context, address: str) -> None:
    # remembered first: after a power cut in between, removing what is not there harms nothing
    state = context.state
    state.save(addresses=sorted({*state.addresses, address}))
    output_of("ip", "address", "add", address, "dev", "lo")


def _remove(address: str) -> None:
    output_of("ip", "address", "del", address, "dev", "lo")
