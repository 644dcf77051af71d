"""The best-reply graph of a game: its matrix, with an arrow wherever a seat gains by moving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gtalign_env.games.normal_form import Cell, Seat
from gtalign_training.plots.look import INK, WIDTH, picture, save, wrapped
from gtalign_training.plots.studies.payoffs import EQUILIBRIUM, PARETO
from gtalign_training.plots.studies.portrait import Portrait

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: dict[Seat, str] = {"user": "#0072b2", "assistant": "#d55e00"}

TALL, WIDE = 0.3, 0.42
"""Half the height and width of a cell's box, in units of the distance between cells."""

NOTE = "In a cell: user U over assistant L (points). Where no arrow leads out, play stays."

SIDE, LETTER = 24, 0.075
"""Characters of a line of the user's plans beside the rows, and inches of a character."""

MOST_LARGE = 8
"""Columns of a game whose payoffs are written at full size."""

MOST_UPRIGHT = 4
"""Lines of a heading over a column; one that needs more is turned."""

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
    rows = [wrapped(plan, SIDE) for plan in shown.game.user_plans]
    columns, turned, extra = _headings(shown, rows)
    with picture(1.75 + 0.95 * m + extra) as figure:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        axes = figure.subplots()
        for cell in ((i, j) for i in range(m) for j in range(n)):
            _box(axes, shown, Cell(*cell), 8.5 if n <= MOST_LARGE else 6.5)
        for lane in lanes(shown):
            _draw_lane(axes, lane)
        axes.set_xlim(-0.55, n - 0.45)
        axes.set_ylim(m - 0.6, -0.55)
        turn: dict[str, Any] = {"rotation": 40, "ha": "left", "rotation_mode": "anchor"}
        axes.set_xticks(range(n), columns, **(turn if turned else {}))
        axes.set_yticks(range(m), rows)
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
            title=wrapped(f"Best replies: {shown.title}", 88),
            title_fontproperties={"size": 11, "weight": "bold"},
            alignment="left",
        )
        figure.supxlabel(NOTE, x=0.012, ha="left", fontsize=8, color="#555555")
        return save(figure, out)


def _headings(shown: Portrait, rows: list[str]) -> tuple[list[str], bool, float]:
    """Return the headings of the columns, whether they are turned, and the height they add.

    Args:
        shown: The game.
        rows: The names beside the rows, in lines.
    """
    beside = max(len(line) for row in rows for line in row.split("\n"))
    room = (WIDTH - 0.6 - LETTER * beside) / shown.game.shape[1]  # inches of a column
    upright = [wrapped(plan, int(room / LETTER)) for plan in shown.game.assistant_plans]
    lines = [heading.split("\n") for heading in upright]
    widest = max(len(line) for heading in lines for line in heading)
    if widest * LETTER <= room and max(map(len, lines)) <= MOST_UPRIGHT:
        return upright, False, 0.15 * (max(map(len, lines)) - 1)
    turned = [wrapped(plan, 2 * SIDE) for plan in shown.game.assistant_plans]
    longest = max(len(line) for heading in turned for line in heading.split("\n"))
    return turned, True, LETTER * longest * 0.65  # the sine of the angle


def _box(axes: Axes, shown: Portrait, cell: Cell, size: float) -> None:
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
    axes.text(j, i, text, ha="center", va="center", fontsize=size, color=INK, linespacing=1.5)


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
