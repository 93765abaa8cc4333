"""What the shared layout relies on in `/init` of the ISO's initial RAM disk.

Ventoy (`IMG/cpio/ventoy/hook/debian/ventoy-hook.sh`, `pve-hook.sh`) knows Proxmox VE by the word `PVE` in
that script, and has it look for the ISO on Ventoy's own device, too, by changing the line that lists devices.
Ours are put before the line that switches to the installer's root (answer-files/stick).
"""

import re

from pmx_cluster_tb.problems import BadInput

_ANCHORS = (
    (re.compile(rb"\bPVE\b"), None, "the word `PVE`, by which Ventoy knows it"),
    (re.compile(rb"^.*/sys/block/hd\*", re.MULTILINE), 1, "one line that lists `/sys/block/hd*`"),
    (
        re.compile(rb"^.*exec switch_root.*/mnt/\.installer-mp", re.MULTILINE),
        1,
        "one line with `exec switch_root` and `/mnt/.installer-mp`",
    ),
)


def refuse_other_init(init: bytes) -> None:
    """Raises BadInput if the shared layout would not work with an ISO whose `/init` is this."""
    missing = [text for pattern, count, text in _ANCHORS if not _is_there(len(pattern.findall(init)), count)]
    if missing:
        raise BadInput(
            f"`--layout shared` does not know how this ISO starts: its `/init` lacks {'; '.join(missing)}",
            "use `--layout separate`, the installer's own way",
        )


def _is_there(found: int, expected: int | None) -> bool:
    return found > 0 if expected is None else found == expected
