"""`tests/run python -m tests.vm.demo [trixie|bookworm] [FOLDER]`: what machines reach, and when, told live.

FOLDER keeps the consoles of all machines and the story itself, `story.txt`; without one they go to a new
folder in the temporary one. `PMX_ISO=/path/to/an.iso` tells it with a genuine ISO of Proxmox VE.
"""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from pmx_cluster_tb.cli.messages import show_error
from pmx_cluster_tb.machines.acceleration import is_emulated
from pmx_cluster_tb.machines.failure import MachineFailed
from pmx_cluster_tb.problems import BadInput, UserError
from tests.vm.cluster import CABLES, NAMES
from tests.vm.medium import Medium, medium
from tests.vm.ring import back_by_itself, cut_power, give_power, goes_by, plug, port_to, pull, reaches, whole
from tests.vm.standin.product import PRODUCTS
from tests.vm.story import Story, changed_disks, story
from tests.vm.words import GENUINE

_NEEDED_GIB = 10
_SLOW = "warning: this machine has no KVM, and the deadlines for a genuine ISO are made for it"


def main() -> int:
    """Tells it; 1 if something went wrong, which is told as well, 2 if it could not begin."""
    given = _arguments()
    if not os.environ.get("PMX_ISO"):
        print("the ISO is made first, unless it is there: some minutes", file=sys.stderr, flush=True)
    try:
        # the folder last: nothing is left behind by a start that comes to nothing
        chosen = medium(given.release)
        if chosen.words is GENUINE and is_emulated():
            print(_SLOW, file=sys.stderr)
        folder, kept = _kept(given.folder)
    except UserError as error:
        return show_error(error)
    print(f"the consoles are kept in {folder}", flush=True)
    with kept:

        def show(line: str) -> None:
            print(line, flush=True)
            print(line, file=kept, flush=True)

        try:
            _begin(chosen, folder, show)
        except (MachineFailed, KeyboardInterrupt) as error:
            show(f"the story ends here: {str(error) or 'interrupted'}")
            return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/run python -m tests.vm.demo",
        description="The story, told live. With PMX_ISO=/path/to/an.iso, a genuine ISO of Proxmox VE.",
    )
    parser.add_argument(
        "release",
        nargs="?",
        choices=tuple(PRODUCTS),
        default="trixie",
        help="of Debian below the stand-in for Proxmox's ISO, which is made first unless it is there; "
        "trixie if none is given",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="keeps what the machines say, an absolute path; otherwise a new one in the temporary folder",
    )
    return parser.parse_args()


def _kept(given: Path | None) -> tuple[Path, TextIO]:
    """The folder, and the story in it, open. Raises BadInput."""
    if given and not given.is_absolute():
        raise BadInput(
            f"`{given}`: must be an absolute path, as `tests/run` changes into the checkout",
            f'`tests/run python -m tests.vm.demo trixie "$PWD"/{shlex.quote(str(given))}`',
        )
    folder = given or Path(tempfile.mkdtemp(prefix="pmx-story-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free_gib = shutil.disk_usage(folder).free / 2**30
        if free_gib < _NEEDED_GIB:
            if given is None:
                folder.rmdir()
            raise BadInput(
                f"`{folder.parent if given is None else folder}` has {free_gib:.1f} GiB free, "
                f"and the disks of the machines take up to {_NEEDED_GIB}",
                "name another folder: `tests/run python -m tests.vm.demo trixie /path/to/folder`",
            )
        return folder, (folder / "story.txt").open("w")
    except OSError as error:
        raise BadInput(f"cannot write to `{folder}`: {error.strerror}", "name another folder") from None


def _begin(chosen: Medium, folder: Path, show: Callable[[str], None]) -> None:
    with story(chosen, folder, show=show) as told:
        try:
            _tell(told)
        except KeyboardInterrupt:
            print("interrupted: switching the machines off", file=sys.stderr, flush=True)
            raise


def _tell(told: Story) -> None:
    told.each(told.install)
    told.each(told.first_boot)
    for cable in CABLES:
        plug(told, cable)
    whole(told)
    first, second, third = NAMES
    pull(told, CABLES[0])
    goes_by(told.nodes[first], second, port_to(first, third))
    reaches(told.nodes[first], second)
    told.milestones.tell(first, f"reaches {second} by way of {third}")
    plug(told, CABLES[0])
    whole(told)
    cut_power(told, told.nodes[second])
    give_power(told, told.nodes[second])
    back_by_itself(told, told.nodes[second])
    whole(told)
    for node in told.nodes.values():
        if changed := changed_disks(node):
            raise MachineFailed(f"{node.name} has written to {' and '.join(changed)}")
        told.milestones.tell(node.name, "its other disk and the stick: untouched")


if __name__ == "__main__":
    sys.exit(main())
