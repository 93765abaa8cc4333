"""Power cuts while a bundle is written to exFAT: `python -m tests.artifacts.stick_cuts FOLDER COUNT [SEED]`.

The driver is stopped at a random moment, and what has reached the medium by then is copied: a stick as it
would be after a cut. It must hold no half file at a final name, and the next run must complete it. As root; a
process of its own, because it forks.
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pmx_cluster_tb.artifacts.stick import write as stick_module
from pmx_cluster_tb.artifacts.stick.write import Bundle
from tests.artifacts.stick_kills import bundles, comparable, wrong_after
from tests.artifacts.sticks import appended_images, content_of, source_iso, write
from tests.roots.commands import run
from tests.roots.waiting import wait_for

SOURCE_BYTES = 3_000_000
IMAGE_BYTES = 32 * 1024**2
DRIVER = "mount.exfat-fuse"


@contextmanager
def exfat(image: Path, point: Path) -> Iterator[int]:
    """Mounts `image` at `point`; the process of the driver."""
    point.mkdir(exist_ok=True)
    device = run(["losetup", "--find", "--show", str(image)]).stdout.strip()
    try:
        run([DRIVER, device, str(point)])
        driver = driver_of(device)
        yield driver
        run(["umount", str(point)])
        wait_for("end of the driver", lambda: not Path(f"/proc/{driver}").exists(), seconds=120)
    finally:
        run(["losetup", "--detach", device])


def driver_of(device: str) -> int:
    """The process that serves `device`."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if words[0] == DRIVER and device in words:
            return int(process.name)
    raise AssertionError(f"no {DRIVER} serves {device}")


def cut(image: Path, point: Path, bundle: Bundle, seconds: float) -> None:
    """Writes `bundle` to the stick `image`, which is then as after a power cut `seconds` later."""
    left = image.with_name("cut")
    with exfat(image, point) as driver:
        child = os.fork()
        if child == 0:
            write(bundle, point)
            os._exit(0)
        time.sleep(seconds)
        os.kill(driver, signal.SIGSTOP)
        try:
            shutil.copyfile(image, left)
        finally:
            os.kill(driver, signal.SIGCONT)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    left.replace(image)


def main(folder: Path, count: int, seed: int) -> int:
    """Returns 1 at the first problem, after telling it."""
    setattr(stick_module, "prepared_images", appended_images)  # noqa: B010 - mypy
    moments = random.Random(seed)  # noqa: S311 - moments
    asked = list(bundles(source_iso(folder, SOURCE_BYTES)).items())
    fresh, image, point = {}, folder / "image", folder / "stick"
    for name, bundle in asked:
        write(bundle(), folder / name)
        fresh[name] = content_of(folder / name)
    with image.open("xb") as file:
        file.truncate(IMAGE_BYTES)
    run(["mkfs.exfat", str(image)])
    before, half = "", 0
    for number in range(count):
        name, bundle = asked[number % len(asked)]
        cut(image, point, bundle(), moments.uniform(0, 0.3))
        run(["fsck.exfat", "-y", str(image)], check=False)
        with exfat(image, point):
            half += comparable(content_of(point)) not in (
                comparable(fresh[name]),
                comparable(fresh.get(before, {})),
            )
            wrong = wrong_after(point, bundle(), [fresh[one] for one in (name, before) if one])
        if wrong:
            print(f"seed {seed}, cut {number}, {before or 'an empty stick'} to {name}:", *wrong, sep="\n  ")
            return 1
        before = name
    print(f"{count} power cuts, {half} of them in the middle (seed {seed})")
    return 0 if half else 1


if __name__ == "__main__":
    chosen = int(sys.argv[3]) if sys.argv[3:] else time.time_ns() % 1_000_000
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), chosen))
