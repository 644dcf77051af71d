"""Pictures of a run: how it learnt, which moves it ended with, and who gained by it."""

from __future__ import annotations

from gtalign_training.plots.curves import learning_curves
from gtalign_training.plots.moves import move_mix
from gtalign_training.plots.welfares import welfare_bars

__all__ = ["learning_curves", "move_mix", "welfare_bars"]
