"""The step that brings all packages up to date.

Proxmox documents `full-upgrade` for its packages: a plain upgrade holds back those that gain a dependency.
"""

from pathlib import Path

from firstboot.apt import apt_get, continue_dpkg, fix_broken, is_clean, update
from firstboot.changes import write_file
from firstboot.record import FOLDER
from firstboot.settings import Settings
from firstboot.step import Step
from firstboot.steps.own_packages import unpack_broken_off
from firstboot.system import System

_MARK = f"{FOLDER}/upgraded"


def upgrade_step(archive: Path, settings: Settings, run: str) -> Step:
    """A full upgrade, once for the build `archive` that the record calls `run`."""
    return Step(
        name="upgrade",
        is_done=lambda system: system.text(_MARK) == _mark(run) and is_clean(system),
        do=lambda system: _upgrade(system, archive, settings, run),
        deadline=settings.deadlines["upgrade"],
    )


def _upgrade(system: System, archive: Path, settings: Settings, run: str) -> None:
    continue_dpkg(system)
    unpack_broken_off(system, archive, settings.packages)
    update(system)
    fix_broken(system)
    apt_get(system, "full-upgrade")
    if not system.dry_run:
        system.path(FOLDER).mkdir(parents=True, exist_ok=True)
        write_file(system, _MARK, _mark(run).encode())


def _mark(run: str) -> str:
    return f"{run}\n"
