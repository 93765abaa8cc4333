"""The optional step that installs the packages which the cluster file asks for."""

from firstboot.apt import UnknownPackages, install, installed_versions
from firstboot.settings import Settings
from firstboot.step import Step
from firstboot.system import System


def extras_step(settings: Settings) -> Step:
    """Installs the extra packages."""
    return Step(
        name="extras",
        is_done=lambda system: installed_versions(system, settings.extras).keys() >= set(settings.extras),
        do=lambda system: _install(system, settings.extras),
        deadline=settings.deadlines["extras"],
        optional=True,
    )


def _install(system: System, packages: tuple[str, ...]) -> None:
    try:
        install(system, *packages)
    except UnknownPackages as error:
        error.remedy += ", for `extras.packages`; then build again, and run the new file by hand"
        raise
