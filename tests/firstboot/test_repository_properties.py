"""What holds for the repository editor whatever a node's sources look like."""

import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstboot.apt_sources import deb822, one_line
from firstboot.apt_sources.entry import Entry
from firstboot.apt_sources.repository_changes import NodeFacts, repository_changes
from firstboot.settings import Mirrors
from tests.firstboot.apt import Apt

_SUITES = st.sampled_from(["bookworm", "trixie", "forky"])
_KEY = "/usr/share/keyrings/proxmox-archive-keyring.gpg"
_PROXMOX = st.sampled_from([
    ("https://enterprise.proxmox.com/debian/pve", "pve-enterprise"),
    ("https://enterprise.proxmox.com/debian", "pve-enterprise"),
    ("http://download.proxmox.com/debian/pve/", "pve-no-subscription"),
    ("http://download.proxmox.com/debian", "pve-no-subscription"),
    ("http://download.proxmox.com/debian/pve", "pve-test"),
    ("https://enterprise.proxmox.com/debian/ceph-squid", "enterprise"),
    ("http://download.proxmox.com/debian/ceph-squid", "no-subscription"),
    ("http://download.proxmox.com/debian/ceph-tentacle", "no-subscription"),
    ("http://download.proxmox.com/debian/ceph-tentacle", "test"),
    ("http://mirror.example.org/pve", "pve-no-subscription"),
])  # fmt: skip
_OTHERS = [
    ("http://ftp.example.org/debian", "main contrib"),
    ("https://packages.example.com/", "stable"),
    ("https://enterprise.proxmox.com/debian/pbs", "pbs-enterprise"),
]
_EMPTY = ["", "\n", "# comment\n", "# deb is a type\n", "\t\n"]
_CASES = st.sampled_from([str.lower, str.upper, str.title])


@st.composite
def _line(draw: st.DrawFn, repositories: st.SearchStrategy[tuple[str, str]]) -> str:
    uri, components = draw(repositories)
    mark = draw(st.sampled_from(["", "", "# ", "#", " ## "]))
    option = draw(st.sampled_from(["", "[arch=amd64] ", f"[ signed-by={_KEY} ] "]))
    ending = draw(st.sampled_from(["\n", "\r\n", " # why\n"]))
    return f"{mark}deb {option}{uri} {draw(_SUITES)} {components}{ending}"


@st.composite
def _stanza(draw: st.DrawFn, repositories: st.SearchStrategy[tuple[str, str]]) -> str:
    pairs = draw(st.lists(repositories, min_size=1, max_size=2))
    fields = [
        ("types", draw(st.sampled_from(["deb", "deb deb-src"]))),
        ("uris", draw(st.sampled_from([" ", "\n  "])).join(uri for uri, _ in pairs)),
        ("suites", " ".join(draw(st.lists(_SUITES, min_size=1, max_size=2, unique=True)))),
        ("components", " ".join(component for _, component in pairs)),
    ]
    fields += draw(st.sampled_from([[], [("enabled", "no")], [("enabled", "yes")], [("signed-by", _KEY)]]))
    named = [f"{draw(_CASES)(name)}: {value}\n" for name, value in draw(st.permutations(fields))]
    text = draw(st.sampled_from(["", "# why\n"])) + "".join(named) + draw(st.sampled_from(["", "#\n"])) + "\n"
    return draw(st.sampled_from([text, text.replace("\n", "\r\n")]))


def _files(repositories: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[dict[str, bytes]]:
    lines = st.lists(_line(repositories) | st.sampled_from(_EMPTY), max_size=4)
    stanzas = st.lists(_stanza(repositories) | st.sampled_from(["\n", "# comment\n\n"]), max_size=3)
    lists = st.sampled_from(["etc/apt/sources.list", "etc/apt/sources.list.d/ceph.list"])
    sources = st.sampled_from(["etc/apt/sources.list.d/proxmox.sources", "etc/apt/sources.list.d/z.sources"])
    ends = st.sampled_from(["", "\n"])
    return st.builds(
        lambda one, other, end: {
            path: ("".join(parts).rstrip("\n") + end).encode() for path, parts in {**one, **other}.items()
        },
        st.dictionaries(lists, lines),
        st.dictionaries(sources, stanzas),
        ends,
    )


_facts = st.builds(
    NodeFacts,
    codename=_SUITES,
    key_files=st.sampled_from([frozenset(), frozenset([_KEY])]),
    default_ceph=st.sampled_from(["", "squid"]),
    installed_ceph=st.sampled_from([0, 19, 20]),
)


def _entries(files: Mapping[str, bytes]) -> list[Entry]:
    found = []
    for path, content in files.items():
        module = one_line if path.endswith(".list") else deb822
        found += [module.entry_of(piece) for piece in module.pieces(content.decode())]
    return [entry for entry in found if entry]


def _enabled_targets(files: Mapping[str, bytes]) -> list[tuple[str, str, str, str]]:
    return [target for entry in _entries(files) if entry.enabled for target in entry.targets()]


@given(_files(_PROXMOX | st.sampled_from(_OTHERS)), _facts)
def test_a_second_run_changes_nothing(files: dict[str, bytes], facts: NodeFacts) -> None:
    once = {**files, **repository_changes(files, facts)}
    assert repository_changes(once, facts) == {}


@given(_files(_PROXMOX | st.sampled_from(_OTHERS)), _facts)
def test_no_enterprise_stays_and_one_other_is_enabled(files: dict[str, bytes], facts: NodeFacts) -> None:
    targets = _enabled_targets({**files, **repository_changes(files, facts)})
    enterprise = [uri for _, uri, _, _ in targets if "enterprise.proxmox.com" in uri]
    assert all(uri.endswith("/pbs/") for uri in enterprise)
    assert any(kind == "deb" and component == "pve-no-subscription" for kind, _, _, component in targets)


@given(_files(_PROXMOX | st.sampled_from(_OTHERS)), _facts)
def test_what_others_serve_stays_enabled(files: dict[str, bytes], facts: NodeFacts) -> None:
    after = _enabled_targets({**files, **repository_changes(files, facts)})
    hosts = ("ftp.example.org", "packages.example.com")
    others = {target for target in _enabled_targets(files) if any(host in target[1] for host in hosts)}
    assert others == {target for target in after if any(host in target[1] for host in hosts)}


_MIRRORS = Mirrors(
    proxmox="http://mirror.lan/proxmox",
    debian="http://mirror.lan/debian",
    debian_security="http://mirror.lan/sec",
)
_DEBIANS = [("http://ftp.debian.org/debian", "main"), ("http://security.debian.org/debian-security/", "main")]


@given(_files(_PROXMOX | st.sampled_from([*_OTHERS, *_DEBIANS])), _facts)
def test_with_mirrors_no_archive_is_asked(files: dict[str, bytes], facts: NodeFacts) -> None:
    once = {**files, **repository_changes(files, facts, _MIRRORS)}
    archives = re.compile(r"download\.proxmox\.com/debian(/pve|/ceph-[a-z]+)?/*$|debian\.org")
    assert [uri for _, uri, _, _ in _enabled_targets(once) if archives.search(uri)] == []
    assert repository_changes(once, facts, _MIRRORS) == {}


@given(_files(_PROXMOX | st.sampled_from(_OTHERS)), _facts)
def test_nothing_of_proxmoxs_contradicts(files: dict[str, bytes], facts: NodeFacts) -> None:
    signed: dict[tuple[str, str], set[str]] = {}
    for entry in _entries({**files, **repository_changes(files, facts)}):
        for _, uri, suite, component in entry.targets() if entry.enabled else ():
            if component.endswith("no-subscription") and "proxmox.com" in uri:
                signed.setdefault((uri, suite), set()).add(entry.options.get("signed-by", ""))
    assert [keys for keys in signed.values() if len(keys) > 1] == []


@given(_files(st.sampled_from(_OTHERS)), _facts)
def test_bytes_without_proxmox_stay(files: dict[str, bytes], facts: NodeFacts) -> None:
    for path, content in repository_changes(files, facts).items():
        assert content.startswith(files.get(path, b""))


@given(_files(_PROXMOX), _facts)
def test_nothing_is_enabled_twice_by_the_editor(files: dict[str, bytes], facts: NodeFacts) -> None:
    before = _enabled_targets(files)
    after = _enabled_targets({**files, **repository_changes(files, facts)})
    for target in set(after):
        assert after.count(target) <= max(before.count(target), 1)


@given(st.text(alphabet='deb-src:/# \t\r\n[]="xTypesURIsSuitesComponentsEnabled', max_size=200))
def test_pieces_make_the_text_again(text: str) -> None:
    assert "".join(one_line.pieces(text)) == text
    assert "".join(deb822.pieces(text)) == text
    for piece in one_line.pieces(text):
        one_line.entry_of(piece)
    for piece in deb822.pieces(text):
        deb822.entry_of(piece)


def _seen_by_apt(files: Mapping[str, bytes]) -> tuple[list[str], int]:
    # the enabled targets, and the number of warnings
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        apt = Apt(Path(folder, "etc/apt"), Path(folder))
        return apt.targets(), len(apt.run("update", "--print-uris").stderr.splitlines())


@pytest.mark.tools
@settings(max_examples=40, deadline=None)
@given(_files(_PROXMOX | st.sampled_from(_OTHERS)), _facts)
def test_apt_reads_the_result_as_the_editor_does(files: dict[str, bytes], facts: NodeFacts) -> None:
    try:
        _, warnings = _seen_by_apt(files)
    except subprocess.CalledProcessError:
        return  # apt refused these sources before
    after = {**files, **repository_changes(files, facts)}
    targets, warnings_after = _seen_by_apt(after)
    assert targets == sorted({" ".join(target) for target in _enabled_targets(after)})
    assert warnings_after <= warnings
