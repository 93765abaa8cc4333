"""The packages that the hook carries: made files for apt and dpkg for as long as they are needed."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from firstboot.apt import broken_off
from firstboot.archive import BadArchive, package_content
from firstboot.commands import run
from firstboot.settings import Package
from firstboot.step import StepFailed
from firstboot.system import System

_UNPACKED = "/run/pmx-first-boot"


def unpack_broken_off(system: System, archive: Path, packages: Sequence[Package]) -> None:
    """Unpacks again those of `packages` in the midst of which dpkg was killed; raises StepFailed.

    apt refuses all work until then, and it can fetch only what is in a repository.
    """
    names = broken_off(system, [package.name for package in packages])
    again = [package for package in packages if package.name in names]
    if again:
        with package_files(system, archive, again) as files:
            run(
                system,
                ["dpkg", "--unpack", *files],
                f"`dpkg --unpack` of {', '.join(files)} by hand says more",
            )


@contextmanager
def package_files(system: System, archive: Path, packages: Sequence[Package]) -> Iterator[list[str]]:
    """The names of the files of `packages`, as the system sees them; in a dry run there are none."""
    names = [f"{_UNPACKED}/{package.file}" for package in packages]
    if system.dry_run:
        yield names
        return
    # below /run, which a reboot empties; apt reads the files as the user _apt
    folder = system.path(_UNPACKED)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        folder.chmod(0o755)
        for package in packages:
            _unpack(archive, package, folder)
        yield names
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(archive: Path, package: Package, folder: Path) -> None:
    try:
        content = package_content(archive, package)
    except BadArchive as error:
        raise StepFailed(str(error), "copy the hook again, or build it again", hopeless=True) from error
    file = folder / package.file
    file.write_bytes(content)
    file.chmod(0o644)
