"""Colours of labels, told apart under the common forms of colour blindness.

Regions also have a border line and, where it fits, their name in them, so that no picture depends
on colour alone.

References:
    Okabe and Ito (2008), "Color universal design".
"""

from __future__ import annotations

from gtalign_env.games.ordinal import CLASSES
from gtalign_training.plots.look import MOVE_COLOURS
from gtalign_training.studies.maps import MOVES
from gtalign_training.studies.solved import DILEMMAS, MIXED

NOTHING = "#f4f4f4"
"""Where a number is not defined."""

_OF_CLASS = {
    "prisoner's dilemma": "#d55e00",
    "deadlock": "#cc79a7",
    "harmony": "#009e73",
    "stag hunt": "#0072b2",
    "coordination": "#56b4e9",
    "chicken": "#f0e442",
    "battle of the sexes": "#e69f00",
    "cyclic": "#555555",
    "tied": "#bdbdbd",
    "other": "#e6e6e6",
}

COLOURS = {
    **dict(zip(DILEMMAS, ("#e6e6e6", "#56b4e9", "#e69f00", "#d55e00"), strict=True)),
    **{name: _OF_CLASS[name] for name in CLASSES},
    **{move: MOVE_COLOURS[move.partition(" x ")[2]] for move in MOVES if move != MIXED},
    MIXED: "#cc79a7",
}
"""The colour of every label; a vague opening has that of the definite one, and is hatched."""

LINE_STYLES: dict[str, tuple[str, str, str]] = {
    "optimum.welfare": ("optimum", "#000000", "-"),
    "best.welfare": ("best equilibrium", "#0072b2", "--"),
    "worst.welfare": ("worst equilibrium", "#d55e00", "-"),
    "price_of_anarchy": ("price of anarchy (worst equilibrium)", "#d55e00", "-"),
    "price_of_stability": ("price of stability (best equilibrium)", "#0072b2", "--"),
    "restriction.critical_discount": ("least patience of both sides", "#000000", "-"),
}
"""Name, colour and dashes of the lines over one axis."""


def is_hatched(label: str) -> bool:
    """Return whether a label is told from another of its colour by hatching."""
    return label.startswith("VQ x ")


def ink_on(colour: str) -> str:
    """Return black or white, whichever reads better on a colour.

    References:
        WCAG 2.1, relative luminance and contrast ratio.
    """
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"
