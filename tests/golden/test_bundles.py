"""Whole bundles against what they were when somebody last looked, in the folder `bundles` beside this.

`pytest tests/golden --update-golden` rewrites them; `git diff` is the review.
"""

from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.stick.request import bundle_of
from pmx_cluster_tb.artifacts.stick.ventoy_json import PATH, merged
from pmx_cluster_tb.plan.bundle import HOOK_NAME, BundlePlan, IsoVersion, Layout
from tests.golden.trees import Tree, planned, read_tree, write_tree

HERE = Path(__file__).parent
CASES = [
    ("seed-9.2", Layout.SEPARATE),
    ("seed-9.2", Layout.SHARED),
    ("seed-8.4", Layout.SEPARATE),
]
BINARY = (".iso", ".tar.gz")


def bundle_tree(bundle: BundlePlan) -> Tree:
    """Every text of the bundle by its path, members of ISOs below theirs; `paths` lists all there is."""
    texts = {file.path: file.content for file in bundle.files if not file.path.endswith(BINARY)}
    for iso in bundle.isos:
        texts |= {f"{iso.path}/{name}": text for name, text in iso.members.items() if name != HOOK_NAME}
    texts[PATH] = merged(None, bundle.ventoy, bundle.folder)
    texts["paths"] = "".join(f"{line}\n" for line in sorted(_paths(bundle))).encode()
    # README.txt has the line ends of DOS, which the unit tests check
    return {path: text.replace(b"\r\n", b"\n") for path, text in texts.items()}


def _paths(bundle: BundlePlan) -> list[str]:
    files = [f"{file.path}{' (secret)' if file.secret else ''}" for file in bundle.files]
    members = [
        f"{iso.path} of {', '.join(iso.nodes)}: {', '.join(sorted(iso.members))}" for iso in bundle.isos
    ]
    return [*files, *members]


@pytest.mark.parametrize(("case", "layout"), CASES, ids=[f"{case}-{layout}" for case, layout in CASES])
def test_bundle(case: str, layout: Layout, update_golden: bool) -> None:
    plan = planned(HERE / case / "cluster.toml")
    iso = IsoVersion(str(plan.cluster.proxmox_ve), "1")
    tree = bundle_tree(bundle_of(plan, iso, layout))
    folder = HERE / "bundles" / f"{case}-{layout}"
    if update_golden:
        folder.mkdir(parents=True, exist_ok=True)
        write_tree(folder, tree)
    expected = read_tree(folder)
    assert sorted(tree) == sorted(expected)
    for path, content in expected.items():
        assert tree[path].decode() == content.decode(), path
