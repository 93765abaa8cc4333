"""Reading the project's own data."""

from pathlib import Path, PurePosixPath

from pmx_cluster_tb.sources import read_tree


def test_what_tools_leave_behind_is_not_read(tmp_path: Path) -> None:
    kept = ["debian/control.j2", "usr/lib/pmx-ring/program.py", "usr/lib/x@.service"]
    litter = [
        ".DS_Store",
        "debian/control.j2~",
        "debian/control.orig",
        "usr/lib/pmx-ring/.mypy_cache/3.11/cache.db",
        "usr/lib/pmx-ring/.program.py.swp",
        "usr/lib/pmx-ring/__pycache__/program.cpython-311.pyc",
        "usr/lib/pmx-ring/program.pyc",
    ]
    for name in [*kept, *litter]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert read_tree(tmp_path) == {PurePosixPath(name): name.encode() for name in kept}
