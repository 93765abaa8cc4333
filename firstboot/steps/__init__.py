"""All steps, in their order."""

from pathlib import Path

from firstboot.record import Record
from firstboot.settings import Settings
from firstboot.step import Step
from firstboot.steps.desktop import desktop_step
from firstboot.steps.extras import extras_step
from firstboot.steps.kernel import kernel_step
from firstboot.steps.leftovers import leftovers_step
from firstboot.steps.node_package import node_package_step
from firstboot.steps.report import report_step
from firstboot.steps.repositories import repositories_step
from firstboot.steps.upgrade import upgrade_step
from firstboot.steps.user import user_step
from firstboot.steps.wait_online import wait_online_step


def all_steps(archive: Path, settings: Settings, record: Record) -> tuple[Step, ...]:
    """What makes the machine the node of `settings`, from the packages in `archive`."""
    return (
        wait_online_step(settings),
        repositories_step(settings),
        upgrade_step(archive, settings, record.run),
        node_package_step(archive, settings),
        extras_step(settings),
        user_step(settings),
        desktop_step(settings),
        leftovers_step(settings),
        kernel_step(settings, record),
        report_step(settings, record),
    )
