"""Sections: one part of a report -> a fragment of the page, pure.

`build` picks the section by the part's class. A new part has a new function here, registered with
``@build.register`` in a module that this package imports.
"""

from __future__ import annotations

from gtalign_training.report.sections import data, game, numbers, phase, runs
from gtalign_training.report.sections.base import build

__all__ = ["build", "data", "game", "numbers", "phase", "runs"]
