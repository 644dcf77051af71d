"""The best-reply graph of a game: its matrix, with an arrow wherever a seat gains by moving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gtalign_env.games.normal_form import Cell, Seat
from gtalign_training.plots.look import INK, picture, save
from gtalign_training.plots.studies.payoffs import EQUILIBRIUM, PARETO
from gtalign_training.plots.studies.portrait import Portrait

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: dict[Seat, str] = {"user": "#0072b2", "assistant": "#d55e00"}

TALL, WIDE = 0.3, 0.42
"""Half the height and width of a cell's box, in units of the distance between cells."""

NOTE = "In a cell: user U over assistant L (points). Where no arrow leads out, play stays."

LANE = 0.13
"""How far above its row the assistant's moves run."""


Line = tuple[tuple[float, float], tuple[float, float]]
"""From (x, y) to (x, y), in units of the distance between cells."""


class Lane(NamedTuple):
    """Lines of one seat's moves in a row or column, and the arrows in which they end."""

    seat: Seat
    lines: list[Line]
    arrows: list[Line]


def draw_replies(shown: Portrait, out: Path) -> Path:
    """Draw a game's best replies as PNG or SVG; return ``out``.

    Args:
        shown: The game and what is marked.
        out: The file to write.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    m, n = shown.game.shape
    with picture(1.75 + 0.95 * m) as figure:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        axes = figure.subplots()
        for cell in ((i, j) for i in range(m) for j in range(n)):
            _box(axes, shown, Cell(*cell))
        for lane in lanes(shown):
            _draw_lane(axes, lane)
        axes.set_xlim(-0.55, n - 0.45)
        axes.set_ylim(m - 0.6, -0.55)
        axes.set_xticks(range(n), shown.game.assistant_plans)
        axes.set_yticks(range(m), shown.game.user_plans)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("assistant's plan")
        axes.xaxis.set_label_position("top")
        axes.set_ylabel("user's plan")
        handles = [
            Line2D([], [], color=COLOURS["user"], marker="^", label="the user's best reply"),
            Line2D([], [], color=COLOURS["assistant"], marker="v", label="the assistant's"),
            Patch(facecolor="white", edgecolor=EQUILIBRIUM, linewidth=2.4, label="equilibrium"),
            Patch(facecolor="#dcebf5", edgecolor=PARETO, label="Pareto cell"),
        ]
        figure.legend(
            handles=handles,
            loc="outside upper left",
            ncols=4,
            title=f"Best replies: {shown.title}",
            title_fontproperties={"size": 11, "weight": "bold"},
            alignment="left",
        )
        figure.supxlabel(NOTE, x=0.012, ha="left", fontsize=8, color="#555555")
        return save(figure, out)


def _box(axes: Axes, shown: Portrait, cell: Cell) -> None:
    from matplotlib.patches import Rectangle

    i, j = cell
    stays = cell in shown.pure
    best = cell in shown.pareto
    axes.add_patch(
        Rectangle(
            (j - WIDE, i - TALL),
            2 * WIDE,
            2 * TALL,
            facecolor="#dcebf5" if best else "white",
            edgecolor=EQUILIBRIUM if stays else PARETO if best else "#bbbbbb",
            linewidth=2.4 if stays else 1.0,
        )
    )
    text = f"{shown.game.user[i, j]:.3g}\n{shown.game.assistant[i, j]:.3g}"
    axes.text(j, i, text, ha="center", va="center", fontsize=8.5, color=INK, linespacing=1.5)


def lanes(shown: Portrait) -> list[Lane]:
    """Return the lines that the moves run along, clear of the cells, with the arrows' targets.

    The assistant's run above their row and down into the best replies; the user's up and down
    between neighbouring rows, or beside their column.

    Args:
        shown: The game.
    """
    found = []
    for i in range(shown.game.shape[0]):
        moves = [(a.assistant, b.assistant) for a, b in shown.arrows if a.user == b.user == i]
        if moves:
            level = i - TALL - LANE
            ends = [j for move in moves for j in move]
            lines: list[Line] = [((min(ends), level), (max(ends), level))]
            lines += [((j, level), (j, i - TALL)) for j in sorted({a for a, _ in moves})]
            targets = sorted({b for _, b in moves})
            found.append(Lane("assistant", lines, [((j, level), (j, i - TALL)) for j in targets]))
    for j in range(shown.game.shape[1]):
        moves = [(a.user, b.user) for a, b in shown.arrows if a.assistant == b.assistant == j]
        if all(abs(a - b) == 1 for a, b in moves):
            for a, b in moves:
                side = TALL if b > a else -TALL
                found.append(Lane("user", [], [((j - 0.25, a + side), (j - 0.25, b - side))]))
            continue
        level = j - WIDE - 0.045
        ends = [i for move in moves for i in move]
        beside: list[Line] = [((level, min(ends)), (level, max(ends)))]
        beside += [((level, i), (j - WIDE, i)) for i in sorted({a for a, _ in moves})]
        targets = sorted({b for _, b in moves})
        found.append(Lane("user", beside, [((level, i), (j - WIDE, i)) for i in targets]))
    return found


def _draw_lane(axes: Axes, lane: Lane) -> None:
    colour = COLOURS[lane.seat]
    for (x, y), (to_x, to_y) in lane.lines:
        axes.plot([x, to_x], [y, to_y], color=colour, linewidth=1.4, solid_capstyle="butt")
    for start, end in lane.arrows:
        axes.annotate(
            "",
            end,
            start,
            arrowprops={
                "arrowstyle": "-|>",
                "color": colour,
                "linewidth": 1.4,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
