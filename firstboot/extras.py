"""The optional step that installs the packages which the cluster file asks for."""

from firstboot.apt import install, installed_versions
from firstboot.settings import Settings
from firstboot.steps import Step


def extras_step(settings: Settings) -> Step:
    """Installs the extra packages."""
    return Step(
        name="extras",
        is_done=lambda system: installed_versions(system, settings.extras).keys() >= set(settings.extras),
        do=lambda system: install(system, *settings.extras),
        deadline=settings.deadlines["extras"],
        optional=True,
    )
