"""The repository of the nodes."""

from pmx_cluster_tb.model.report import Report
from pmx_cluster_tb.model.tables import FileTable


def _does_nothing_yet(file: FileTable, report: Report) -> None:
    if file.repository:
        report.warning(
            ("repository",),
            "is checked, but does nothing in this version: the nodes come without that repository",
            "copy what `build` makes for a node to it, and there `apt install ./pmx-*.deb` as root",
        )


RULES = (_does_nothing_yet,)
