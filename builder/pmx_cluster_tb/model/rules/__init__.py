"""What must hold across the keys of a cluster file."""

from pmx_cluster_tb.model.report import Report
from pmx_cluster_tb.model.rules import (
    access,
    disks,
    installer,
    lan,
    layout,
    nic,
    nodes,
    ports,
    prefixes,
    repository,
)
from pmx_cluster_tb.model.tables import FileTable

_RULES = (
    *installer.RULES,
    *access.RULES,
    *lan.RULES,
    *prefixes.RULES,
    *ports.RULES,
    *disks.RULES,
    *layout.RULES,
    *nodes.RULES,
    *nic.RULES,
    *repository.RULES,
)


def report_rules(file: FileTable, report: Report) -> None:
    """Reports what does not hold across keys. Where a value is wrong by itself, rules about it are silent."""
    for rule in _RULES:
        rule(file, report)
