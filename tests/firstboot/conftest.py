"""Fake nodes, and the packed first-boot file."""

import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.hook import hook_bytes
from pmx_cluster_tb.sources import read_first_boot_program
from tests.firstboot.node import NOW, PLAN, FakeNode, debs


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """A fake node whose commands this process finds first."""
    fake = FakeNode.made_in(tmp_path)
    monkeypatch.setenv("PATH", fake.path)
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return fake


@pytest.fixture(scope="session")
def web() -> Iterator[str]:
    """The URL of a server that answers 403; at `/` it tells the real time, below the fake clock's."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403) if self.path == "/" else self.send_response_only(403)
            if self.path != "/":
                self.send_header("Date", format_datetime(NOW, usegmt=True))
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


Repack = Callable[..., Path]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, web: str) -> Path:
    """The first-boot file of the seed cluster's first node, which looks at `web` to see that it is online."""
    path = tmp_path_factory.mktemp("hook") / "proxmox-first-boot"
    path.write_bytes(
        hook_bytes(read_first_boot_program(), PLAN.nodes[0].first_boot, debs(), release.RELEASE_DATE)
    )
    return repacked(
        path, path.parent / "online", online={"url": web, "not_before": release.RELEASE_DATE.isoformat()}
    )


def repacked(archive: Path, folder: Path, **settings: Any) -> Path:
    """A copy of the first-boot file in `folder`, with some settings changed."""
    table = json.loads(zipfile.ZipFile(archive).read("settings.json"))
    return with_member(archive, folder, "settings.json", json.dumps({**table, **settings}).encode())


def with_member(archive: Path, folder: Path, name: str, content: bytes) -> Path:
    """A copy of the first-boot file in `folder`, with one member changed."""
    folder.mkdir(exist_ok=True)
    copy = folder / "proxmox-first-boot"
    with zipfile.ZipFile(archive) as before, zipfile.ZipFile(copy, "w") as after:
        for info in before.infolist():
            after.writestr(info, content if info.filename == name else before.read(info))
    return copy
