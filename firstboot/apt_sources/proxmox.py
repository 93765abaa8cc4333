"""What an entry of sources.list(5) means to a Proxmox VE node.

Proxmox serves each product under one path on two hosts: with a subscription on `enterprise.proxmox.com`,
which answers 401 to all others, and without on `download.proxmox.com` and its regional copies (proxmox-apt,
standard.rs). Product, Debian release and Ceph release are read out of the entries: no list of them is here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from firstboot.apt_sources.entry import Entry
from firstboot.settings import Mirrors

PVE = "pve"
ARCHIVE = "http://download.proxmox.com/debian"
"""Where Proxmox has its products, each in a folder."""

ENTERPRISE = {"pve-enterprise", "enterprise"}

_ENTERPRISE_HOST = re.compile(r"(?:^|[/@])enterprise\.proxmox\.com(?::\d+)?/")
_OWN_HOST = re.compile(r"(?:^|[/@.])proxmox\.com(?::\d+)?/")
_PRODUCT = re.compile(r"/debian(?:/(?P<product>pve|ceph-[a-z]+))?/*$")
_FOLDER = re.compile(r"/+(?:pve|ceph-[a-z]+)/*")
_CEPH = re.compile(r"(?:^|[/_-])ceph-([a-z]+)")
# archive.debian.org has releases that no mirror has any more
_DEBIAN = re.compile(r"https?://(?!archive\.)(?:[a-z0-9-]+\.)*debian\.org(?::80)?/debian/*")
_DEBIAN_SECURITY = re.compile(
    r"https?://(?:security\.debian\.org(?::80)?(?:/debian-security)?"
    r"|(?!archive\.)[a-z.-]+\.debian\.org/debian-security)/*"
)
_NO_SUBSCRIPTION = {"pve-no-subscription", "no-subscription"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository that must be enabled: `product`, `pve` or `ceph-<release>`, is a folder of `archive`."""

    product: str
    suite: str
    archive: str = ARCHIVE

    @property
    def uri(self) -> str:
        """Where it is."""
        return f"{self.archive}/{self.product}"

    @property
    def component(self) -> str:
        """What Proxmox calls the part that needs no subscription."""
        return "pve-no-subscription" if self.product == PVE else "no-subscription"

    def entry(self, options: dict[str, str]) -> Entry:
        """The entry as Proxmox VE writes it."""
        return Entry(True, ("deb",), (self.uri,), (self.suite,), (self.component,), options)


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
    """Whether `entry` says what is wanted, from where it is wanted, and nothing else."""
    return (
        entry.types == ("deb",)
        and entry.suites == (wanted.suite,)
        and entry.components == (wanted.component,)
        and all(_is_place_of(uri, wanted) for uri in entry.uris)
    )


def is_for(entry: Entry, architecture: str) -> bool:
    """Whether the options of `entry` let packages of `architecture` through."""
    only = entry.options.get("architectures")
    removed = entry.options.get("architectures-remove", "")
    return (only is None or architecture in only.split()) and architecture not in removed.split()


def no_subscription_only(entry: Entry) -> bool:
    """Whether `entry` holds nothing but what this program itself enables."""
    return bool(entry.components) and _NO_SUBSCRIPTION.issuperset(entry.components)


def own_uris(entry: Entry, archive: str) -> list[str]:
    """The URIs of `entry` that serve Proxmox VE or its Ceph: Proxmox's own, those of `archive`, and mirrors.

    Beside those products a mirror's host may have Debian, and what is its owner's own.
    """
    every = no_subscription_only(entry)
    return [uri for uri in entry.uris if every or product_of(uri) or _is_product_of(archive, uri)]


def mirrored(uri: str, mirrors: Mirrors) -> str:
    """What serves the same as `uri`, if that is Debian's own or Proxmox's own and there is a mirror of it."""
    if mirrors.proxmox and (product := product_of(uri)) and not is_enterprise(uri):
        return f"{mirrors.proxmox}/{product}"
    if mirrors.debian and _DEBIAN.fullmatch(uri):
        return mirrors.debian
    if mirrors.debian_security and _DEBIAN_SECURITY.fullmatch(uri):
        return mirrors.debian_security
    return uri


def suites_of(entries: Iterable[Entry]) -> set[str]:
    """The Debian releases that entries for Proxmox VE name."""
    return {suite for entry in entries if _is_for_pve(entry) for suite in entry.suites}


def _is_product_of(archive: str, uri: str) -> bool:
    return uri.startswith(archive) and bool(_FOLDER.fullmatch(uri, len(archive)))


def _is_for_pve(entry: Entry) -> bool:
    return PVE in map(product_of, entry.uris) or "pve-no-subscription" in entry.components


def _is_place_of(uri: str, wanted: Wanted) -> bool:
    if uri.rstrip("/") == wanted.uri:
        return True
    return wanted.archive == ARCHIVE and product_of(uri) == wanted.product and not is_enterprise(uri)


def _may_serve(uri: str, wanted: Wanted) -> bool:
    if wanted.product == PVE:
        return product_of(uri) in {None, PVE}
    releases = _CEPH.findall(uri)
    return not releases or f"ceph-{releases[-1]}" == wanted.product
