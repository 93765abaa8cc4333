"""Fixtures and options for all tests."""

import pytest

pytest_plugins = ["tests.roots.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--update-golden`."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite expected files with what is made now"
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether the expected files are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))
