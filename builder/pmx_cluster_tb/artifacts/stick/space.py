"""Whether a bundle fits on a stick, found out before anything is written."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pmx_cluster_tb.artifacts.stick.place import Stick
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.progress import amount

FAT_LARGEST_BYTES = 4 * 1024**3 - 1
_MARGIN_BYTES = 2 * 1024**2
"""For folders, the manifest, and what a file system takes for itself."""


@dataclass(frozen=True, slots=True)
class Write:
    """A file that will be written: its size, and that of the one that it replaces, in bytes."""

    path: str
    size: int
    replaced: int = 0


def peak_bytes(writes: Sequence[Write], cluster_bytes: int) -> int:
    """How much more than now is in use at most: each new file is written beside the one that it replaces."""
    used = peak = 0
    for write in writes:
        used += _clusters(write.size, cluster_bytes)
        peak = max(peak, used)
        used -= _clusters(write.replaced, cluster_bytes)
    return peak


def _clusters(size: int, cluster_bytes: int) -> int:
    return -(-size // cluster_bytes) * cluster_bytes


def require_room(stick: Stick, writes: Sequence[Write], shared_bytes: int | None = None) -> None:
    """Raises BadInput if `writes` do not fit on `stick`, and OSError.

    `shared_bytes` is the size of the one ISO that the shared layout would need, if it can be.
    """
    if stick.is_fat and (large := [write for write in writes if write.size > FAT_LARGEST_BYTES]):
        raise BadInput(
            f"`{large[0].path}` would have {amount(large[0].size)}, and `{stick.path}` is FAT, "
            "which holds no file of 4 GiB",
            "Ventoy formats sticks as exFAT unless told otherwise",
        )
    there = os.statvfs(stick.path)
    free = there.f_bavail * there.f_frsize
    needed = peak_bytes(writes, max(there.f_bsize, there.f_frsize)) + _MARGIN_BYTES if writes else 0
    if needed > free:
        is_less = shared_bytes is not None and shared_bytes + _MARGIN_BYTES <= free
        less = ", or use `--layout shared`, which needs one ISO for all nodes" if is_less else ""
        raise BadInput(
            f"`{stick.path}` has {amount(free)} free, and {amount(needed)} are needed",
            f"`pmx-cluster-tb bundle --wipe --out {shlex.quote(str(stick.path))}` removes earlier bundles; "
            f"or remove something else from it, or take a larger one{less}",
        )
