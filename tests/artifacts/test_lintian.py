"""Debian's own checker of packages."""

from pathlib import Path

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from tests.artifacts.packages import package
from tests.clusters import seed_cluster, two_nodes
from tests.nodes import packages, virtual
from tests.roots.commands import Outcome, require, run

CLUSTERS = {"seed": seed_cluster(), "two-nodes": two_nodes(), "virtual": virtual(seed_cluster())}


def lintian(*debs: Path) -> Outcome:
    """What lintian says of `debs`: errors, warnings, and overrides that nothing needs."""
    require("lintian")
    options = ["--allow-root", "--no-cfg", "--fail-on=error,warning", "--tag-display-limit=0", "--show-overrides"]
    return run(["lintian", *options, *map(str, debs)], check=False)


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
