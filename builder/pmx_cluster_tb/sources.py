"""The project's own data, read into memory, so that planning touches no disk."""

import tomllib
from functools import cache
from pathlib import Path, PurePosixPath

from pmx_cluster_tb.data import data_folder
from pmx_cluster_tb.plan.types import Sources, SourceTree


def read_tree(folder: Path) -> SourceTree:
    """Every file below `folder`, but for what Python, editors and file managers leave behind."""
    return {
        PurePosixPath(path.relative_to(folder).as_posix()): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_litter(path.relative_to(folder))
    }


def _is_litter(path: Path) -> bool:
    # hidden: caches of tools, `.DS_Store`; no file of ours is
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or "__pycache__" in path.parts or path.name.endswith(("~", ".pyc", ".swp", ".orig"))


@cache
def read_sources() -> Sources:
    """The data that this program was shipped with."""
    packages = data_folder("debian-src")
    answers = {
        path.stem: tomllib.loads(path.read_text("utf-8"))
        for path in sorted(data_folder("answer-files").glob("*.toml"))
    }
    base_answer = answers.pop("base")
    return Sources(
        node=read_tree(packages / "node"),
        ring=read_tree(packages / "pmx-ring"),
        installers=answers,
        base_answer=base_answer,
    )


@cache
def read_first_boot_program() -> SourceTree:
    """The Python modules of the program that runs on a node."""
    folder = data_folder("firstboot")
    return {path: content for path, content in read_tree(folder).items() if path.suffix == ".py"}


@cache
def read_stick_sources() -> SourceTree:
    """The texts and scripts that a bundle puts on a stick."""
    return read_tree(data_folder("answer-files") / "stick")
