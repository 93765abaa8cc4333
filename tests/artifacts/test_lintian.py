"""Debian's own checker of packages."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from tests.artifacts.packages import package
from tests.clusters import seed_cluster
from tests.nodes import apt, carry, packages, use_mirror, virtual
from tests.roots.commands import Outcome, require, run
from tests.roots.root import fresh_root

CLUSTERS = {"seed": seed_cluster(), "virtual": virtual(seed_cluster())}
OPTIONS = ("--no-cfg", "--fail-on=error,warning", "--tag-display-limit=0", "--show-overrides")


def lintian(*debs: Path) -> Outcome:
    """What lintian says of `debs`: errors, warnings, and overrides that nothing needs."""
    require("lintian")
    return run(["lintian", "--allow-root", *OPTIONS, *map(str, debs)], check=False)


@pytest.mark.tools
@pytest.mark.parametrize("name", CLUSTERS)
def test_packages_have_no_errors_and_no_warnings(tmp_path: Path, name: str) -> None:
    """Neither pmx-ring nor a node's package, and nothing is overridden."""
    debs = []
    for one in packages(CLUSTERS[name], "pve1"):
        debs.append(tmp_path / one.file_name)
        debs[-1].write_bytes(deb_bytes(one, release.RELEASE_DATE))
    outcome = lintian(*debs)
    assert (outcome.status, outcome.said) == (0, "")


@pytest.mark.tools
def test_lintian_sees_a_fault(tmp_path: Path) -> None:
    """The test above can fail: a package without copyright and changelog is complained of."""
    bare = package()
    deb = tmp_path / bare.file_name
    deb.write_bytes(deb_bytes(bare, release.RELEASE_DATE))
    outcome = lintian(deb)
    assert outcome.status != 0
    assert "no-copyright-file" in outcome.said


@pytest.mark.full
@pytest.mark.root
def test_lintian_of_debian_13(finished_roots: Callable[[str], Path]) -> None:
    """The newer one agrees."""
    with fresh_root("trixie", finished_roots("trixie"), network=True) as root:
        debs = carry(root, *packages(seed_cluster(), "pve1"))
        use_mirror(root)
        root.run(apt("install", "--no-install-recommends", "lintian"), seconds=900)
        outcome = root.run(["lintian", "--allow-root", *OPTIONS, *debs], check=False)
    assert (outcome.status, outcome.said) == (0, "")
