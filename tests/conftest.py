"""What every test may ask for: a browser (`tests/browser.py`). And which tests come first."""

from __future__ import annotations

import pytest

from tests.browser import chromium, visit

__all__ = ["chromium", "visit"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker sits over it while the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
