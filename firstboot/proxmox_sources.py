"""What an entry of sources.list(5) means to a Proxmox VE node.

Proxmox serves each product under one path on two hosts: with a subscription on `enterprise.proxmox.com`,
which answers 401 to all others, and without on `download.proxmox.com` and its regional copies (proxmox-apt,
standard.rs). Product, Debian release and Ceph release are read out of the entries: no list of them is here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from firstboot.source_entry import Entry

PVE = "pve"
ENTERPRISE = {"pve-enterprise", "enterprise"}

_ENTERPRISE_HOST = re.compile(r"(?:^|[/@])enterprise\.proxmox\.com(?::\d+)?/")
_OWN_HOST = re.compile(r"(?:^|[/@.])proxmox\.com(?::\d+)?/")
_PRODUCT = re.compile(r"/debian(?:/(?P<product>pve|ceph-[a-z]+))?/*$")
_CEPH = re.compile(r"(?:^|[/_-])ceph-([a-z]+)")
_PROXMOX_URL = "http://download.proxmox.com/debian"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository that must be enabled: `product` is `pve` or `ceph-<release>`."""

    product: str
    suite: str

    @property
    def component(self) -> str:
        """What Proxmox calls the part that needs no subscription."""
        return "pve-no-subscription" if self.product == PVE else "no-subscription"

    def entry(self, options: dict[str, str]) -> Entry:
        """The entry as Proxmox VE writes it."""
        uri = f"{_PROXMOX_URL}/{self.product}"
        return Entry(True, ("deb",), (uri,), (self.suite,), (self.component,), options)


def is_enterprise(uri: str) -> bool:
    """Whether `uri` serves Proxmox VE or its Ceph to subscribers only, be it through a caching proxy."""
    return bool(_ENTERPRISE_HOST.search(uri) and product_of(uri))


def product_of(uri: str) -> str | None:
    """`pve` or `ceph-<release>` if `uri` is Proxmox's own for it; the old form for `pve` has no folder."""
    match = _PRODUCT.search(uri)
    return (match["product"] or PVE) if match and _OWN_HOST.search(uri) else None


def ceph_releases(entry: Entry) -> set[str]:
    """The names of the Ceph releases that the URIs of `entry` tell, Proxmox's own or a mirror's."""
    return {releases[-1] for uri in entry.uris if (releases := _CEPH.findall(uri))}


def serves(entry: Entry, wanted: Wanted, architecture: str) -> bool:
    """Whether `entry`, once enabled, brings what is wanted to a node, from whatever mirror."""
    return (
        "deb" in entry.types
        and wanted.suite in entry.suites
        and wanted.component in entry.components
        and is_for(entry, architecture)
        and any(_may_serve(uri, wanted) for uri in entry.uris if not is_enterprise(uri))
    )


def is_exactly(entry: Entry, wanted: Wanted) -> bool:
    """Whether `entry` says what is wanted, from Proxmox's own hosts, and nothing else."""
    return (
        entry.types == ("deb",)
        and entry.suites == (wanted.suite,)
        and entry.components == (wanted.component,)
        and all(product_of(uri) == wanted.product and not is_enterprise(uri) for uri in entry.uris)
    )


def is_for(entry: Entry, architecture: str) -> bool:
    """Whether the options of `entry` let packages of `architecture` through."""
    only = entry.options.get("architectures")
    removed = entry.options.get("architectures-remove", "")
    return (only is None or architecture in only.split()) and architecture not in removed.split()


def no_subscription_only(entry: Entry) -> bool:
    """Whether `entry` holds nothing but what this program itself enables."""
    return set(entry.components) <= {"pve-no-subscription", "no-subscription"} and all(
        product_of(uri) and not is_enterprise(uri) for uri in entry.uris
    )


def suites_of(entries: Iterable[Entry]) -> set[str]:
    """The Debian releases that entries for Proxmox VE name."""
    return {suite for entry in entries if _is_for_pve(entry) for suite in entry.suites}


def _is_for_pve(entry: Entry) -> bool:
    return PVE in map(product_of, entry.uris) or "pve-no-subscription" in entry.components


def _may_serve(uri: str, wanted: Wanted) -> bool:
    if wanted.product == PVE:
        return product_of(uri) in {None, PVE}
    releases = _CEPH.findall(uri)
    return not releases or f"ceph-{releases[-1]}" == wanted.product
