"""The hook where Proxmox's installer put it, which goes when the node is finished.

Proxmox's unit removes its flag only after the hook exited 0. So a program that does nothing takes the hook's
place: a power cut between the two leaves a unit that still succeeds at the next boot.
"""

from pathlib import Path

from firstboot.archive import BadArchive, is_first_boot, run_name
from firstboot.changes import write_file
from firstboot.shared_hook import is_shared
from firstboot.system import System

PATH = "/var/lib/proxmox-first-boot/proxmox-first-boot"

_DONE = b"""#!/bin/sh
# The first boot of this node is finished; `pmx-ring first-boot` tells what it did.
exit 0
"""


def remove_installed_hook(system: System, run: str) -> None:
    """Replaces the hook and the secrets in it, if it is the one that was built as `run`."""
    file = system.path(PATH)
    try:
        is_ours = run_name(file) == run
    except BadArchive:
        return  # none, or replaced already, or somebody else's
    if is_ours:
        write_file(system, PATH, _DONE, mode=0o700)


def remove_other_hook(system: System, run: str) -> None:
    """Replaces the hook of another build: it would undo at the next boot what this one has done."""
    file = system.path(PATH)
    if is_first_boot(file) and (is_shared(file) or run_name(file) != run):
        write_file(system, PATH, _DONE, mode=0o700)


def is_installed_hook(system: System, archive: Path) -> bool:
    """Whether `archive` is that file, and no copy of it."""
    file = system.path(PATH)
    return file.exists() and file.samefile(archive)
