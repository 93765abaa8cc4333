"""Says at the end of a test run how many faults it tried."""

import pytest

_TEST = "tests/firstboot/test_faults.py::test_fault["


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the count, if any was tried."""
    passed, failed = (
        sum(report.nodeid.startswith(_TEST) for report in terminalreporter.stats.get(outcome, ()))
        for outcome in ("passed", "failed")
    )
    if passed or failed:
        terminalreporter.write_line(f"faults at first boot: {passed + failed} tried, {failed} not overcome")
