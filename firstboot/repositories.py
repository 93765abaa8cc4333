"""Which of apt's repositories a node uses: those that need no subscription instead of the enterprise ones.

Without a subscription the enterprise repositories answer 401, and one that is enabled makes `apt-get update`
fail. They are disabled, and for each its counterpart without subscription is enabled: an existing entry is
switched, else one is added where Proxmox VE's own API adds it. What needs no change keeps every byte.

Which Debian and Ceph releases these are is read out of the node's own entries, so nothing here ends with a
release. Only where no entry names a Ceph release is it the one that the node's `pveceph install` would take;
if that is not known either, no Ceph repository is added: the wrong one would make `apt-get update` fail.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from firstboot import proxmox_sources as proxmox
from firstboot import sources_deb822, sources_line
from firstboot.proxmox_sources import Wanted
from firstboot.source_entry import Entry, SourceFormat, before_new_entry

ARCHIVE_KEYRING = "/usr/share/keyrings/proxmox-archive-keyring.gpg"
"""The key of Proxmox's repositories on Proxmox VE 9; on 8 it is among apt's trusted keys."""

_FORMATS: Mapping[str, SourceFormat] = {".list": sources_line, ".sources": sources_deb822}
_FOLDER = "etc/apt/sources.list.d"
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


def repository_changes(files: Mapping[str, bytes], facts: NodeFacts) -> dict[str, bytes]:
    """The new content of each file that must change; none if all is as it must be.

    `files` are the files that apt reads, by their path without a leading slash.
    """
    sources = _Sources(files, facts)
    wanted = wanted_repositories(files, facts)
    sources.disable_enterprise()
    sources.disable_doubles()
    for repository in wanted:
        sources.enable(repository)
    return {path: content for path, content in sources.contents() if files.get(path) != content}


def wanted_repositories(files: Mapping[str, bytes], facts: NodeFacts) -> list[Wanted]:
    """The repositories that must be enabled: Proxmox VE's, and each Ceph release's that is in use."""
    entries = [piece.entry for piece in _pieces(files) if piece.entry]
    pve = Wanted(proxmox.PVE, _suite(entries, facts))
    releases = _ceph_releases([entry for entry in entries if pve.suite in entry.suites], pve, facts)
    return [pve, *(Wanted(f"ceph-{release}", pve.suite) for release in sorted(releases))]


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
    enabled = [entry for entry in entries if entry.enabled]
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

    def __init__(self, files: Mapping[str, bytes], facts: NodeFacts) -> None:
        self._facts = facts
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

    def disable_doubles(self) -> None:
        """Leaves one of several entries for the same; apt warns of each other one."""
        for piece, entry in reversed(list(self._enabled())):
            others = {
                target
                for other, twin in self._enabled()
                if other is not piece and twin.options == entry.options
                for target in twin.targets()
            }
            if proxmox.no_subscription_only(entry) and set(entry.targets()) <= others:
                self._switch(piece, enabled=False)

    def enable(self, wanted: Wanted) -> None:
        architecture = self._facts.architecture
        if any(proxmox.serves(entry, wanted, architecture) for _, entry in self._enabled()):
            return
        for piece in self._pieces:
            if piece.entry and proxmox.is_exactly(piece.entry, wanted) and self._can_enable(piece.entry):
                self._switch(piece, enabled=True)
                return
        self._add(wanted)

    def _enabled(self) -> Iterator[tuple[_Piece, Entry]]:
        return ((piece, piece.entry) for piece in self._pieces if piece.entry and piece.entry.enabled)

    def _switch(self, piece: _Piece, *, enabled: bool) -> None:
        self._replace(piece, [piece.format.switched(piece.text, enabled=enabled)])

    def _replace(self, piece: _Piece, texts: list[str]) -> None:
        index = next(index for index, other in enumerate(self._pieces) if other is piece)
        self._pieces[index : index + 1] = [_Piece(piece.path, text) for text in texts]

    def _can_enable(self, entry: Entry) -> bool:
        same_release = self._options_of_release(entry)
        return (
            proxmox.is_for(entry, self._facts.architecture)
            and self._has_key(entry)
            and (same_release is None or same_release == _per_release(entry))
        )

    def _has_key(self, entry: Entry) -> bool:
        files = [word for word in entry.options.get("signed-by", "").split() if word.startswith("/")]
        return all(file in self._facts.key_files for file in files)

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
        own = [piece.entry for piece in self._pieces if piece.entry and _is_own(piece.entry)]
        own.sort(key=lambda entry: wanted.product not in map(proxmox.product_of, entry.uris))
        for entry in own:
            if wanted.suite in entry.suites and "signed-by" in entry.options and self._has_key(entry):
                return {"signed-by": entry.options["signed-by"]}
        trusted = f"/etc/apt/trusted.gpg.d/proxmox-release-{wanted.suite}.gpg" in self._facts.key_files
        needed = ARCHIVE_KEYRING in self._facts.key_files and not trusted
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
    return {name: entry.options[name] for name in _PER_RELEASE if name in entry.options}


def _without_enterprise(piece: _Piece, entry: Entry, uris: list[str]) -> list[str]:
    # a stanza that serves other URIs too becomes two, of which one is disabled
    others = [uri for uri in entry.uris if uri not in uris]
    dead = (
        proxmox.ENTERPRISE.intersection(entry.components) if all(map(proxmox.product_of, others)) else set()
    )
    if not others or dead == set(entry.components):
        return [piece.format.switched(piece.text, enabled=False)]
    rest = sources_deb822.without_words(piece.text, "uris", uris)
    rest = sources_deb822.without_words(rest, "components", dead)
    enterprise = sources_deb822.without_words(piece.text, "uris", others)
    enterprise = sources_deb822.without_comments(enterprise)
    return [before_new_entry(rest), sources_deb822.switched(enterprise, enabled=False)]
