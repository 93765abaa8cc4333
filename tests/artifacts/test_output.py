"""The output folder: what is in it, and that it appears whole or not at all."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pmx_cluster_tb.artifacts.manifest import MANIFEST_NAME, read_manifest
from pmx_cluster_tb.artifacts.output import write_output
from pmx_cluster_tb.problems import BadInput, UserError
from pmx_cluster_tb.progress import Progress, unobserved
from tests.artifacts.trees import tree
from tests.clusters import HASH
from tests.plans import seed_plan, two_node_plan
from tests.roots.commands import require
from tests.roots.root import needs_root

ROOT = Path(__file__).parents[2]


def _nothing(_: Path) -> None:
    pass


def _build(out: Path) -> None:
    write_output(seed_plan(), out, unobserved)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=lambda mask: f"umask {mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_layout(tmp_path: Path) -> None:
    plan = seed_plan()
    write_output(plan, tmp_path / "out", unobserved)
    modes = {path: mode for path, (mode, _) in tree(tmp_path).items()}
    expected = {
        "out": 0o755,
        "out/manifest.json": 0o644,
        f"out/{plan.ring_package.file_name}": 0o644,
    }
    for node in plan.nodes:
        folder = f"out/{node.node.name}"
        expected |= {
            folder: 0o755,
            f"{folder}/{node.package.file_name}": 0o644,
            f"{folder}/answer.toml": 0o600,
            f"{folder}/first-boot": 0o700,
        }
    assert modes == expected


@pytest.mark.usefixtures("umask")
def test_secrets_are_out_of_reach_while_they_are_written(tmp_path: Path) -> None:
    modes = []

    def observer(_: Progress) -> None:
        (new,) = tmp_path.iterdir()
        modes.append(new.stat().st_mode & 0o7777)

    write_output(seed_plan(), tmp_path / "out", observer)
    assert set(modes) == {0o700}


def test_manifest(tmp_path: Path) -> None:
    out = tmp_path / "out"
    written = write_output(seed_plan(), out, unobserved)
    content = (out / MANIFEST_NAME).read_bytes()
    assert read_manifest(content, "manifest.json") == written
    assert json.loads(content) == json.loads(json.dumps(written.as_json()))
    assert {file.path for file in written.files} | {MANIFEST_NAME} == {
        path for path, (_, content) in tree(out).items() if content is not None
    }
    for file in written.files:
        made = out / file.path
        assert file.size == made.stat().st_size
        assert file.mode == f"{made.stat().st_mode & 0o7777:04o}"
        assert file.sha256 == hashlib.sha256(made.read_bytes()).hexdigest()


def test_the_manifest_holds_no_secret(tmp_path: Path) -> None:
    write_output(seed_plan(), tmp_path / "out", unobserved)
    assert HASH in (tmp_path / "out/pve1/answer.toml").read_text()
    assert HASH not in (tmp_path / "out" / MANIFEST_NAME).read_text()


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    write_output(seed_plan(), tmp_path / "out", unobserved)
    first = tree(tmp_path)
    write_output(seed_plan(), tmp_path / "out", unobserved)
    assert tree(tmp_path) == first


def test_progress(tmp_path: Path) -> None:
    events: list[Progress] = []
    write_output(seed_plan(), tmp_path / "out", events.append)
    assert events == [
        Progress(0, 3, "pve1"),
        Progress(1, 3, "pve2"),
        Progress(2, 3, "pve3"),
        Progress(3, 3, ""),
    ]


@pytest.mark.parametrize("prepare", [_nothing, Path.mkdir, _build])
def test_takes_the_place_of_nothing_an_empty_folder_and_an_older_output(
    tmp_path: Path, prepare: Callable[[Path], object]
) -> None:
    prepare(tmp_path / "out")
    write_output(two_node_plan(), tmp_path / "out", unobserved)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not (tmp_path / "out/pve3").exists()
    assert (tmp_path / "out/pve2/answer.toml").exists()


def _foreign(out: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")


def _added(out: Path) -> None:
    _build(out)
    (out / "pve1/notes.txt").write_text("mine")
    (out / "link").symlink_to("/")


def _changed(out: Path) -> None:
    _build(out)
    with (out / "pve1/answer.toml").open("a") as answer:
        answer.write("# an evening's work\n")


def _pipe(out: Path) -> None:
    _build(out)
    (out / "pve2/answer.toml").unlink()
    os.mkfifo(out / "pve2/answer.toml")


def _damaged_manifest(out: Path) -> None:
    _build(out)
    (out / MANIFEST_NAME).write_text("{}")


def _newer_manifest(out: Path) -> None:
    _build(out)
    manifest = json.loads((out / MANIFEST_NAME).read_text())
    (out / MANIFEST_NAME).write_text(json.dumps({**manifest, "format_version": 2}))


def _file(out: Path) -> None:
    out.write_text("a file")


def _link(out: Path) -> None:
    out.with_name("elsewhere").mkdir()
    out.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (_foreign, "`{out}` was not made by `build`: it has no manifest.json"),
        (_added, "`{out}` holds what `build` did not make: `link`, `pve1/notes.txt`"),
        (_changed, "`{out}` holds what was changed since it was built: `pve1/answer.toml`"),
        (_pipe, "`{out}` holds what was changed since it was built: `pve2/answer.toml`"),
        (_damaged_manifest, "`{out}/manifest.json` is no manifest of `build` that this version reads"),
        (_newer_manifest, "`{out}/manifest.json` is no manifest of `build` that this version reads"),
        (_file, "`{out}` is no folder"),
        (_link, "`{out}` is a symbolic link, which would be replaced"),
    ],
)
def test_what_is_not_ours_stays(tmp_path: Path, prepare: Callable[[Path], None], message: str) -> None:
    out = tmp_path / "out"
    prepare(out)
    before = tree(tmp_path)
    with pytest.raises(BadInput) as caught:
        write_output(two_node_plan(), out, unobserved)
    assert caught.value.message == message.format(out=out)
    assert "name another folder with `--out`" in caught.value.hint or out.is_symlink()
    assert tree(tmp_path) == before


def test_what_is_put_there_while_it_is_built_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    _build(out)

    def add(progress: Progress) -> None:
        if progress.done == progress.total:
            (out / "thesis.tex").write_text("years of work")

    with pytest.raises(BadInput, match=r"`thesis\.tex`"):
        write_output(two_node_plan(), out, add)
    assert (out / "thesis.tex").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("out", [".", "..", "/", "../current", "../.."])
def test_the_current_folder_and_those_above_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    current = tmp_path / "above/current"
    current.mkdir(parents=True)
    monkeypatch.chdir(current)
    with pytest.raises(BadInput, match="is the current folder or one above it"):
        write_output(seed_plan(), Path(out), unobserved)
    assert tree(tmp_path).keys() == {"above", "above/current"}


def test_a_missing_parent(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        write_output(seed_plan(), tmp_path / "no such/out", unobserved)
    assert caught.value.hint == f"`mkdir -p '{tmp_path}/no such'`"
    assert tree(tmp_path) == {}


def test_a_folder_that_nobody_can_write_in() -> None:
    # sysfs lets not even root make folders
    with pytest.raises(UserError, match="/sys"):
        write_output(seed_plan(), Path("/sys/out"), unobserved)


class _PulledPlugError(Exception):
    pass


def _raise_at_the_second_node(progress: Progress) -> None:
    if progress.done == 1:
        raise _PulledPlugError


@pytest.mark.parametrize("prepare", [_nothing, _build])
def test_a_failure_leaves_what_was_there(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    prepare(tmp_path / "out")
    before = tree(tmp_path)
    with pytest.raises(_PulledPlugError):
        write_output(two_node_plan(), tmp_path / "out", _raise_at_the_second_node)
    assert tree(tmp_path) == before


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    _build(out)
    before = tree(tmp_path)
    fsync = os.fsync
    calls = iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError) as caught:
        write_output(two_node_plan(), out, unobserved)
    assert caught.value.message == f"cannot write `{out}`: No space left on device"
    assert caught.value.status == 1
    assert tree(tmp_path) == before


KILLED = """
import os, sys
from pathlib import Path
from pmx_cluster_tb.artifacts.output import write_output
from tests.plans import two_node_plan

out, renames = Path(sys.argv[1]), int(sys.argv[2])
rename = Path.rename

def killed_rename(path, target):
    global renames
    if renames == 0:
        os._exit(9)
    renames -= 1
    return rename(path, target)

def killed_observer(progress):
    if renames < 0 and progress.done == 1:
        os._exit(9)

Path.rename = killed_rename
write_output(two_node_plan(), out, killed_observer)
"""


@pytest.mark.slow
@pytest.mark.parametrize("renames", [-1, 0, 1])
def test_the_next_run_puts_right_what_a_killed_one_left(tmp_path: Path, renames: int) -> None:
    """Killed while writing, before the first rename, and between the two."""
    out = tmp_path / "out"
    _build(out)
    before = tree(out)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, out, str(renames)],
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "builder"},
    )
    assert killed.returncode == 9
    assert len(list(tmp_path.iterdir())) == 2

    (tmp_path / "other").mkdir()
    with pytest.raises(_PulledPlugError):
        write_output(two_node_plan(), out, _raise_at_the_second_node)
    assert tree(out) == before
    write_output(two_node_plan(), out, unobserved)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]
    assert not (out / "pve3").exists()


def test_builds_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    plans = [seed_plan(), two_node_plan()] * 3
    with ThreadPoolExecutor(len(plans)) as pool:
        list(pool.map(lambda plan: write_output(plan, tmp_path / "out", unobserved), plans))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    manifest = read_manifest((tmp_path / "out" / MANIFEST_NAME).read_bytes(), "manifest.json")
    assert {file.path for file in manifest.files} | {MANIFEST_NAME} == {
        path for path, (_, content) in tree(tmp_path / "out").items() if content is not None
    }


@pytest.mark.root
def test_a_small_disk(tmp_path: Path) -> None:
    """A file system that really has no room: nothing stays but what was there."""
    needs_root()
    require("unshare")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pmx_cluster_tb.artifacts.output import write_output\n"
        "from pmx_cluster_tb.problems import UserError\n"
        "from pmx_cluster_tb.progress import unobserved\n"
        "from tests.plans import seed_plan\n"
        "try:\n"
        "    write_output(seed_plan(), Path(sys.argv[1]) / 'out', unobserved)\n"
        "except UserError as error:\n"
        "    print(error.message)\n"
        "print(*Path(sys.argv[1]).iterdir())\n"
    )
    result = subprocess.run(
        [
            "unshare",
            "--mount",
            "sh",
            "-c",
            'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" -c "$3" "$1"',
            "sh",
            tmp_path,
            sys.executable,
            script,
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "builder"},
    )
    assert result.stdout.splitlines()[0].startswith(f"cannot write `{tmp_path}/out`: No space left on device")
    assert result.stdout.splitlines()[1:] == [""]
