"""Bundles for sticks, made without xorriso: a prepared ISO is its source with the members at its end."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from pmx_cluster_tb.artifacts.iso.image import Patch, PreparedImage
from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.stick import readback as stick_readback
from pmx_cluster_tb.artifacts.stick import write as stick_module
from pmx_cluster_tb.artifacts.stick.manifest import BundleNode
from pmx_cluster_tb.artifacts.stick.place import Stick
from pmx_cluster_tb.artifacts.stick.request import bundle_of
from pmx_cluster_tb.artifacts.stick.write import Bundle, Written, node_digest, write_bundle
from pmx_cluster_tb.plan.bundle import IsoVersion, Layout
from pmx_cluster_tb.plan.types import ClusterPlan
from pmx_cluster_tb.progress import Observer, unobserved
from tests.plans import mac_plan

if TYPE_CHECKING:
    from pmx_cluster_tb.artifacts.iso.iso9660 import Volume

SOURCE_BYTES = 300_000
FOLDER = "pmx-pvc1"


def source_iso(folder: Path, size: int = SOURCE_BYTES) -> Iso:
    """A file with `size` bytes that takes the place of the ISO."""
    path = folder / "proxmox-ve_9.2-1.iso"
    path.write_bytes((b"an ISO " * (size // 7 + 1))[:size])
    status = path.stat()
    return Iso(
        path=path,
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        product="Proxmox VE",
        release="9.2",
        iso_release="1",
        name="proxmox-ve",
        volume=cast("Volume", None),  # nothing here looks into an ISO
        capable=True,
        prepared=False,
    )


def appended_images(iso: Iso, contents: Iterable[Mapping[str, bytes]]) -> tuple[PreparedImage, ...]:
    """In place of `prepared_images`: something else at the beginning, and the members at the end."""
    images = []
    for members in contents:
        text = {name: content.hex() for name, content in sorted(members.items())}
        tail = json.dumps(text).encode()
        patches = (Patch(0, sha256(tail).digest()), Patch(iso.size, tail))
        images.append(PreparedImage(source=iso, size=iso.size + len(tail), patches=patches))
    return tuple(images)


def use_memory_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has `appended_images` make the ISOs of bundles, and nothing wait for a disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(stick_readback, "_DIRECT", 0)
    monkeypatch.setattr(stick_module, "prepared_images", appended_images)


def asked_bundle(
    iso: Iso, layout: Layout = Layout.SEPARATE, plan: ClusterPlan | None = None, renewed: str | None = None
) -> Bundle:
    """What `bundle` writes for a plan."""
    plan = plan or mac_plan()
    return Bundle(
        plan=bundle_of(plan, IsoVersion(iso.release, iso.iso_release), layout),
        proxmox_ve=str(plan.cluster.proxmox_ve),
        iso=iso,
        iso_sha256=sha256(iso.path.read_bytes()).hexdigest(),
        nodes=tuple(
            BundleNode(name=one.node.name, number=one.node.number, plan_sha256=node_digest(one))
            for one in plan.nodes
        ),
        renewed=renewed,
    )


def changed_plan(*names: str) -> ClusterPlan:
    """The plan after the addresses of some nodes were changed, in their answers."""
    plan = mac_plan()
    nodes = tuple(
        replace(one, answer=replace(one.answer, text=one.answer.text + "# changed\n"))
        if one.node.name in names
        else one
        for one in plan.nodes
    )
    return replace(plan, nodes=nodes)


def plain(folder: Path) -> Stick:
    """A folder of which nothing is known."""
    return Stick(path=folder, mount=None, is_ventoy=False)


def write(bundle: Bundle, folder: Path, observer: Observer = unobserved) -> Written:
    """Writes `bundle` into `folder`, which is made if need be."""
    folder.mkdir(exist_ok=True)
    return write_bundle(bundle, plain(folder), observer)


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
