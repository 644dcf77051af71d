"""Axes of a study's pictures: names that fit, and plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gtalign_training.plots.look import wrapped
from gtalign_training.studies.maps import Scale

if TYPE_CHECKING:
    from matplotlib.axis import Axis


def axis_name(scale: Scale, width: int) -> str:
    """Return an axis's name; where that needs two lines, its unit begins one.

    Args:
        scale: The axis.
        width: Characters of a line.
    """
    if len(scale.title) <= width or not scale.unit:
        return wrapped(scale.title, width)
    return f"{wrapped(scale.label, width)}\n({scale.unit})"


def plain_numbers(axis: Axis, scale: Scale) -> None:
    """Write the numbers of a logarithmic axis as 0.01, which needs no formula.

    Args:
        axis: That of the picture.
        scale: What it shows.
    """
    plain = "{x:g}"
    axis.set_major_formatter(plain)
    # below a decade there may be no power of ten to write a number at
    within_a_decade = scale.numbers[-1] < 10 * scale.numbers[0]
    axis.set_minor_formatter(plain if within_a_decade else "")
