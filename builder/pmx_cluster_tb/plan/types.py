"""The values of a plan: what each node gets. Never how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pmx_cluster_tb.model.cluster import Cluster, Node

Table = Mapping[str, object]
"""Keys to strings, numbers, booleans, lists and tables: what TOML and JSON have in common."""

SourceTree = Mapping[PurePosixPath, bytes]
"""Files by path relative to their folder, sorted by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All that a plan is made from besides the cluster.

    `node` and `ring` are the folders `debian-src/node` and `debian-src/pmx-ring`; `installers` the files
    `answer-files/<version>.toml` by version, and `base_answer` is `answer-files/base.toml`.
    """

    node: SourceTree
    ring: SourceTree
    installers: Mapping[str, Table]
    base_answer: Table


@dataclass(frozen=True, slots=True)
class File:
    """A file on the node. `mode` holds the permission bits."""

    path: PurePosixPath
    content: bytes = field(repr=False)
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link on the node; `target` is absolute, or relative to the folder of `path`."""

    path: PurePosixPath
    target: PurePosixPath


@dataclass(frozen=True, slots=True)
class ControlMember:
    """A member of a package's control archive besides `control` and `md5sums`: a script or `triggers`."""

    name: str
    content: bytes = field(repr=False)
    mode: int = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A Debian package, all but its Installed-Size and md5sums.

    `fields` are those of debian/control in their order, Package and Version among them. `files` include the
    documentation under /usr/share/doc. `files` and `links` are sorted by path, `members` by name.
    """

    name: str
    version: str
    fields: tuple[tuple[str, str], ...]
    members: tuple[ControlMember, ...]
    files: tuple[File, ...]
    links: tuple[Link, ...]

    @property
    def file_name(self) -> str:
        """As apt names it: `<name>_<version>_all.deb`."""
        return f"{self.name}_{self.version}_all.deb"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer file for the automated installer: the table and its TOML text, which parses back to it."""

    table: Table = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FirstBootSettings:
    """What the first-boot program is told, but for the digests of its packages, which packing adds.

    `firstboot/settings.schema.json` describes the whole.
    """

    table: Table = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """Everything that is made for one node."""

    node: Node
    package: Package
    answer: Answer
    first_boot: FirstBootSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPlan:
    """Everything that is made for a cluster. `nodes` are sorted by number."""

    cluster: Cluster
    ring_package: Package
    """pmx-ring, the program that is the same on every node."""
    nodes: tuple[NodePlan, ...]
