"""The picture of an empirical game: payoffs with intervals, and how sure each equilibrium is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gtalign_training.plots.look import INK, picture, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = "cividis"
"""Told apart under the common forms of colour blindness, and in grey."""

PANELS = (
    ("user", "User's welfare U, points: mean and interval"),
    ("assistant", "Assistant's welfare L, points: mean and interval"),
    ("probability", "Probability that the profile is an ε-equilibrium (ε = {epsilon:g} points)"),
)


def plot_empirical_game(data: dict[str, Any], out: Path) -> Path:
    """Draw an empirical game and return ``out``.

    Three tables, users down and assistants across: both payoffs, and the share of bootstrap
    resamples in which no seat gains more than ε by another policy. Profiles that are ε-equilibria
    in the mean payoffs are framed.

    Args:
        data: The result of `gtalign_training.egta.analyse`.
        out: The PNG to write.
    """
    m, n = len(data["users"]), len(data["assistants"])
    with picture(height=0.9 + 3 * (0.62 * m + 0.75)) as figure:
        axes = figure.subplots(3, 1, squeeze=False)[:, 0]
        for ax, (key, title) in zip(axes, PANELS, strict=True):
            _panel(ax, data, key, (m, n))
            ax.set_title(title.format(epsilon=data["epsilon"]))
        axes[-1].set_xlabel("assistant's policy")
        figure.supxlabel(
            f"{data['scenario']}, {data['confidence']:.0%} intervals; framed: an ε-equilibrium of "
            "the mean payoffs",
            fontsize=9.0,
        )
        return save(figure, out)


def _panel(ax: Axes, data: dict[str, Any], key: str, shape: tuple[int, int]) -> None:
    m, n = shape
    rows = data["profiles"]
    probability = key == "probability"
    values = np.array(
        [row[key] if probability else row["payoffs"][key]["mean"] for row in rows]
    ).reshape(m, n)
    low, high = (
        (0.0, 1.0) if probability else (values.min(), max(values.max(), values.min() + 1e-9))
    )
    ax.imshow(values, cmap=COLOURS, vmin=low, vmax=high, aspect="auto")
    ax.set_xticks(range(n), data["assistants"])
    ax.set_yticks(range(m), data["users"])
    ax.set_ylabel("user's policy")
    ax.tick_params(length=0, labelsize=min(9.0, 66 / n))
    for side in ax.spines.values():
        side.set_visible(False)
    for place, row in enumerate(rows):
        i, j = divmod(place, n)
        if probability:
            text = f"{row['probability']:.2f}"
        else:
            cell = row["payoffs"][key]
            text = f"{cell['mean']:.2f}\n[{cell['low']:.2f}, {cell['high']:.2f}]"
        dark = (values[i, j] - low) / (high - low) < 0.55
        colour = "#ffffff" if dark else INK
        ax.text(j, i, text, ha="center", va="center", color=colour, fontsize=min(8.0, 52 / n))
        if row["equilibrium"]:
            ax.add_patch(_frame(j, i))


def _frame(x: int, y: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (x - 0.47, y - 0.45), 0.94, 0.9, fill=False, edgecolor="#d55e00", linewidth=2.4
    )
