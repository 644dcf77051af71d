"""How a run learnt: welfare by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.errors import RunError
from gtalign_training.plots.look import FAINT, INK, SERIES, Series, by_row, picture, save
from gtalign_training.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORM = Series("well_formed", "well-formed", "#009e73", 1.5)
OPTIMISER, ENVIRONMENT = "optimiser step", "environment step"
X_LABELS = {
    **dict.fromkeys(("grpo", "rloo", "lm-ppo"), OPTIMISER),
    **dict.fromkeys(("ppo", "recurrent-ppo", "a2c", "dqn"), ENVIRONMENT),
}
"""Stages whose metrics hold welfare, and what their steps count."""


def learning_curves(
    folder: RunFolder, out: Path, *, optimum: float | None = None, start: float | None = None
) -> Path:
    """Draw mean welfare per step, smoothed, over what was measured; return ``out``.

    Args:
        folder: The run folder.
        out: The PNG to write.
        optimum: Exact optimum of mean W, points.
        start: Mean W before training, points.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        RunError: The run has logged nothing yet.
    """
    stage, rows = _logged(folder)
    shown = [series for series in SERIES if any(row.get(series.key) is not None for row in rows)]
    with_form = any(row.get(FORM.key) is not None for row in rows)
    heights = (3.0, 1.0) if with_form else (1.0,)
    with picture(5.6 if with_form else 4.4) as figure:
        from matplotlib.lines import Line2D

        panels = figure.subplots(
            len(heights), 1, sharex=True, height_ratios=heights, squeeze=False
        )[:, 0]
        for series in shown:
            _curve(panels[0], rows, series)
        levels = ((optimum, "exact optimum of W", "--"), (start, "W before training", ":"))
        for level, name, dashes in levels:
            if level is not None:
                label = f"{name} ({level:.2f})"
                panels[0].axhline(level, color=INK, linestyle=dashes, linewidth=1.2, label=label)
        panels[0].set_ylabel("mean per conversation (points)")
        if with_form:
            _curve(panels[1], rows, FORM)
            low = min(row[FORM.key] for row in rows if row.get(FORM.key) is not None)
            panels[1].set_ylim(min(0.9, math.floor(low * 10) / 10), 1.01)
            panels[1].set_ylabel("well-formed\n(share)")
        for panel in panels:
            panel.grid(axis="y")
            panel.margins(x=0.01)
        panels[-1].set_xlabel(X_LABELS[stage])
        panels[-1].xaxis.set_major_formatter("{x:,.0f}")
        handles, _ = panels[0].get_legend_handles_labels()
        handles.append(Line2D([], [], color=FAINT, linewidth=0.8, label="thin: as measured"))
        figure.legend(handles=by_row(handles, 3), loc="outside upper center", ncols=3)
        return save(figure, out)


def _logged(folder: RunFolder) -> tuple[str, list[dict[str, Any]]]:
    for stage in X_LABELS:
        rows = [row for row in folder.metrics(stage) if row.get(SERIES[0].key) is not None]
        if rows:
            return stage, rows
    raise RunError(
        f"{folder.path} must hold metrics of a training step for a learning curve, and there "
        "are none in metrics.jsonl; train first, or go on with the run (--resume)"
    )


def _curve(panel: Axes, rows: Sequence[dict[str, Any]], series: Series) -> None:
    points = [(row["step"], row[series.key]) for row in rows if row.get(series.key) is not None]
    steps, values = np.array(points, dtype=np.float64).T
    panel.plot(steps, values, color=series.colour, linewidth=0.8, alpha=0.28)
    mean = smooth(values, len(values) // 40)
    panel.plot(steps, mean, color=series.colour, linewidth=series.width, label=series.name)
    if len(values) == 1:
        panel.plot(steps, mean, "o", color=series.colour)  # a line needs two points to be seen


def smooth(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the moving mean, shape ``(n,)``; windows are cut off at the ends.

    Args:
        values: Shape ``(n,)``.
        reach: How many neighbours on either side count.
    """
    return np.array([values[max(0, i - reach) : i + reach + 1].mean() for i in range(len(values))])
