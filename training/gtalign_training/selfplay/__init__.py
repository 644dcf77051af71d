"""Self-play without text: both seats learn in turns, and the exact game says how far they are.

References:
    Brown (1951), "Iterative solution of games by fictitious play", for responses in turns;
    Lockhart et al. (2019), "Computing approximate equilibria in sequential adversarial games by
    exploitability descent", sec. 2, for NashConv as the measure.
"""

from __future__ import annotations

from gtalign_training.selfplay.run import run

__all__ = ["run"]
