"""Bundles whose writing is killed: `python -m tests.artifacts.stick_kills FOLDER COUNT [SEED]`.

The moments are random. After each kill every file must be whole, the old one or the new one, and the next run
must make of it what an undisturbed one makes. A process of its own, because it forks.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from pmx_cluster_tb.artifacts.iso.read import Iso
from pmx_cluster_tb.artifacts.stick import write as stick_module
from pmx_cluster_tb.artifacts.stick.files import TEMPORARY_SUFFIX
from pmx_cluster_tb.artifacts.stick.manifest import read_bundle_manifest
from pmx_cluster_tb.artifacts.stick.write import Bundle
from pmx_cluster_tb.plan.bundle import Layout
from tests.artifacts.sticks import (
    FOLDER,
    appended_images,
    asked_bundle,
    changed_plan,
    content_of,
    source_iso,
    write,
)

SOURCE_BYTES = 9_000_000
MANIFEST = f"{FOLDER}/manifest.json"
VENTOY = "ventoy/ventoy.json"


def bundles(iso: Iso) -> dict[str, Callable[[], Bundle]]:
    """What takes the place of what, one after the other on the same stick."""
    return {
        # as on an empty stick, where the digest of the source is found meanwhile
        "separate": lambda: replace(asked_bundle(iso), iso_sha256=None),
        "changed": lambda: asked_bundle(iso, plan=changed_plan("pve2", "pve3")),
        "shared": lambda: asked_bundle(iso, Layout.SHARED),
        "newer shared": lambda: asked_bundle(
            replace(iso, iso_release="2"), Layout.SHARED, changed_plan("pve1")
        ),
    }


def killed_after(seconds: float, action: Callable[[], object]) -> bool:
    """Runs `action` in a process that is killed after `seconds`; whether that was before its end."""
    child = os.fork()
    if child == 0:
        action()
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def problems(stick: Path, whole: list[dict[str, bytes]]) -> list[str]:
    """What is not as in one of the bundles `whole`, nor temporary; and what is named but not there."""
    found = []
    there = content_of(stick)
    for path, content in there.items():
        if path in (MANIFEST, VENTOY) or path.endswith(TEMPORARY_SUFFIX):
            continue
        if content not in [one.get(path) for one in whole]:
            found.append(f"{path} is not whole")
    if manifest := read_bundle_manifest(stick / FOLDER):
        found += [
            f"{iso.path} is not what the manifest says"
            for iso in manifest.isos
            if sha256(there.get(iso.path, b"")).hexdigest() != iso.sha256
        ]
    if VENTOY in there:
        entries = json.loads(there[VENTOY])
        named = [one["image"][1:] for one in entries.get("menu_alias", [])]
        found += [f"{path} is named and not there" for path in named if path not in there]
    return found


def comparable(files: dict[str, bytes]) -> dict[str, object]:
    """The files with ventoy.json as a value: the order of its keys depends on what was there before."""
    return {path: json.loads(content) if path == VENTOY else content for path, content in files.items()}


def wrong_after(stick: Path, bundle: Bundle, whole: list[dict[str, bytes]]) -> list[str]:
    """What is wrong after an interruption of writing `bundle`, and after writing it again.

    `whole` is what an undisturbed run makes of it, then what was there before.
    """
    wrong = problems(stick, whole) if stick.exists() else []
    write(bundle, stick)
    if comparable(content_of(stick)) != comparable(whole[0]):
        wrong.append("the next run does not make what an undisturbed one makes")
    return wrong


def main(folder: Path, count: int, seed: int) -> int:
    """Returns 1 at the first problem, after telling it."""
    setattr(stick_module, "prepared_images", appended_images)  # noqa: B010 - mypy
    moments = random.Random(seed)  # noqa: S311 - moments
    asked = list(bundles(source_iso(folder, SOURCE_BYTES)).items())
    fresh, seconds = {}, {}
    for name, bundle in asked:
        began = time.monotonic()
        write(bundle(), folder / name)
        seconds[name] = time.monotonic() - began
        fresh[name] = content_of(folder / name)
    stick, before, cut = folder / "stick", "", 0
    for number in range(count):
        name, bundle = asked[number % len(asked)]
        moment = moments.uniform(0, seconds[name])
        if killed_after(moment, partial(write, bundle(), stick)):
            cut += 1
        else:  # it is faster than it was
            seconds[name] = moment
        wrong = wrong_after(stick, bundle(), [fresh[one] for one in (name, before) if one])
        if wrong:
            print(f"seed {seed}, kill {number}, {before or 'an empty stick'} to {name}:", *wrong, sep="\n  ")
            return 1
        before = name
    print(f"{count} kills, {cut} of them before the end (seed {seed})")
    return 0 if cut else 1


if __name__ == "__main__":
    chosen = int(sys.argv[3]) if sys.argv[3:] else time.time_ns() % 1_000_000
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), chosen))
