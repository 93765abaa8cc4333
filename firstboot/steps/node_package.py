"""The step that installs this node's packages and waits until they are in force."""

import re
from collections.abc import Iterable
from pathlib import Path

from firstboot.apt import install, installed_versions
from firstboot.commands import output_of, run
from firstboot.settings import Package, Settings
from firstboot.step import Step, StepFailed
from firstboot.steps.own_packages import package_files, unpack_broken_off
from firstboot.system import System

_WAIT = ("pmx-ring", "wait", "--timeout")
# what `pmx-cluster-tb build` ends a version with: which content it is, but not whether it is newer
_BUILD = re.compile(r".+\+[0-9a-f]{10}")
_REMEDY = "`pmx-ring apply` says what is wrong; then reboot: every boot tries again"


def node_package_step(archive: Path, settings: Settings) -> Step:
    """Installs the packages that `archive` holds with one run of apt."""
    packages = settings.packages
    return Step(
        name="node-package",
        is_done=lambda system: not _missing(system, packages) and _is_in_force(system),
        do=lambda system: _bring_into_force(system, archive, packages),
        deadline=settings.deadlines["node-package"],
    )


def _missing(system: System, packages: Iterable[Package]) -> list[Package]:
    installed = installed_versions(system, [package.name for package in packages])
    return [
        package
        for package in packages
        if not _serves(system, installed.get(package.name, ""), package.version)
    ]


def _serves(system: System, installed: str, version: str) -> bool:
    if not installed or installed == version:
        return bool(installed)
    if _BUILD.fullmatch(installed) and _BUILD.fullmatch(version):
        return False
    # a higher one came from the repository: installing ours would go back
    return _succeeds(system, ["dpkg", "--compare-versions", installed, "gt", version])


def _is_in_force(system: System) -> bool:
    return not system.live or _succeeds(system, [*_WAIT, "1"])


def _succeeds(system: System, question: list[str]) -> bool:
    try:
        output_of(system, question)
    except StepFailed:
        return False
    return True


def _bring_into_force(system: System, archive: Path, packages: tuple[Package, ...]) -> None:
    if missing := _missing(system, packages):
        _install(system, archive, missing)
    elif system.live and not _is_in_force(system):
        run(system, ["pmx-ring", "apply"], _REMEDY)
    if system.live:
        run(system, [*_WAIT, str(max(1, int(system.remaining.total_seconds())))], _REMEDY)


def _install(system: System, archive: Path, packages: list[Package]) -> None:
    unpack_broken_off(system, archive, packages)
    with package_files(system, archive, packages) as files:
        # a build that sorts above ours need not be newer; nothing else is asked for that could go back
        install(system, "--no-install-recommends", "--allow-downgrades", *files)
