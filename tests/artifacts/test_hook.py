"""The first-boot file."""

import os
import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PurePosixPath

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.deb import deb_bytes
from pmx_cluster_tb.artifacts.hook import MAX_BYTES, hook_bytes, settings_with_digests
from pmx_cluster_tb.artifacts.hook_reader import read_hook
from pmx_cluster_tb.plan.types import FirstBootSettings, NodePlan
from pmx_cluster_tb.problems import UserError
from pmx_cluster_tb.sources import read_first_boot_program
from tests.plans import seed_plan

DATE = datetime(2026, 11, 22, 9, 12, 36, tzinfo=UTC)
PROGRAM = {PurePosixPath("__main__.py"): b"", PurePosixPath("steps.py"): b""}
SETTINGS = FirstBootSettings(
    {
        "schema": 1,
        "cluster": "c",
        "node": "n",
        "packages": [{"name": "x", "version": "1", "file": "x_1_all.deb"}],
    }
)


def debs_of(node: NodePlan) -> Mapping[str, bytes]:
    """Both packages of a node by file name."""
    packages = (seed_plan().ring_package, node.package)
    return {package.file_name: deb_bytes(package, release.RELEASE_DATE) for package in packages}


def test_members(tmp_path: Path) -> None:
    path = tmp_path / "first-boot"
    path.write_bytes(hook_bytes(PROGRAM, SETTINGS, {"x_1_all.deb": b"x"}, DATE))
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    assert [info.filename for info in members] == [
        "__main__.py",
        "firstboot/steps.py",
        "packages/x_1_all.deb",
        "settings.json",
    ]
    for info in members:
        assert info.date_time == (2026, 11, 22, 9, 12, 36)
        assert info.external_attr >> 16 == 0o100644
        is_module = info.filename.endswith(".py")
        assert info.compress_type == (zipfile.ZIP_DEFLATED if is_module else zipfile.ZIP_STORED)


def test_reads_back() -> None:
    node = seed_plan().nodes[0]
    debs = debs_of(node)
    read = read_hook(hook_bytes(read_first_boot_program(), node.first_boot, debs, DATE), "first-boot")
    assert read.debs == debs
    assert read.settings == settings_with_digests(node.first_boot, debs)


def test_only_the_instant_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = hook_bytes(PROGRAM, SETTINGS, {"x_1_all.deb": b"x"}, DATE)
    monkeypatch.setitem(os.environ, "TZ", "Pacific/Kiritimati")
    time.tzset()
    elsewhere = DATE.astimezone(timezone(timedelta(hours=-9)))
    backwards = dict(reversed(PROGRAM.items()))
    assert hook_bytes(backwards, SETTINGS, {"x_1_all.deb": b"x"}, elsewhere) == expected
    monkeypatch.undo()
    time.tzset()


def test_leaves_room_for_what_comes() -> None:
    node = seed_plan().nodes[0]
    size = len(hook_bytes(read_first_boot_program(), node.first_boot, debs_of(node), DATE))
    assert size < 200 * 1024


def test_what_the_installer_would_not_take() -> None:
    with pytest.raises(
        UserError, match=r"of node `n` has \d+ bytes, and the installer takes 1048576 at most"
    ):
        hook_bytes(PROGRAM, SETTINGS, {"x_1_all.deb": bytes(MAX_BYTES)}, DATE)
