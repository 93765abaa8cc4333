"""What is compared for a node: every text that its machine will get, under its real name.

`package/` is the tree of its Debian package, `package/DEBIAN/` its control archive, and `modes` lists every
path on the node with its mode, or its target if it is a link.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pmx_cluster_tb.artifacts.compression import compressed
from pmx_cluster_tb.artifacts.deb import control_text
from pmx_cluster_tb.model.load import load_cluster
from pmx_cluster_tb.plan.cluster_plan import plan_cluster
from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan, Package
from pmx_cluster_tb.sources import read_sources

Tree = dict[str, bytes]


def planned(cluster_file: Path) -> ClusterPlan:
    """The plan for a cluster file without errors."""
    loaded = load_cluster(cluster_file)
    assert loaded.cluster is not None, "\n".join(map(str, loaded.problems))
    return plan_cluster(loaded.cluster, read_sources())


def cluster_tree(plan: ClusterPlan) -> Tree:
    """Contents by path, `<node>/...`."""
    return {
        f"{node.node.name}/{path}": content
        for node in plan.nodes
        for path, content in _node_files(node, plan.ring_package)
    }


def _node_files(node: NodePlan, ring: Package) -> Iterator[tuple[str, bytes]]:
    package, written = node.package, compressed(node.package)
    yield "answer.toml", node.answer.text.encode()
    yield "first-boot/settings.json", _settings(node, ring)
    yield "package/DEBIAN/control", control_text(written).encode()
    for member in package.members:
        yield f"package/DEBIAN/{member.name}", member.content
    for file in package.files:
        yield f"package{file.path}", file.content
    yield "modes", "".join(f"{line}\n" for line in _modes(written)).encode()


def _settings(node: NodePlan, ring: Package) -> bytes:
    # pmx-ring's version follows from its code, which is not compared here
    text = json.dumps(node.first_boot.table, indent=2) + "\n"
    return text.replace(ring.version, "VERSION-OF-PMX-RING").encode()


def _modes(package: Package) -> Iterator[str]:
    for member in package.members:
        yield f"{member.mode:04o} DEBIAN/{member.name}"
    for file in package.files:
        yield f"{file.mode:04o} {file.path}"
    for link in package.links:
        yield f"link {link.path} -> {link.target}"


def read_tree(folder: Path) -> Tree:
    """Contents by path below `folder`."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write_tree(folder: Path, tree: Tree) -> None:
    """Makes `folder` hold `tree` and nothing else."""
    for path in read_tree(folder).keys() - tree.keys():
        (folder / path).unlink()
    for path, content in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
