"""What `inspect` shows of a first-boot file for several nodes."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from rich.console import Console

from pmx_cluster_tb.artifacts.hook import MAX_BYTES
from pmx_cluster_tb.artifacts.hook_reader import SharedHook, read_any_hook, read_hook
from pmx_cluster_tb.artifacts.inspect import inspect_artifact
from pmx_cluster_tb.artifacts.inspected import InspectedSharedHook
from pmx_cluster_tb.artifacts.stick.request import bundle_of
from pmx_cluster_tb.plan.bundle import HOOK_NAME, IsoVersion, Layout
from pmx_cluster_tb.plan.cluster_plan import plan_cluster
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.sources import read_sources
from pmx_cluster_tb.view.inspected_text import inspected_json, inspected_text
from tests.clusters import mac_cluster
from tests.plans import mac_plan

ISO = IsoVersion("9.2", "1")
SHARED = bundle_of(mac_plan(), ISO, Layout.SHARED).isos[0].members[HOOK_NAME]
SEPARATE = {iso.nodes[0]: iso.members[HOOK_NAME] for iso in bundle_of(mac_plan(), ISO, Layout.SEPARATE).isos}


def test_it_reads_back_as_each_node_s_own() -> None:
    shared = read_any_hook(SHARED, "hook")
    assert isinstance(shared, SharedHook)
    assert shared.hooks == {node: read_hook(hook, "hook") for node, hook in SEPARATE.items()}
    assert shared.macs == {f"pve{number}": f"58:47:ca:00:00:0{number}" for number in (1, 2, 3)}


def test_it_is_not_one_node_s() -> None:
    with pytest.raises(BadInput, match="is the first-boot file of several nodes: pve1, pve2, pve3"):
        read_hook(SHARED, "hook")


def test_inspect_shows_every_node(tmp_path: Path) -> None:
    path = tmp_path / HOOK_NAME
    path.write_bytes(SHARED)
    inspected = inspect_artifact(path)
    assert isinstance(inspected, InspectedSharedHook)
    console = Console(file=io.StringIO(), width=110)
    console.print(*inspected_text(inspected, show_secrets=False), sep="\n")
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for number in (1, 2, 3):
        assert f"pve{number}, on the machine with 58:47:ca:00:00:0{number}" in shown
        assert f"pmx-pvc1-pve{number}" in shown
    value = inspected_json(inspected, show_secrets=False)
    assert json.loads(json.dumps(value))["kind"] == "shared-first-boot"


def repacked(change: dict[str, bytes | None]) -> bytes:
    """The file with some members changed, or left out where None."""
    file = io.BytesIO(SHARED.partition(b"\n")[0] + b"\n")
    file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(io.BytesIO(SHARED)) as before, zipfile.ZipFile(file, "w") as after:
        for info in before.infolist():
            if (content := change.get(info.filename, before.read(info))) is not None:
                after.writestr(info, content)
    return file.getvalue()


RING = mac_plan().ring_package.file_name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"nodes.json": b'{"schema": 2, "nodes": []}'},
            "has a list of nodes that was made by another release",
        ),
        ({"nodes.json": b'{"schema": 1, "nodes": [3]}'}, "is damaged: its list of nodes is none"),
        ({"nodes.json": b"x"}, "is damaged"),
        ({"nodes/pve2/settings.json": None}, "is damaged"),
        ({f"packages/{RING}": b"another"}, "its packages are not those that its settings name"),
        ({f"packages/{RING}": None}, "its packages are not those that its settings name"),
    ],
)
def test_damage_is_told(change: dict[str, bytes | None], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_any_hook(repacked(change), "hook")


@pytest.mark.parametrize(("count", "most"), [(3, 150_000), (10, 200_000), (50, 450_000)])
def test_how_large_it_is(count: int, most: int) -> None:
    plan = plan_cluster(mac_cluster(count=count), read_sources())
    hook = bundle_of(plan, ISO, Layout.SHARED).isos[0].members[HOOK_NAME]
    assert len(hook) < most < MAX_BYTES
