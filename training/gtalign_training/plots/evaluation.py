"""Who serves whom: the assistants of an evaluation by both sides' welfare, and by W."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gtalign_training.plots.look import INK, PALETTE, picture, save

LONGEST = 28
"""Characters of a name that fit beside the picture."""


def draw_evaluation(data: dict[str, Any], out: Path) -> Path | None:
    """Draw mean U against mean L, and mean W, of all cells with intervals; return ``out``.

    Args:
        data: Content of an ``evaluation.json``.
        out: The PNG to write.

    Returns:
        The file; None where nothing was measured.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    rows = [row for row in data["welfare"] if row["by"] == "all" and row["welfare"] is not None]
    if not rows:
        return None
    with picture(2.0 + 0.35 * len(rows)) as figure:
        plane, bars = figure.subplots(1, 2)
        for index, row in enumerate(rows):
            colour = PALETTE[index % len(PALETTE)]
            (u, u_low, u_high), (v, v_low, v_high) = row["user"], row["assistant"]
            plane.errorbar(
                u,
                v,
                xerr=np.maximum(0.0, [[u - u_low], [u_high - u]]),  # rounding may leave -1e-17
                yerr=np.maximum(0.0, [[v - v_low], [v_high - v]]),
                fmt="o",
                color=colour,
                capsize=3,
                markersize=5.5,
            )
            plane.annotate(
                _short(row["contender"]),
                (u, v),
                xytext=(5, 5),
                textcoords="offset points",
                fontsize=8,
                color=colour,
                parse_math=False,
            )
            mean, low, high = row["welfare"]
            bars.errorbar(
                mean,
                index,
                xerr=np.maximum(0.0, [[mean - low], [high - mean]]),
                fmt="o",
                color=colour,
                capsize=3,
                markersize=5.5,
            )
        plane.set_xlabel("user's U, points")
        plane.set_ylabel("assistant's L, points")
        bars.set_yticks(range(len(rows)), [_short(row["contender"]) for row in rows])
        for label in bars.get_yticklabels():
            label.set_parse_math(False)
        bars.invert_yaxis()
        bars.set_xlabel("joint W, points")
        optimum = rows[0]["optimum"]
        if optimum is not None:
            bars.axvline(optimum, color=INK, linewidth=1, linestyle="--")
            bars.set_title(f"dashed: exact optimum {optimum:.2f}", fontsize=8)
        save(figure, out)
    return out


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
