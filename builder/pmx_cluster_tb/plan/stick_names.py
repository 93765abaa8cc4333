"""Paths on the stick: relative to its top, ASCII, no two that differ in case only within a cluster.

Ventoy lists images of all folders by file name, letters as if they were upper case, and preselects the first
(`ventoy_cmp_img`, GRUB's `default` 0); in its tree view (F3) by folder. So the image that does nothing begins
with a digit. Ventoy keeps paths of up to 255 bytes (`isopath[256]` in `ventoy_def.h`); the longest here has
about 150. `_VTNORMAL` before the suffix skips Ventoy's question for a boot mode, since 1.0.81.
"""

from pmx_cluster_tb.model.cluster import Cluster, Node

_NORMAL_MODE = "_VTNORMAL.iso"

DOES_NOTHING = "-does-nothing.iso"
"""Ends the name of the image that does nothing; that of its script goes on with `.vcfg`."""


def folder(cluster: str) -> str:
    """The one folder that holds everything of a cluster."""
    return f"pmx-{cluster}"


def node_iso(cluster: Cluster, node: Node, version: str) -> str:
    """The prepared ISO of a node in the separate layout."""
    top = folder(cluster.name)
    return f"{top}/{top}_{node.name}_proxmox-ve_{version}{_NORMAL_MODE}"


def shared_iso(cluster: Cluster, version: str) -> str:
    """The prepared ISO of all nodes in the shared layout."""
    top = folder(cluster.name)
    return f"{top}/{top}_proxmox-ve_{version}{_NORMAL_MODE}"


def nothing(cluster: Cluster) -> str:
    """The image that does nothing, and sorts first."""
    return f"{folder(cluster.name)}/00-{folder(cluster.name)}{DOES_NOTHING}"


def answer(cluster: Cluster, node: Node) -> str:
    """The answer of a node in the shared layout; Ventoy's node menu shows this path."""
    return f"{folder(cluster.name)}/nodes/{node.name}.toml"


def injection(cluster: Cluster) -> str:
    """The archive that Ventoy unpacks into the initial RAM disk in the shared layout."""
    return f"{folder(cluster.name)}/injection.tar.gz"


def readme(cluster: Cluster) -> str:
    """What the person at the machine reads."""
    return f"{folder(cluster.name)}/README.txt"


def holds_answers(path: str) -> bool:
    """Whether a file in the folder of a cluster is named as those here with answers."""
    top, _, rest = path.partition("/")
    is_iso = rest.startswith(f"{top}_") and rest.endswith(_NORMAL_MODE)
    return is_iso or (rest.startswith("nodes/") and rest.endswith(".toml"))
