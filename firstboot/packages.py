"""The step that installs this node's packages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firstboot.archive import package_content
from firstboot.commands import output_of, run
from firstboot.settings import Package
from firstboot.steps import Step

_LOCK_TIMEOUT_S = 600
_DPKG_OPTIONS = ("--force-confdef", "--force-confold")
_REMEDY = (
    "mend what apt says above (packages not found: `apt-get update` must succeed), then run {archive} again, "
    "or reboot: every boot tries again"
)

_UNPACKED = Path("run/pmx-first-boot")
_DPKG_JOURNAL = Path("var/lib/dpkg/updates")


def packages_step(archive: Path, packages: tuple[Package, ...], root: Path) -> Step:
    """Installs `packages`, which `archive` holds, with one run of apt. `root` is `/` but in tests."""
    return Step(
        name="packages",
        is_done=lambda: _are_installed(packages),
        do=lambda: _install(archive, packages, root),
    )


def _are_installed(packages: tuple[Package, ...]) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Status}\\n"]
    # status 1: at least one is unknown
    lines = output_of([*query, *(package.name for package in packages)], accepted=(0, 1)).splitlines()
    return {f"{package.name} {package.version} installed" for package in packages} <= set(lines)


def _install(archive: Path, packages: tuple[Package, ...], root: Path) -> None:
    remedy = _REMEDY.format(archive=archive)
    if _dpkg_was_interrupted(root):
        run(["dpkg", *_DPKG_OPTIONS, "--configure", "-a"], remedy)
    with _unpacked(archive, packages, root) as files:
        run([*_apt_get_install(), *map(str, files)], remedy)


def _apt_get_install() -> list[str]:
    options = [f"DPkg::Lock::Timeout={_LOCK_TIMEOUT_S}"]
    options += [f"Dpkg::Options::={option}" for option in _DPKG_OPTIONS]
    return [
        "apt-get",
        "--yes",
        "--quiet",
        "--no-install-recommends",
        *(word for option in options for word in ("-o", option)),
        "install",
    ]


def _dpkg_was_interrupted(root: Path) -> bool:
    # apt refuses to work then (apt-pkg's debSystem::CheckUpdates)
    journal = root / _DPKG_JOURNAL
    return journal.is_dir() and any(entry.name.isdigit() for entry in journal.iterdir())


@contextmanager
def _unpacked(archive: Path, packages: tuple[Package, ...], root: Path) -> Iterator[list[Path]]:
    # below /run, which a reboot empties; apt reads the files as the user _apt
    folder = root / _UNPACKED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        folder.chmod(0o755)
        yield [_unpack(archive, package, folder) for package in packages]
    finally:
        shutil.rmtree(folder)


def _unpack(archive: Path, package: Package, folder: Path) -> Path:
    file = folder / package.file
    file.write_bytes(package_content(archive, package))
    file.chmod(0o644)
    return file
