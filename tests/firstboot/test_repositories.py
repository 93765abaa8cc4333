"""The repository editor on real-world shapes of apt's sources, found by listing `repositories/`.

A case is a folder: `before/` is what matters of a node's root, `after/` what its apt sources must become, and
`targets.txt` the repositories that are enabled then, as `<type> <URI> <suite> <component>`: written by hand,
and judged by apt. `mirrors.json`, where there is one, are the mirrors of the settings.
"""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from firstboot.settings import Mirrors, Settings
from firstboot.step import StepFailed
from firstboot.steps.repositories import apt_sources, changes_of_repositories, repositories_step
from tests.firstboot import proxmox_apt
from tests.firstboot.apt import Apt
from tests.firstboot.node import FakeNode, node_settings, system_of

_CASES = sorted(path for path in (Path(__file__).parent / "repositories").iterdir() if path.is_dir())

_PVE = """\
Types: deb
URIs: http://download.proxmox.com/debian/pve
Suites: trixie
Components: pve-no-subscription
Signed-By: /usr/share/keyrings/proxmox-archive-keyring.gpg
"""

every_case = pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)


def _sources(root: Path) -> dict[str, bytes]:
    # every file, also those that apt passes over
    folder = root / "etc/apt"
    paths = [path for path in [folder / "sources.list", *folder.glob("sources.list.d/*")] if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def _copy(case: Path, root: Path) -> Path:
    return Path(shutil.copytree(case / "before", root))


def _settings(case: Path) -> Settings:
    file = case / "mirrors.json"
    mirrors = [Mirrors(**json.loads(file.read_text()))] if file.exists() else []
    return replace(node_settings(), mirrors=mirrors[0]) if mirrors else node_settings()


def test_there_are_many_cases() -> None:
    assert len(_CASES) >= 40


@every_case
def test_sources_become_what_they_must(case: Path, tmp_path: Path) -> None:
    root = _copy(case, tmp_path / "root")
    step = repositories_step(_settings(case))
    needed = _sources(case / "before") != _sources(case / "after")
    assert step.is_done(system_of(root)) is not needed
    step.do(system_of(root))
    assert _sources(root) == _sources(case / "after")
    assert step.is_done(system_of(root))


@every_case
def test_a_second_run_changes_nothing(case: Path, tmp_path: Path) -> None:
    root = _copy(case, tmp_path / "root")
    repositories_step(_settings(case)).do(system_of(root))
    assert changes_of_repositories(root, _settings(case)) == []


def test_a_file_with_two_names_is_one_file(tmp_path: Path) -> None:
    root = _copy(_CASES[0].parent / "pve9-with-mirrors", tmp_path / "root")
    folder = root / "etc/apt/sources.list.d"
    (folder / "a.sources").symlink_to("proxmox.sources")
    (folder / "proxmox.sources").write_text(_PVE)
    step = repositories_step(node_settings())
    step.do(system_of(root))
    assert step.is_done(system_of(root))
    assert (folder / "proxmox.sources").read_text() == _PVE
    assert (folder / "a.sources").is_symlink()


@every_case
def test_the_gui_reads_what_it_read_before(case: Path) -> None:
    _, errors_before = proxmox_apt.repositories(case / "before/etc/apt")
    found, errors = proxmox_apt.repositories(case / "after/etc/apt")
    assert errors == errors_before
    for repository in found:
        for uri in repository.uris:
            enterprise = "enterprise.proxmox.com" in uri and not uri.endswith("/pbs")
            assert not (repository.enabled and enterprise)


@pytest.mark.parametrize(
    ("case", "suite", "ceph"),
    [
        ("pve8-fresh", "bookworm", "quincy"),
        ("pve8-fresh-reef", "bookworm", "reef"),
        ("pve8-fresh-squid", "bookworm", "squid"),
        ("pve8-switched-by-hand", "bookworm", "quincy"),
        ("pve9-fresh", "trixie", "squid"),
        ("pve9-fresh-tentacle", "trixie", "tentacle"),
        ("pve9-stanzas-disabled", "trixie", "squid"),
        ("pve9-both-uris-in-one-stanza", "trixie", "squid"),
        ("pve9-folded-fields", "trixie", "squid"),
        ("pve9-windows-line-ends", "trixie", "squid"),
        ("pve10-new-codename", "forky", "umbrella"),
    ],
)
def test_the_gui_shows_the_standard_repositories_as_switched(case: str, suite: str, ceph: str) -> None:
    found, _ = proxmox_apt.repositories(Path(__file__).parent / "repositories" / case / "after/etc/apt")

    def status(host: str, product: str, component: str) -> bool | None:
        return proxmox_apt.status(found, {f"{host}.proxmox.com/debian/{product}"}, component, suite)

    assert status("https://enterprise", "pve", "pve-enterprise") is False
    assert status("https://enterprise", f"ceph-{ceph}", "enterprise") is False
    assert status("http://download", "pve", "pve-no-subscription") is True
    assert status("http://download", f"ceph-{ceph}", "no-subscription") is True


def test_without_a_codename_the_step_says_so(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="VERSION_CODENAME"):
        changes_of_repositories(tmp_path, node_settings())


def test_a_link_to_a_list_is_followed(tmp_path: Path) -> None:
    root = _copy(_CASES[-1].with_name("pve8-fresh"), tmp_path / "root")
    listed = root / "etc/apt/sources.list.d/ceph.list"
    kept = root / "srv/ceph.list"
    kept.parent.mkdir()
    listed.rename(kept)
    listed.symlink_to("/srv/ceph.list")
    repositories_step(node_settings()).do(system_of(root))
    assert listed.is_symlink()
    assert b"ceph-quincy bookworm no-subscription" in kept.read_bytes()
    assert b"\n# deb https://enterprise" not in kept.read_bytes()


def test_files_of_other_names_are_not_apts(tmp_path: Path) -> None:
    root = _copy(_CASES[-1].with_name("pve8-files-that-apt-passes-over"), tmp_path / "root")
    names = {Path(path).name for path in apt_sources(root)}
    assert names == {"sources.list", "pve-enterprise.list", "ceph.list"}


_PROXY_FILE = "etc/apt/apt.conf.d/75pmx-proxy"
_PROXIED = replace(node_settings(), apt_proxy="http://192.168.178.5:3142")


def test_the_proxy_is_written_for_apt_and_goes_with_its_key(tmp_path: Path) -> None:
    root = _copy(_CASES[-1].with_name("pve9-fresh"), tmp_path / "root")
    step = repositories_step(_PROXIED)
    assert not step.is_done(system_of(root))
    step.do(system_of(root))
    assert step.is_done(system_of(root))
    lines = (root / _PROXY_FILE).read_text().splitlines()
    assert [line for line in lines if not line.startswith("//")] == [
        'Acquire::http::Proxy "http://192.168.178.5:3142";'
    ]
    without = repositories_step(node_settings())
    assert not without.is_done(system_of(root))
    without.do(system_of(root))
    assert not (root / _PROXY_FILE).exists()
    assert without.is_done(system_of(root))


def test_what_apt_refuses_is_told_at_once_in_its_words(node: FakeNode) -> None:
    """Entries of Debian's that contradict each other, say, which are not for this program to switch."""
    node.write(
        "etc/apt/sources.list", "deb http://download.proxmox.com/debian/pve bookworm pve-no-subscription\n"
    )
    node.write("usr/bin/apt-get", "")
    node.state("trouble-apt-get", "always Conflicting values set for option Signed-By")
    step = repositories_step(node_settings())
    assert not step.is_done(node.system())
    with pytest.raises(StepFailed, match=r"E: .*Conflicting values set for option Signed-By") as failed:
        step.do(node.system())
    assert failed.value.hopeless
    (node.folder / "trouble-apt-get").unlink()
    assert step.is_done(node.system())


@pytest.mark.tools
def test_what_debians_entries_contradict_is_left_to_apt(tmp_path: Path) -> None:
    root = _copy(_CASES[-1].with_name("pve8-fresh"), tmp_path / "root")
    lines = [f"deb [signed-by=/{key}.gpg] http://ftp.example.org/debian bookworm main\n" for key in "ab"]
    text = "".join(lines)
    (root / "etc/apt/sources.list").write_text(text)
    repositories_step(node_settings()).do(system_of(root))
    assert (root / "etc/apt/sources.list").read_text().startswith(text)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        Apt(root / "etc/apt", tmp_path).run("indextargets")
    assert "E: Conflicting values set for option Signed-By" in refused.value.stderr


@pytest.mark.tools
@every_case
def test_apt_sees_what_was_listed_by_hand(case: Path, tmp_path: Path) -> None:
    apt = Apt(case / "after/etc/apt", tmp_path)
    expected = (case / "targets.txt").read_text().splitlines()
    assert apt.targets() == sorted(expected)


@pytest.mark.tools
@every_case
def test_apt_finds_nothing_wrong(case: Path, tmp_path: Path) -> None:
    errors = Apt(case / "after/etc/apt", tmp_path).run("update", "--print-uris").stderr
    assert errors == ""
