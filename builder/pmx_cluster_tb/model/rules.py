"""What must hold across keys."""

from pmx_cluster_tb.model.cluster_of import Files
from pmx_cluster_tb.model.report import Report
from pmx_cluster_tb.model.tables import FileTable


def report_rules(file: FileTable, files: Files, report: Report) -> None:
    """Reports what does not hold across keys; where a value is wrong by itself, rules about it are silent."""
