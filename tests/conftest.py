"""What every test may ask for: a browser (`tests/browser.py`)."""

from __future__ import annotations

from tests.browser import chromium, visit

__all__ = ["chromium", "visit"]
