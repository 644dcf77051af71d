"""Which first moves a run ended with, beside the optimal ones."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtalign_env.core.moves import AssistantMove
from gtalign_env.errors import RunError
from gtalign_training.plots.look import INK, MOVE_COLOURS, by_row, picture, save, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OPENINGS = {"VQ": "vague query (VQ)", "DQ": "definite query (DQ)"}


def move_mix(table: dict[str, Any], out: Path) -> Path:
    """Draw the first moves before and after training, with the optimal one; return ``out``.

    Args:
        table: Has ``contexts``: rows with ``regime``, ``style``, ``opening``, ``oracle`` (the
            optimal move), ``margin`` (points of W by which it leads), and the shares of the moves
            ``before`` and ``after``.
        out: The PNG to write.

    Raises:
        MissingExtraError: Matplotlib is not installed.
        RunError: The table has no contexts.
    """
    rows = table["contexts"]
    if not rows:
        raise RunError("a picture of the move mix must have at least one context; got none")
    kinds = list(dict.fromkeys((row["style"], row["opening"]) for row in rows))
    regimes = list(dict.fromkeys(row["regime"] for row in rows))
    found = {(row["regime"], row["style"], row["opening"]): row for row in rows}
    columns = min(_MOST_COLUMNS, len(kinds))
    blocks = [kinds[k : k + columns] for k in range(0, len(kinds), columns)]
    lines = len(blocks) * len(regimes)
    with picture(0.75 + 0.42 * len(blocks) + _PITCH * lines) as figure:
        from matplotlib.patches import Patch

        panels = figure.subplots(lines, columns, sharex=True, squeeze=False)
        places = product(enumerate(blocks), enumerate(regimes))
        for line, ((_, block), (k, regime)) in enumerate(places):
            for column, panel in enumerate(panels[line]):
                row = found.get((regime, *block[column])) if column < len(block) else None
                if row is None:
                    panel.set_axis_off()
                    continue
                _mix_panel(panel, row, is_first=column == 0, is_last=line == lines - 1)
                if k == 0:
                    style, opening = block[column]
                    head = f"{style} user\n{OPENINGS.get(opening, opening)}"
                    panel.set_title(head, fontsize=9.5, pad=18)
        figure.supxlabel("share of first moves (%)", fontsize=9)
        patches = [Patch(color=colour, label=label) for label, colour in MOVE_COLOURS.items()]
        patches.append(
            Patch(facecolor="white", edgecolor=INK, linewidth=1.6, label="optimal move (its share)")
        )
        figure.legend(handles=by_row(patches, 4), loc="outside upper center", ncols=4)
        return save(figure, out)


_MOST_COLUMNS = 4
"""Users and questions side by side; more stand below."""

_PITCH = 0.66
"""Height of a regime in the picture, inches: a line of text and two bars."""

_LONGEST = 36
"""Characters of a regime's name that there is room for."""


def _mix_panel(panel: Axes, row: dict[str, Any], *, is_first: bool, is_last: bool) -> None:
    """Draw one context: both bars, with the optimal move and by how much it leads above."""
    best = f"best {row['oracle']}, by {row['margin']:.2f}"
    panel.text(0, 1.04, best, transform=panel.transAxes, va="bottom", fontsize=8)
    for y, when in enumerate(("before", "after")):
        _mix_bar(panel, y, row[when], row["oracle"])
    panel.set_yticks([0, 1], ["before", "after"] if is_first else ["", ""], fontsize=8.5)
    panel.set_ylim(1.5, -0.5)
    panel.set_xlim(0, 100)
    panel.set_xticks([0, 50, 100])
    panel.tick_params(axis="y", length=0)
    panel.tick_params(axis="x", labelbottom=is_last, bottom=is_last, labelsize=8.5)
    panel.spines[["left"] if is_last else ["left", "bottom"]].set_visible(False)
    if is_first:
        name = row["regime"]
        name = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        panel.set_ylabel(
            wrapped(name, 15),
            rotation=0,
            ha="right",
            va="center",
            fontweight="bold",
            fontsize=9,
        )


def _mix_bar(panel: Axes, y: float, shares: dict[str, float], optimal: str) -> None:
    left, outlined = 0.0, (0.0, 0.0)
    for move in AssistantMove:
        width = 100 * shares.get(move.label, 0.0)
        panel.barh(y, width, left=left, height=0.8, color=MOVE_COLOURS[move.label], linewidth=0)
        if move.label == optimal:
            outlined = (left, width)
        left += width
    if outlined[1] > 0:
        panel.barh(
            y,
            outlined[1],
            left=outlined[0],
            height=0.8,
            fill=False,
            edgecolor=INK,
            linewidth=1.6,
            clip_on=False,
        )
    panel.annotate(
        f"{outlined[1]:.0f} %",
        (100, y),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
    )
