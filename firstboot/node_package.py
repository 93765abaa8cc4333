"""The step that installs this node's packages and waits until they are in force."""

from pathlib import Path

from firstboot.apt import install, installed_versions
from firstboot.commands import output_of, run
from firstboot.own_packages import package_files, unpack_broken_off
from firstboot.settings import Package, Settings
from firstboot.steps import Step, StepFailed
from firstboot.system import System

_WAIT = ("pmx-ring", "wait", "--timeout")
_REMEDY = "`pmx-ring apply` says what is wrong; then reboot: every boot tries again"


def node_package_step(archive: Path, settings: Settings) -> Step:
    """Installs the packages that `archive` holds with one run of apt."""
    packages = settings.packages
    return Step(
        name="node-package",
        is_done=lambda system: _are_installed(system, packages) and _is_in_force(system),
        do=lambda system: _bring_into_force(system, archive, packages),
        deadline=settings.deadlines["node-package"],
    )


def _are_installed(system: System, packages: tuple[Package, ...]) -> bool:
    installed = installed_versions(system, [package.name for package in packages])
    return all(_is_as_new(system, installed.get(package.name), package.version) for package in packages)


def _is_as_new(system: System, installed: str | None, version: str) -> bool:
    # a newer one came from the repository: installing ours would go back
    compare = ["dpkg", "--compare-versions", str(installed), "gt", version]
    return installed == version or (installed is not None and _succeeds(system, compare))


def _is_in_force(system: System) -> bool:
    return not system.live or _succeeds(system, [*_WAIT, "1"])


def _succeeds(system: System, question: list[str]) -> bool:
    try:
        output_of(system, question)
    except StepFailed:
        return False
    return True


def _bring_into_force(system: System, archive: Path, packages: tuple[Package, ...]) -> None:
    if not _are_installed(system, packages):
        _install(system, archive, packages)
    elif system.live and not _is_in_force(system):
        run(system, ["pmx-ring", "apply"], _REMEDY)
    if system.live:
        run(system, [*_WAIT, str(max(1, int(system.remaining.total_seconds())))], _REMEDY)


def _install(system: System, archive: Path, packages: tuple[Package, ...]) -> None:
    unpack_broken_off(system, archive, packages)
    with package_files(system, archive, packages) as files:
        install(system, "--no-install-recommends", *files)
