"""How self-play went: both welfares, and how far the pair was from an equilibrium, by round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gtalign_training.plots.look import SERIES, picture, save


def draw_selfplay(result: dict[str, Any], out: Path) -> Path:
    """Draw the rounds of a self-play run; return ``out``.

    Args:
        result: Content of its ``evaluation.json``.
        out: The PNG to write.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    rows = result["rounds"]
    rounds = [row["round"] for row in rows]
    with picture(3.0) as figure:
        welfare, distance = figure.subplots(1, 2)
        for series, (key, label) in zip(
            SERIES,
            (
                ("joint_welfare", "W"),
                ("user_welfare", "U"),
                ("assistant_welfare", "L"),
            ),
            strict=False,
        ):
            values = [row[key] for row in rows]
            welfare.plot(rounds, values, color=series.colour, marker="o", markersize=4, label=label)
        welfare.set_xlabel("round")
        welfare.set_ylabel("points a conversation")
        welfare.legend(frameon=False)
        distance.plot(
            rounds,
            [row["nash_conv"] for row in rows],
            color=SERIES[0].colour,
            marker="o",
            markersize=4,
        )
        distance.set_ylim(bottom=0)
        distance.set_xlabel("round")
        distance.set_ylabel("NashConv, points")
        save(figure, out)
    return out
