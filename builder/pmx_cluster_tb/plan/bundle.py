"""What goes on a Ventoy stick, so that it installs every node of a cluster.

Two layouts. *Separate*: one prepared ISO for each node, by the installer's own mechanism. *Shared*: one for
all; Ventoy asks which node, and its answer is put where the installer looks, by a small archive that Ventoy
unpacks into the initial RAM disk. There, everything that goes wrong ends without an answer, and the installer
without one stops in a shell before it writes anything: the ISO looks for its answer on a partition whose
label no partition has.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from pmx_cluster_tb.model.cluster import NicMac
from pmx_cluster_tb.plan import stick_names, ventoy
from pmx_cluster_tb.plan.stick_readme import readme
from pmx_cluster_tb.plan.types import ClusterPlan, NodePlan, SourceTree
from pmx_cluster_tb.plan.ventoy import VentoyEntries
from pmx_cluster_tb.problems import BadInput

MODE_NAME = "auto-installer-mode.toml"
ANSWER_NAME = "answer.toml"
HOOK_NAME = "proxmox-first-boot"
"""Names at the top of a prepared ISO (pve-installer 9.2.7, `proxmox-auto-install-assistant`)."""

MEMBER_MODES: Mapping[str, int] = MappingProxyType({MODE_NAME: 0o644, ANSWER_NAME: 0o600, HOOK_NAME: 0o700})
"""Modes of these, as in an ISO that the assistant of 9.2.7 prepared."""

NODE_MARK = "# pmx-node: "
MAC_MARK = "# pmx-mac: "
"""Begin the first two lines of an answer in the shared layout; `deliver.sh` reads the second."""

_OFFICIAL_LABEL = "proxmox-ais"


class Layout(StrEnum):
    """How many ISOs a stick holds: one for each node, or one for all."""

    SEPARATE = "separate"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class IsoVersion:
    """What `/.cd-info` of an installation ISO says: `9.2` and `1` for proxmox-ve_9.2-1.iso."""

    release: str
    iso_release: str

    def __str__(self) -> str:
        return f"{self.release}-{self.iso_release}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedIso:
    """A copy of the installation ISO on the stick; `members` are put at its top by name, and hold secrets."""

    path: str
    """Relative to the top of the stick, with `/`."""
    nodes: tuple[str, ...]
    members: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StickFile:
    """A small file on the stick, at `path` relative to its top."""

    path: str
    content: bytes = field(repr=False)
    secret: bool = False
    """Whether it holds the hash of a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePlan:
    """Everything on the stick but manifest and checksums: all in `folder`, but for entries of ventoy.json."""

    layout: Layout
    cluster: str
    folder: str
    isos: tuple[PreparedIso, ...]
    files: tuple[StickFile, ...]
    ventoy: VentoyEntries


def separate_bundle(
    plan: ClusterPlan, iso: IsoVersion, hooks: Mapping[str, bytes], sources: SourceTree
) -> BundlePlan:
    """The bundle with one ISO for each node; `hooks` are the first-boot files by node.

    `sources` is the folder answer-files/stick.
    """
    folder = stick_names.folder(plan.cluster.name)
    paths = {node.node.name: stick_names.node_iso(plan.cluster, node.node, str(iso)) for node in plan.nodes}
    isos = tuple(
        PreparedIso(
            path=paths[node.node.name],
            nodes=(node.node.name,),
            members={
                MODE_NAME: mode_file("iso", _OFFICIAL_LABEL),
                ANSWER_NAME: node.answer.text.encode(),
                HOOK_NAME: hooks[node.node.name],
            },
        )
        for node in plan.nodes
    )
    return BundlePlan(
        layout=Layout.SEPARATE,
        cluster=plan.cluster.name,
        folder=folder,
        isos=isos,
        files=_common_files(plan, iso, Layout.SEPARATE, sources),
        ventoy=ventoy.separate_entries(plan, str(iso), paths),
    )


def shared_bundle(
    plan: ClusterPlan, iso: IsoVersion, hook: bytes, injection: bytes, sources: SourceTree
) -> BundlePlan:
    """The bundle with one ISO for all nodes; `hook` is the first-boot file of all of them.

    `injection` is the archive that Ventoy unpacks; `sources` is the folder answer-files/stick. Raises
    BadInput if a node cannot be told by its MAC address.
    """
    refuse_unshareable(plan)
    cluster = plan.cluster
    path = stick_names.shared_iso(cluster, str(iso))
    answers = {node.node.name: stick_names.answer(cluster, node.node) for node in plan.nodes}
    members = {MODE_NAME: mode_file("partition", partition_label(cluster.name)), HOOK_NAME: hook}
    return BundlePlan(
        layout=Layout.SHARED,
        cluster=cluster.name,
        folder=stick_names.folder(cluster.name),
        isos=(PreparedIso(path=path, nodes=tuple(answers), members=members),),
        files=(
            StickFile(path=stick_names.injection(cluster), content=injection),
            *(
                StickFile(path=answers[node.node.name], content=marked_answer(node), secret=True)
                for node in plan.nodes
            ),
            *_common_files(plan, iso, Layout.SHARED, sources),
        ),
        ventoy=ventoy.shared_entries(plan, str(iso), path, answers),
    )


def is_shareable(plan: ClusterPlan) -> bool:
    """Whether the shared layout can serve every node, as far as the cluster file says."""
    return all(isinstance(one.node.nic, NicMac) for one in plan.nodes)


def refuse_unshareable(plan: ClusterPlan) -> None:
    """Raises BadInput if the shared layout cannot serve every node."""
    if without := [node.node.name for node in plan.nodes if not isinstance(node.node.nic, NicMac)]:
        raise BadInput(
            f"`--layout shared` tells the nodes by their MAC addresses, and these have no `nic.mac`: "
            f"{', '.join(f'`{name}`' for name in without)}",
            "`ip -br link` on the machine shows it; or use `--layout separate`",
        )


def mode_file(mode: str, label: str) -> bytes:
    """auto-installer-mode.toml: byte for byte as the official assistant writes it, every key named."""
    return f'mode = "{mode}"\npartition_label = "{label}"\n\n[http]\n'.encode()


def partition_label(cluster: str) -> str:
    """The label, of the eleven characters that FAT allows, of a partition that exists nowhere."""
    return f"PMX-{hashlib.sha256(cluster.encode()).hexdigest()[:7].upper()}"


def marked_answer(plan: NodePlan) -> bytes:
    """The answer of the shared layout: TOML comments say for which node and MAC address it is."""
    nic = plan.node.nic
    assert isinstance(nic, NicMac)  # noqa: S101 - refused before
    return f"{NODE_MARK}{plan.node.name}\n{MAC_MARK}{nic.mac}\n{plan.answer.text}".encode()


def _common_files(
    plan: ClusterPlan, iso: IsoVersion, layout: Layout, sources: SourceTree
) -> tuple[StickFile, ...]:
    cluster = plan.cluster
    nothing = stick_names.nothing(cluster)
    text = readme(plan, str(iso), sources, shared=layout is Layout.SHARED)
    return (
        StickFile(path=nothing, content=ventoy.NOTHING_IMAGE),
        StickFile(path=f"{nothing}.vcfg", content=ventoy.nothing_script(cluster, sources)),
        StickFile(path=stick_names.readme(cluster), content=text),
    )
