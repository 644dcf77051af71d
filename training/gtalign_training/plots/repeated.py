"""Pictures of repeated games: what can be sustained, and who gets what against whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gtalign_env.games.folk import FolkSet
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_training.plots.look import FAINT, INK, SERIES, head, picture, save
from gtalign_training.repeated.tournament import TournamentResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEASIBLE, RATIONAL = "#e4e4e4", "#a6cee3"
SAME = 1e-6  # share of the feasible payoffs' spread within which a set is a point
MOST_NAMED = 24  # cells of a game whose names fit beside the picture


def folk_picture(
    game: NormalFormGame,
    found: FolkSet,
    out: Path,
    *,
    equilibria: tuple[tuple[float, float], ...] = (),
) -> Path:
    """Draw the feasible payoffs, and those that patience can sustain; return ``out``.

    Args:
        game: The game of each round, of shape ``(m, n)``.
        found: Its feasible and individually rational payoffs.
        out: The PNG or SVG to write.
        equilibria: Payoffs of the one-shot equilibria, user and assistant, points.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    with picture(5.6) as figure:
        axes = figure.subplots()
        for corners, colour, name in (
            (found.feasible, FEASIBLE, "feasible: mixtures of cells"),
            (found.rational, RATIONAL, "and individually rational: patience can sustain it"),
        ):
            # A set without an inside is a segment or a point: its outline is what can be seen,
            # and a point must show around the diamond of an equilibrium.
            point = bool((np.ptp(corners, axis=0) <= SAME * np.ptp(found.feasible, axis=0)).all())
            size = 24 if point else 9
            axes.fill(*corners.T, color=colour, label=f"{name} (a point)" if point else name)
            axes.plot(*np.vstack([corners, corners[:1]]).T, "-o", color=colour, markersize=size)
        user, assistant = found.minmax
        axes.axvline(user, color=SERIES[1].colour, linestyle="--", linewidth=1.2)
        axes.axhline(assistant, color=SERIES[2].colour, linestyle="--", linewidth=1.2)
        axes.plot([], [], "--", color=SERIES[1].colour, label=f"user's minmax {user:.3g}")
        axes.plot([], [], "--", color=SERIES[2].colour, label=f"assistant's minmax {assistant:.3g}")
        axes.plot(game.user.ravel(), game.assistant.ravel(), "o", color=INK, markersize=4.5)
        if game.user.size <= MOST_NAMED:
            _name_cells(axes, game)
        if equilibria:
            axes.plot(
                *np.array(equilibria).T,
                "D",
                color=INK,
                markerfacecolor="none",
                markersize=11,
                label="equilibrium of one round",
            )
        axes.set_xlabel("user, points per round")
        axes.set_ylabel("assistant, points per round")
        axes.margins(0.1)
        axes.grid()
        named = axes.get_legend_handles_labels()[0]
        title = "What patience can sustain" + (f": {game.name}" if game.name else "")
        head(figure, title, 2, named)
        return save(figure, out)


def _name_cells(axes: Axes, game: NormalFormGame) -> None:
    """Number the cells and put the key beside the picture; equal payoffs share a number."""
    from matplotlib.lines import Line2D

    names: dict[tuple[float, float], list[str]] = {}
    for i, j in np.ndindex(*game.shape):
        at = (float(game.user[i, j]), float(game.assistant[i, j]))
        names.setdefault(at, []).append(f"{game.user_plans[i]} x {game.assistant_plans[j]}")
    handles = []
    for number, (at, cells) in enumerate(names.items(), start=1):
        axes.annotate(
            f"{number}", at, xytext=(5, 5), textcoords="offset points", fontsize=9, weight="bold"
        )
        indent = "\n" + " " * 5
        handles.append(Line2D([], [], linestyle="none", label=f"{number}  {indent.join(cells)}"))
    axes.legend(
        handles=handles,
        title="cells (user x assistant)",
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        handlelength=0,
        handletextpad=0,
        fontsize=8.5,
        title_fontsize=8.5,
    )


def tournament_table(
    result: TournamentResult, out: Path, title: str, *, own_kind: bool = False
) -> Path:
    """Draw each agent's mean payoff against each other, best agent first; return ``out``.

    Args:
        result: The tournament; a cell is the mean over both seats and all repeats.
        out: The PNG or SVG to write.
        title: What stands above it.
        own_kind: Whether an agent's match with its own kind counts in the order and the score.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    order = result.ranking(own_kind)
    means = result.payoffs.mean(axis=2)
    both = (means[..., 0] + means[..., 1].T) / 2
    values = both[np.ix_(order, order)]
    scores = result.scores(own_kind).mean(axis=1)
    names = [_short(result.names[a]) for a in order]
    count = len(order)
    with picture(2.2 + 0.34 * count) as figure:
        axes = figure.subplots()
        image = axes.imshow(values, cmap="cividis", aspect="auto")
        low, high = float(values.min()), float(values.max())
        size = 8.5 if count <= 12 else 6.5
        for a, b in np.ndindex(count, count):
            dark = high > low and (values[a, b] - low) / (high - low) < 0.55
            axes.text(
                b,
                a,
                f"{values[a, b]:.2f}".replace("-", "\N{MINUS SIGN}"),
                ha="center",
                va="center",
                fontsize=size,
                color="white" if dark else INK,
            )
        labels = [f"{name}  {scores[a]:.2f}" for name, a in zip(names, order, strict=True)]
        axes.set_yticks(range(count), labels)
        axes.set_xticks(range(count), names, rotation=40, ha="left", rotation_mode="anchor")
        axes.xaxis.tick_top()
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        axes.tick_params(length=0)
        axes.set_xlabel("against (columns); beside each agent its score: mean payoff a round")
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        bar = figure.colorbar(image, ax=axes, pad=0.01)
        bar.set_label("mean payoff per round of the row's agent (points)")
        bar.outline.set_edgecolor(FAINT)
        return save(figure, out)


def _short(name: str) -> str:
    return name.partition("@")[2].removeprefix("First by ") if "axelrod@" in name else name
