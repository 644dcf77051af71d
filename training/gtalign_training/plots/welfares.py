"""Who gained: the welfares of several assistants side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gtalign_env.errors import RunError
from gtalign_training.plots.look import INK, SERIES, picture, save

NAMES = {"before": "before training", "after": "after training"}


def welfare_bars(
    rows: Sequence[dict[str, Any]], out: Path, *, optimum: float | None = None
) -> Path:
    """Draw the welfares of several assistants as dots with intervals; return ``out``.

    Args:
        rows: Each has a ``name``, and ``user``, ``assistant`` and ``welfare``: (mean, low, high),
            points.
        out: The PNG to write.
        optimum: Exact optimum of mean W, points.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        RunError: There are no rows.
    """
    if not rows:
        raise RunError("a picture of welfares must have at least one assistant; got none")
    keys = (("welfare", SERIES[0]), ("user", SERIES[1]), ("assistant", SERIES[2]))
    with picture(1.35 + 0.4 * len(rows)) as figure:
        panels = figure.subplots(1, len(keys), sharey=True)
        heights = np.arange(len(rows))
        for panel, (key, series) in zip(panels, keys, strict=True):
            mean, low, high = np.array([row[key] for row in rows], dtype=np.float64).T
            panel.errorbar(
                mean,
                heights,
                xerr=np.maximum(0.0, (mean - low, high - mean)),  # rounding may leave -1e-17
                fmt="o",
                color=series.colour,
                markersize=5.5,
                capsize=3,
                linewidth=1.5,
            )
            for x, y in zip(mean, heights, strict=True):
                panel.annotate(
                    f"{x:.2f}".replace("-", "\N{MINUS SIGN}"),
                    (x, y),
                    xytext=(0, 6),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                    color=series.colour,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                )
            panel.set_title(series.name[0].upper() + series.name[1:])
            panel.set_xlabel("points")
            panel.grid(axis="x")
            panel.margins(x=0.16)
            panel.tick_params(axis="y", length=0)
        panels[0].set_yticks(heights, [NAMES.get(row["name"], row["name"]) for row in rows])
        panels[0].set_ylim(len(rows) - 0.5, -0.75)
        handles, labels = [panels[0].containers[0]], ["mean per conversation, 95 % interval"]
        if optimum is not None:
            line = panels[0].axvline(optimum, color=INK, linestyle="--", linewidth=1.2)
            handles.append(line)
            labels.append(f"exact optimum of W ({optimum:.2f})")
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        return save(figure, out)
