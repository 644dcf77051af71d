"""Which first moves a run ended with, beside the optimal ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtalign_env.core.moves import AssistantMove
from gtalign_env.errors import RunError
from gtalign_training.plots.look import INK, MOVE_COLOURS, by_row, picture, save

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
    columns = min(2, len(kinds))
    lines = math.ceil(len(kinds) / columns)
    with picture(1.0 + lines * (0.62 + 0.25 * _PITCH * len(regimes))) as figure:
        from matplotlib.patches import Patch

        panels = figure.subplots(lines, columns, sharex=True, squeeze=False).ravel()
        for panel, kind in zip(panels, kinds, strict=False):
            _mix_panel(panel, kind, [r for r in rows if (r["style"], r["opening"]) == kind])
        for panel in panels[len(kinds) :]:
            panel.set_axis_off()
        for panel in panels[max(0, len(kinds) - columns) : len(kinds)]:
            panel.set_xlabel("share of first moves (%)")
            panel.tick_params(labelbottom=True)
        patches = [Patch(color=colour, label=label) for label, colour in MOVE_COLOURS.items()]
        patches.append(
            Patch(facecolor="white", edgecolor=INK, linewidth=1.6, label="optimal move (its share)")
        )
        figure.legend(handles=by_row(patches, 4), loc="outside upper center", ncols=4)
        return save(figure, out)


_PITCH = 3.9
"""Height of one regime in a panel of the move mix: two lines of text, two bars and a gap."""

_LONGEST = 36
"""Characters of a regime's name that fit into a panel."""


def _mix_panel(panel: Axes, kind: tuple[str, str], rows: Sequence[dict[str, Any]]) -> None:
    style, opening = kind
    panel.set_title(f"{style} user, {OPENINGS.get(opening, opening)}")
    ticks = []
    for i, row in enumerate(rows):
        top = i * _PITCH
        name = row["regime"]
        name = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        panel.text(0, top, name, va="center", fontweight="bold", fontsize=9)
        best = f"optimal: {row['oracle']}, by {row['margin']:.2f} points of W"
        panel.text(0, top + 0.8, best, va="center", fontsize=8.5)
        for y, when in ((top + 1.7, "before"), (top + 2.55, "after")):
            _mix_bar(panel, y, row[when], row["oracle"])
            ticks.append((y, when))
    panel.set_yticks([y for y, _ in ticks], [when for _, when in ticks])
    panel.set_ylim(len(rows) * _PITCH - 0.85, -0.6)
    panel.set_xlim(0, 100)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)


def _mix_bar(panel: Axes, y: float, shares: dict[str, float], optimal: str) -> None:
    left, outlined = 0.0, (0.0, 0.0)
    for move in AssistantMove:
        width = 100 * shares.get(move.label, 0.0)
        panel.barh(y, width, left=left, height=0.72, color=MOVE_COLOURS[move.label], linewidth=0)
        if move.label == optimal:
            outlined = (left, width)
        left += width
    if outlined[1] > 0:
        panel.barh(
            y,
            outlined[1],
            left=outlined[0],
            height=0.72,
            fill=False,
            edgecolor=INK,
            linewidth=1.6,
            clip_on=False,
        )
    panel.annotate(
        f"{outlined[1]:.0f} %",
        (100, y),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
    )
