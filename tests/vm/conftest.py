"""In which order machines are tested."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the story first: it takes longest, and other files go through other processes meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_story.py")
