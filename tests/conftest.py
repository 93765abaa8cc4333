"""Fixtures and options for all tests."""

import signal

import pytest
from hypothesis import HealthCheck, settings

# how long an example takes depends on what else the machine does
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# without `--hypothesis-profile suite`, with which `tests/run` has them all
settings.register_profile("quick", settings.get_profile("suite"), max_examples=25)
settings.load_profile("quick")

# tests that a shell starts in the background ignore Ctrl-C, and so would every program that they start
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.firstboot.faults.summary", "tests.roots.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--update-golden`."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite expected files with what is made now"
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether the expected files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))
