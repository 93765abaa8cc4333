"""`firstboot`: what the first-boot program adds to the programs that it starts, and the size of its file.

It runs on a fake node whose apt, dpkg and other commands do next to nothing. Its rival is a shell script that
starts the commands that the node recorded, with the same words and input, and looks at nothing. Questions
that the fake node answers without a record count as the program's own.
"""

import http.server
import shlex
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.hook import hook_bytes
from pmx_cluster_tb.plan.types import FirstBootSettings
from pmx_cluster_tb.sources import read_first_boot_program
from tests.bench.measure import Sample, Subject, by_turns, summary, timed_program
from tests.bench.report import Finding, Group, ratio
from tests.firstboot.node import PLAN, FakeNode, debs

OURS, AGAIN = "first-boot, all steps", "first-boot, finished already"
RIVAL, BARE = "sh, the same commands", "python3 -c pass"
_QUANTITIES = ("cpu", "wall")
_KIB = 1024
_USER = {"name": "pieter", "full_name": "", "password_hash": "$6$x$y", "ssh_keys": ["ssh-ed25519 A b"]}


def benchmark(rounds: int) -> tuple[Group, ...]:
    """Measures everything."""
    with TemporaryDirectory(prefix="pmx-bench-") as folder, _web() as url:
        hook = Path(folder) / "first-boot"
        hook.write_bytes(_hook({"online": {"url": url, "not_before": release.RELEASE_DATE.isoformat()}}))
        subjects = _subjects(Path(folder), hook)
        samples = by_turns(subjects, rounds)
    summaries = tuple(
        summary(what, quantity, runs) for what, runs in samples.items() for quantity in _QUANTITIES
    )
    ratios = tuple(
        ratio(summaries, rival, ours, quantity)
        for ours, rival in ((OURS, RIVAL), (AGAIN, BARE))
        for quantity in _QUANTITIES
    )
    median = {(one.what, one.quantity): one.median_ms for one in summaries}
    overhead = Finding("own overhead, wall", median[OURS, "wall"] - median[RIVAL, "wall"], "ms")
    # as it is built for a node, not as it is run here
    size = Finding("first-boot file with both packages", len(_hook({})) / _KIB, "KiB")
    return (Group("first boot on a fake node", summaries, ratios, (overhead, size)),)


def _hook(settings: dict[str, object]) -> bytes:
    everything = {"extras": ["iperf3"], "desktop": True, "user": _USER}
    table = PLAN.nodes[0].first_boot.table
    changed = FirstBootSettings({**table, **everything, **settings})
    return hook_bytes(read_first_boot_program(), changed, debs(), release.RELEASE_DATE)


def _subjects(folder: Path, hook: Path) -> dict[str, Subject]:
    finished = FakeNode.made_in(folder / "finished")
    _run(finished, hook)
    script = folder / "rival.sh"
    script.write_text("".join(_lines(finished)))
    return {
        OURS: lambda: _run(_fresh(folder), hook),
        AGAIN: lambda: _run(finished, hook),
        RIVAL: lambda: _run(_fresh(folder), script),
        BARE: lambda: timed_program([sys.executable, "-IB", "-c", "pass"], folder),
    }


def _fresh(folder: Path) -> FakeNode:
    # at one place, because the script names it
    shutil.rmtree(folder / "fresh", ignore_errors=True)
    return FakeNode.made_in(folder / "fresh")


def _run(node: FakeNode, program: Path) -> Sample:
    command: list[str | Path] = ["/bin/sh", program]
    if program.suffix != ".sh":
        command = [sys.executable, "-IB", program, "--root", node.root, "fully-up"]
    return timed_program(command, node.folder, {"PATH": node.path})


def _lines(node: FakeNode) -> Iterator[str]:
    """A line of shell for each command that was started on `node`."""
    for call in node.all_calls():
        given = f"printf %s {shlex.quote(str(call['input']))} | " if call["input"] else ""
        yield f"{given}{shlex.join(call['words'])}\n"
    yield "exit 0\n"


@contextmanager
def _web() -> Iterator[str]:
    """The URL of a server that answers, so that the node is online."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()
