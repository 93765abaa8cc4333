"""Which of apt's repositories a node uses: those that need no subscription instead of the enterprise ones.

Without a subscription the enterprise repositories answer 401, and one that is enabled makes `apt-get update`
fail. They are disabled, and for each its counterpart without subscription is enabled: an existing entry is
switched, else one is added where Proxmox VE's own API adds it. What needs no change keeps every byte.

An entry of Proxmox's that apt cannot use is disabled too: one that it has no key for, one that contradicts
another, whereupon apt reads no source at all, and one of two for the same, of which apt warns for ever.

Which Debian and Ceph releases these are is read out of the node's own entries, so nothing here ends with a
release. Only where no entry names a Ceph release is it the one that the node's `pveceph install` would take;
if that is not known either, no Ceph repository is added: the wrong one would make `apt-get update` fail.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from firstboot.apt_sources import deb822, one_line, proxmox
from firstboot.apt_sources.entry import Entry, SourceFormat, before_new_entry, with_slash
from firstboot.apt_sources.keys import ARCHIVE_KEYRING, can_verify, is_trusted_key
from firstboot.apt_sources.proxmox import Wanted
from firstboot.settings import Mirrors

_FORMATS: Mapping[str, SourceFormat] = {".list": one_line, ".sources": deb822}
_FOLDER = "etc/apt/sources.list.d"
_NO_MIRRORS = Mirrors(proxmox=None, debian=None, debian_security=None)
# where enabled entries of one URI and suite differ in one of these, apt reads no sources at all
_PER_RELEASE = (
    *("signed-by", "trusted", "check-valid-until", "valid-until-min", "valid-until-max", "check-date"),
    *("date-max-future", "inrelease-path", "snapshot", "include", "exclude"),
    *("allow-insecure", "allow-weak", "allow-downgrade-to-insecure"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What else decides.

    `codename` is Debian's for the running system, `key_files` are the files with keys that exist (absolute),
    `default_ceph` is the Ceph release that `pveceph install` takes if none is given, "" if that is not known,
    `installed_ceph` the major version of the installed Ceph, 0 for none.
    """

    codename: str
    key_files: frozenset[str] = frozenset()
    default_ceph: str = ""
    installed_ceph: int = 0
    architecture: str = "amd64"


@dataclass(slots=True)
class _Piece:
    """A part of a file, and the entry in it."""

    path: str
    text: str
    entry: Entry | None = field(init=False)

    def __post_init__(self) -> None:
        self.entry = self.format.entry_of(self.text)

    @property
    def format(self) -> SourceFormat:
        return _FORMATS[PurePosixPath(self.path).suffix]


def repository_changes(
    files: Mapping[str, bytes], facts: NodeFacts, mirrors: Mirrors = _NO_MIRRORS
) -> dict[str, bytes]:
    """The new content of each file that must change; none if all is as it must be.

    `files` are the files that apt reads, by their path without a leading slash.
    """
    archive = mirrors.proxmox or proxmox.ARCHIVE
    sources = _Sources(files, facts, archive)
    wanted = wanted_repositories(files, facts, archive)
    sources.disable_enterprise()
    sources.use(mirrors)
    sources.disable_unverifiable()
    sources.disable_conflicting()
    sources.disable_doubles()
    for repository in wanted:
        sources.enable(repository)
    return {path: content for path, content in sources.contents() if files.get(path) != content}


def wanted_repositories(files: Mapping[str, bytes], facts: NodeFacts, archive: str) -> list[Wanted]:
    """The repositories that must be enabled: Proxmox VE's, and each Ceph release's that is in use.

    `archive` is the URL below which they are.
    """
    entries = [piece.entry for piece in _pieces(files) if piece.entry]
    pve = Wanted(proxmox.PVE, _suite(entries, facts), archive)
    releases = _ceph_releases([entry for entry in entries if pve.suite in entry.suites], pve, facts)
    return [pve, *(replace(pve, product=f"ceph-{release}") for release in sorted(releases))]


def _pieces(files: Mapping[str, bytes]) -> list[_Piece]:
    # apt reads sources.list first, then the folder in the order of the names
    ordered = sorted(files, key=lambda path: (path.startswith(_FOLDER), path))
    return [
        _Piece(path, text)
        for path in ordered
        # latin-1 keeps every byte as it is
        for text in _FORMATS[PurePosixPath(path).suffix].pieces(files[path].decode("latin-1"))
    ]


def _suite(entries: list[Entry], facts: NodeFacts) -> str:
    # that of the system, unless an upgrade to the next has begun: then Debian's entries are ahead of it too
    enabled = [entry for entry in entries if entry.enabled]
    debian = {suite for entry in enabled if "main" in entry.components for suite in entry.suites}
    named = proxmox.suites_of(enabled)
    ahead = named & debian if facts.codename not in named | debian else set()
    return max(ahead, default=facts.codename)


def _ceph_releases(entries: list[Entry], pve: Wanted, facts: NodeFacts) -> set[str]:
    enabled = [entry for entry in entries if entry.enabled and can_verify(entry, facts.key_files)]
    if in_use := _named(enabled):
        return in_use
    if any("no-subscription" in entry.components for entry in enabled):
        return set()  # a mirror that does not tell its release
    known = _named(entries)
    # a node that knows mirrors only may not reach Proxmox's hosts
    sources = [entry for entry in enabled if proxmox.serves(entry, pve, facts.architecture)]
    if not known and facts.default_ceph and (not sources or any(map(_is_own, sources))):
        known = {facts.default_ceph}
    # releases are named by the letters of the alphabet, 19 is squid, so the last one is the newest;
    # an installed Ceph is not upgraded to another release in passing
    known = {name for name in known if facts.installed_ceph in {0, ord(name[0]) - ord("a") + 1}}
    return {max(known)} if known else set()


def _named(entries: Iterable[Entry]) -> set[str]:
    return {release for entry in entries for release in proxmox.ceph_releases(entry)}


def _is_own(entry: Entry) -> bool:
    return any(map(proxmox.product_of, entry.uris))


class _Sources:
    """The sources of a node, while they are changed."""

    def __init__(self, files: Mapping[str, bytes], facts: NodeFacts, archive: str) -> None:
        self._facts = facts
        self._archive = archive
        self._pieces = _pieces(files)
        self._style = self._style_of_new_entries()

    def contents(self) -> Iterator[tuple[str, bytes]]:
        for path in dict.fromkeys(piece.path for piece in self._pieces):
            text = "".join(piece.text for piece in self._pieces if piece.path == path)
            yield path, text.encode("latin-1")

    def disable_enterprise(self) -> None:
        for piece, entry in list(self._enabled()):
            uris = [uri for uri in entry.uris if proxmox.is_enterprise(uri)]
            if uris:
                self._replace(piece, _without_enterprise(piece, entry, uris))

    def use(self, mirrors: Mirrors) -> None:
        """Has entries of Debian's and Proxmox's own hosts name the mirrors instead."""
        for piece, entry in list(self._enabled()):
            uris = {uri: proxmox.mirrored(uri, mirrors) for uri in entry.uris}
            if any(uri != new for uri, new in uris.items()):
                self._replace(piece, [piece.format.with_uris(piece.text, uris)])

    def disable_unverifiable(self) -> None:
        """With one entry of Proxmox's that apt has no key for, its update fails."""
        for piece, entry in list(self._enabled()):
            uris = self._own_uris(entry)
            if uris and not can_verify(entry, self._facts.key_files):
                self._replace(piece, _without(piece, entry, uris))

    def disable_conflicting(self) -> None:
        """Leaves of several entries for one URI and suite those that agree on what must be the same."""
        kept: list[Entry] = []
        for piece, entry in sorted(self._enabled(), key=self._rank):
            against = {uri for other in kept for uri in _contradicted(entry, other)}
            uris = [uri for uri in self._own_uris(entry) if uri in against]
            if uris:
                self._replace(piece, _without(piece, entry, uris))
            else:
                kept.append(entry)

    def disable_doubles(self) -> None:
        """Leaves one of several entries for the same; apt warns of each other one."""
        architecture = self._facts.architecture
        for piece, entry in reversed(list(self._enabled())):
            needed = proxmox.is_for(entry, architecture)
            others = {
                target
                for other, twin in self._enabled()
                if other is not piece and (proxmox.is_for(twin, architecture) or not needed)
                for target in twin.targets()
            }
            if proxmox.no_subscription_only(entry) and set(entry.targets()) <= others:
                self._switch(piece, enabled=False)

    def enable(self, wanted: Wanted) -> None:
        architecture = self._facts.architecture
        sources = (entry for _, entry in self._enabled() if proxmox.serves(entry, wanted, architecture))
        if any(can_verify(entry, self._facts.key_files) for entry in sources):
            return
        for piece in self._pieces:
            if piece.entry and proxmox.is_exactly(piece.entry, wanted) and self._can_enable(piece.entry):
                self._switch(piece, enabled=True)
                return
        self._add(wanted)

    def _enabled(self) -> Iterator[tuple[_Piece, Entry]]:
        return ((piece, piece.entry) for piece in self._pieces if piece.entry and piece.entry.enabled)

    def _own_uris(self, entry: Entry) -> list[str]:
        return proxmox.own_uris(entry, self._archive)

    def _rank(self, found: tuple[_Piece, Entry]) -> tuple[bool, bool, bool]:
        # what may not be switched comes first, then what this program itself would write
        _, entry = found
        return (
            bool(self._own_uris(entry)),
            not proxmox.no_subscription_only(entry),
            entry.options.get("signed-by") != ARCHIVE_KEYRING,
        )

    def _switch(self, piece: _Piece, *, enabled: bool) -> None:
        self._replace(piece, [piece.format.switched(piece.text, enabled=enabled)])

    def _replace(self, piece: _Piece, texts: list[str]) -> None:
        index = next(index for index, other in enumerate(self._pieces) if other is piece)
        self._pieces[index : index + 1] = [_Piece(piece.path, text) for text in texts]

    def _can_enable(self, entry: Entry) -> bool:
        same_release = self._options_of_release(entry)
        return (
            proxmox.is_for(entry, self._facts.architecture)
            and can_verify(entry, self._facts.key_files)
            and (same_release is None or same_release == _per_release(entry))
        )

    def _options_of_release(self, entry: Entry) -> dict[str, str] | None:
        # those of the enabled entries for the same URI and suite, if there are such
        releases = {target[1:3] for target in entry.targets()}
        for _, other in self._enabled():
            if releases & {target[1:3] for target in other.targets()}:
                return _per_release(other)
        return None

    def _add(self, wanted: Wanted) -> None:
        entry = wanted.entry({})
        options = self._options_of_release(entry)
        entry = replace(entry, options=self._options_of_product(wanted) if options is None else options)
        path = self._path_of_new_entry(wanted)
        text = "".join(piece.text for piece in self._pieces if piece.path == path)
        new = self._format.appended(text, entry)
        self._pieces = [piece for piece in self._pieces if piece.path != path]
        self._pieces += [_Piece(path, part) for part in self._format.pieces(new)]

    @property
    def _format(self) -> SourceFormat:
        return _FORMATS[self._style]

    def _options_of_product(self, wanted: Wanted) -> dict[str, str]:
        # the key that the node's other entries of Proxmox have, first those of the same product
        keys = self._facts.key_files
        own = [piece.entry for piece in self._pieces if piece.entry and _is_own(piece.entry)]
        own.sort(key=lambda entry: wanted.product not in map(proxmox.product_of, entry.uris))
        for entry in own:
            if wanted.suite in entry.suites and "signed-by" in entry.options and can_verify(entry, keys):
                return {"signed-by": entry.options["signed-by"]}
        trusted = any(is_trusted_key(file, (wanted.suite,)) for file in keys)
        needed = ARCHIVE_KEYRING in keys and not trusted
        return {"signed-by": ARCHIVE_KEYRING} if needed else {}

    def _path_of_new_entry(self, wanted: Wanted) -> str:
        # where Proxmox VE's API writes it (proxmox-apt, standard.rs)
        if wanted.product != proxmox.PVE:
            return f"{_FOLDER}/ceph{self._style}"
        return "etc/apt/sources.list" if self._style == ".list" else f"{_FOLDER}/proxmox.sources"

    def _style_of_new_entries(self) -> str:
        # that of Proxmox's entries, else of Debian's, else of any
        entries = [(piece, piece.entry) for piece in self._pieces if piece.entry]
        own = [piece for piece, entry in entries if _is_own(entry)]
        debian = [piece for piece, entry in entries if "main" in entry.components]
        for pieces in (own, debian, self._pieces):
            if pieces:
                return max(PurePosixPath(piece.path).suffix for piece in pieces)
        return ".sources" if ARCHIVE_KEYRING in self._facts.key_files else ".list"


def _per_release(entry: Entry) -> dict[str, str]:
    # apt compares lists of keys by what is in them
    found = {name: entry.options[name] for name in _PER_RELEASE if name in entry.options}
    return {
        name: value if "\n" in value else " ".join(sorted(value.split())) for name, value in found.items()
    }


def _contradicted(entry: Entry, other: Entry) -> set[str]:
    # those URIs of `entry` for which `other` says something else
    if _per_release(entry) == _per_release(other):
        return set()
    releases = {target[1:3] for target in other.targets()}
    return {uri for uri in entry.uris for suite in entry.suites if (with_slash(uri), suite) in releases}


def _without_enterprise(piece: _Piece, entry: Entry, uris: list[str]) -> list[str]:
    others = [uri for uri in entry.uris if uri not in uris]
    own = all(map(proxmox.product_of, others))
    return _without(piece, entry, uris, proxmox.ENTERPRISE.intersection(entry.components) if own else ())


def _without(
    piece: _Piece, entry: Entry, uris: Collection[str], components: Collection[str] = ()
) -> list[str]:
    # a stanza that serves other URIs too becomes two, of which one is disabled; `components` go with `uris`
    others = [uri for uri in entry.uris if uri not in uris]
    if not others or set(components) == set(entry.components):
        return [piece.format.switched(piece.text, enabled=False)]
    rest = deb822.without_words(piece.text, "uris", uris)
    rest = deb822.without_words(rest, "components", components)
    disabled = deb822.without_words(piece.text, "uris", others)
    disabled = deb822.without_comments(disabled)
    return [before_new_entry(rest), deb822.switched(disabled, enabled=False)]
