"""`python -m tests.vm.demo [bookworm|trixie] [FOLDER]`: the story, told live: what machines reach, and when.

FOLDER keeps the consoles of all machines and the story itself, `story.txt`; without one they go to a new
folder in the temporary one. `PMX_ISO=/path/to/an.iso` tells it with a genuine ISO of Proxmox VE.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from pmx_cluster_tb.machines.failure import MachineFailed
from tests.vm.cluster import CABLES, NAMES
from tests.vm.medium import medium
from tests.vm.ring import back_by_itself, cut_power, give_power, goes_by, plug, port_to, pull, reaches, whole
from tests.vm.standin.product import PRODUCTS
from tests.vm.story import Story, changed_disks, story


def main() -> int:
    """Tells it; 1 if something went wrong, which is told as well."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm.demo", description="the story, told live")
    parser.add_argument("release", nargs="?", choices=tuple(PRODUCTS), default="bookworm")
    parser.add_argument("folder", nargs="?", type=Path, help="keeps what the machines say")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="pmx-story-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"the consoles are kept in {folder}; the ISO is made first, unless it is there", flush=True)
    with (folder / "story.txt").open("w") as kept:

        def show(line: str) -> None:
            print(line, flush=True)
            print(line, file=kept, flush=True)

        try:
            with story(medium(given.release), folder, show=show) as told:
                _tell(told)
        except (MachineFailed, KeyboardInterrupt) as error:
            show(f"the story ends here: {str(error) or 'interrupted'}")
            return 1
    return 0


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
