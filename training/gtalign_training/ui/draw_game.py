"""A solved game as HTML: the verdict, the matrix with its marks, equilibria in words, the legend."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from gtalign_training.plots.studies.colours import COLOURS, ink_on
from gtalign_training.render.game import LEGEND as TERMS
from gtalign_training.studies.solved import DILEMMAS, said
from gtalign_training.ui.view import Cell, View, is_pure

USER_PLANS = {"VQ": "vague query", "DQ": "definite query"}
ASSISTANT_PLANS = {
    "DA:concise": "concise answer",
    "DA:standard": "standard answer",
    "DA:verbose": "verbose answer",
    "CQ": "asks back first",
    "AQ:concise": "concise, asks",
    "AQ:standard": "standard, asks",
    "AQ:verbose": "verbose, asks",
}
"""What each plan begins with, in words."""

MARKS = {"E": "equilibrium", "P": "Pareto", "O": "optimum"}
LEGEND = {**dict(TERMS), "O": "optimum: greatest joint welfare"}
"""What the marks of a cell mean."""


def named(label: str) -> str:
    """Return the label of a region or game without abbreviations.

    Args:
        label: As results have it.
    """
    return said(label).replace("strict PD", "strict prisoner's dilemma")


def draw_verdict(view: View) -> str:
    """Return the kind of dilemma and a headline; on a small screen also a line that stays in sight.

    Args:
        view: The game.
    """
    head, _ = view.verdict()
    count = len(view.settled)
    of = f"worst of {count} equilibria: " if count > 1 else ""
    return (
        f'<section class="gt-verdict"><p class="gt-head">{_chip(view.label)} '
        f"<strong>{escape(head)}</strong></p>"
        f'<p class="gt-bar" aria-hidden="true">{_chip(view.label)} '
        f"{escape(of + _equilibrium(view, view.worst()))}</p></section>"
    )


def draw_meaning(view: View) -> str:
    """Return what the headline means in this game.

    Args:
        view: The game.
    """
    return f"<p>{escape(view.verdict()[1])}</p>"


def _chip(label: str) -> str:
    colour = COLOURS[label]
    style = f"background:{colour};color:{ink_on(colour)}"
    words = label if label == DILEMMAS[0] else named(label)  # "neither" says too little alone
    return f'<span class="gt-chip" style="{style}">{escape(words)}</span>'


def draw_matrix(view: View) -> str:
    """Return the matrix, a row for each plan of the assistant and a column for each of the user.

    Args:
        view: The game.
    """
    users, assistants = view.game.user_plans, view.game.assistant_plans
    head = "".join(
        f'<th scope="col">{escape(USER_PLANS[plan])}<small>{escape(plan)}</small></th>'
        for plan in users
    )
    rows = []
    for j, plan in enumerate(assistants):
        name = f"{escape(ASSISTANT_PLANS[plan])}<small>{escape(plan)}</small>"
        cells = "".join(_cell(view, (i, j)) for i in range(len(users)))
        rows.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    about = "exact" if view.spec.is_exact else "close: some of its numbers are drawn from a density"
    caption = (
        'Points <b class="gt-u">user</b>, <b class="gt-l">assistant</b> a conversation; '
        f"the greener, the greater the joint welfare. Payoffs are {about}."
    )
    return (
        f'<table class="gt-matrix"><caption>{caption}</caption><thead><tr>'
        '<th class="gt-corner"><span>assistant ↓</span><span>user →</span></th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{_legend()}"
    )


def _cell(view: View, cell: Cell) -> str:
    marks = {
        "E": cell in view.equilibria,
        "P": cell in view.pareto,
        "O": cell == view.optimum,
    }
    kinds = "".join(f" gt-{mark.lower()}" for mark, holds in marks.items() if holds)
    badges = "".join(
        f'<abbr title="{MARKS[mark]}">{mark}</abbr>' for mark, holds in marks.items() if holds
    )
    user, assistant = view.game.user[cell], view.game.assistant[cell]
    worth = view.welfare[cell]
    about = (
        f"{view.name(cell)}: user {user:.3f}, assistant {assistant:.3f}, joint W {worth:.3f} points; "
        f"charge {view.charge[cell]:.4g} USD, {view.tokens[cell]:.0f} tokens"
    )
    return (
        f'<td class="gt-cell{kinds}" style="--w:{_share(view, cell):.2f}" title="{escape(about)}">'
        f'<span class="gt-marks">{badges}</span><span class="gt-u">{_number(user)}</span> '
        f'<span class="gt-l">{_number(assistant)}</span></td>'
    )


def _share(view: View, cell: Cell) -> float:
    """Return how high a cell's joint welfare lies among all, from 0 to 1."""
    low, spread = float(view.welfare.min()), float(np.ptp(view.welfare))
    return (float(view.welfare[cell]) - low) / spread if spread > 0 else 0.0


def _number(value: float) -> str:
    return f"{value + 0.0:.2f}".replace("-", "\u2212")


def _legend() -> str:
    items = "".join(
        f"<li><abbr>{mark}</abbr> {escape(about)}</li>" for mark, about in LEGEND.items()
    )
    return f'<ul class="gt-legend">{items}</ul>'


def draw_facts(view: View) -> str:
    """Return all equilibria, what the worst of them costs, and the optimum, in words.

    Args:
        view: The game.
    """
    lines = []
    for one in view.settled:
        kind = "pure equilibrium" if is_pure(one) else "mixed equilibrium"
        lines.append((kind, _equilibrium(view, one)))
    i, j = cell = view.optimum
    lines.append(
        (
            "optimum",
            f"{view.name(cell)}: user {view.game.user[i, j]:.2f}, assistant "
            f"{view.game.assistant[i, j]:.2f}, joint W {view.welfare[i, j]:.2f}",
        )
    )
    anarchy = view.solution["price_of_anarchy"]["joint"]
    lines.append(
        (
            "price of anarchy",
            "undefined, as the worst equilibrium has no positive joint welfare"
            if anarchy is None
            else f"{anarchy:.3g}: the optimum's joint welfare over the worst equilibrium's",
        )
    )
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in lines)
    return f'<dl class="gt-facts">{rows}</dl>'


def _equilibrium(view: View, one: dict[str, Any]) -> str:
    u, l = one["payoffs"]  # noqa: E741  # U and L, as the model writes them
    return f"{view.called(one)}: user {u:.2f}, assistant {l:.2f}"
