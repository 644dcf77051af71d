"""Empirical games of named policies: from live play or from logs to samples, verdicts and a picture."""

from gtalign_training.egta.profiles import (
    Collected,
    Results,
    analyse,
    bounds_of,
    collect,
    named,
    play_profiles,
    read_profiles,
)

__all__ = [
    "Collected",
    "Results",
    "analyse",
    "bounds_of",
    "collect",
    "named",
    "play_profiles",
    "read_profiles",
]
