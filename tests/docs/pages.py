"""The pages whose blocks are run, whose links are followed, and whose names must exist."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]

PAGES = [
    page
    for page in (*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md")))
    if "_build" not in page.parts
]
"""README, changelog and the like, and every page of `docs`, those made from code included."""


def name_of(page: Path) -> str:
    """Return a page's path in the repository, as tests name it."""
    return str(page.relative_to(ROOT))
