"""`python -m tests.vm.demo [FOLDER]`: the story, told live: what each machine reaches, and when.

FOLDER keeps the consoles of all machines and the story itself, `story.txt`. `PMX_ISO=/path/to/an.iso` tells
it with a genuine ISO of Proxmox VE.
"""

import sys
import tempfile
from pathlib import Path

from tests.vm.cluster import CABLES, NAMES
from tests.vm.medium import medium
from tests.vm.ring import back_by_itself, cut_power, give_power, goes_by, plug, port_to, pull, reaches, whole
from tests.vm.story import Story, changed_disks, story


def main() -> None:
    """Tells it, or ends with what went wrong."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="pmx-story-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"the consoles are kept in {folder}", flush=True)
    with (folder / "story.txt").open("w") as kept:

        def show(line: str) -> None:
            print(line, flush=True)
            print(line, file=kept, flush=True)

        with story(medium("bookworm"), folder, show=show) as told:
            _tell(told)


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
        changed = changed_disks(node)
        told.milestones.tell(node.name, f"other disks changed: {', '.join(changed) or 'none'}")


if __name__ == "__main__":
    main()
