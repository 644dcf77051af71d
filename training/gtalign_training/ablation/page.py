"""An ablation told: as rows of a table, and as a page."""

from __future__ import annotations

from collections.abc import Sequence

from gtalign_training.ablation.results import EPSILON, Measure, Summary
from gtalign_training.recipe import Recipe

MEASURES = {
    "welfare": "W",
    "user": "U",
    "assistant": "L",
    "share": "of optimum",
    "gap_closed": "gap closed",
    "well_formed": "well-formed",
    "directions": "directions",
}
"""Of each run alone: name and heading."""

TOGETHER = {
    "difference": "W − first",
    "dominates": "dominates first",
    "dominated": "dominated by first",
    "coverage": "coverage",
    "regret": "regret",
    "hypervolume": "hypervolume",
    "on_frontier": "on frontier",
}
"""Of all runs of a seed together: name and heading."""


def head(found: Sequence[Summary], measures: dict[str, str] = MEASURES) -> tuple[str, ...]:
    """Return the headings of `rows_of`; what is the same in all runs has no column."""
    return ("reward", "format", *_changed(found), "seeds", *measures.values())


def rows_of(found: Sequence[Summary], measures: dict[str, str] = MEASURES) -> list[tuple[str, ...]]:
    """Return the rows of a table of summaries.

    Args:
        found: The summaries.
        measures: Names and headings of what to show.
    """
    return [
        (
            one.reward,
            one.format,
            *(value for _, value in one.changes),
            str(len(one.seeds)),
            *(_text(one.measures[name]) for name in measures),
        )
        for one in found
    ]


def _changed(found: Sequence[Summary]) -> tuple[str, ...]:
    return tuple(name for name, _ in found[0].changes) if found else ()


def _text(measure: Measure) -> str:
    mean, half = measure
    return f"{mean:.2f}" if half is None else f"{mean:.2f} ± {half:.2f}"


def page(base: Recipe, found: Sequence[Summary], both: Sequence[Summary], command: str) -> str:
    """Return the results as a Markdown page.

    Args:
        base: The recipe that was varied.
        found: The finished runs, each alone.
        both: Both sides' welfares, of the seeds all of whose runs are finished.
        command: What makes them.
    """
    lines = [
        f"# Ablation of {base.name}",
        "",
        f"Made from run folders by `{command}`. {base.description}",
        "",
        *tables(base, found, both),
    ]
    return "\n".join(lines) + "\n"


def tables(base: Recipe, found: Sequence[Summary], both: Sequence[Summary]) -> list[str]:
    """Return the lines of the tables with what a reader has to know; as `page`."""
    lines = [
        f"Held-out conversations of seed {base.evaluation.seed}, {base.evaluation.conversations} per price; "
        "points. Mean over seeds and half the width of its 95 % interval (Student's t); a single run has "
        "none. *Of optimum* is W as a share of the exact optimum's, *gap closed* the share of the way from "
        "the warm start to it, of the scenario's W, whatever was rewarded; *directions* the share of the "
        "pairs of prices whose optimal first moves differ and whose move mixes differ the same way.",
        "",
        *_markdown(head(found), rows_of(found)),
    ]
    if both:
        lines += [
            "",
            "Both sides together, the runs of a seed compared on the same conversations. *W − first*: paired "
            f"difference to {both[0].label}. *Dominates*: share of conversations in which it is better for one "
            "side and not worse for the other; *coverage*: share in which no other run dominates it; *regret*: "
            "mean Chebyshev distance to the frontier of the conversation, each side in units of its range; "
            "*hypervolume*: area that the mean (U, L) dominates, as a share of the square of both ranges; *on "
            "frontier*: whether no other run's mean is better for both (epsilon 0; the commands that compare "
            f"runs print {EPSILON} too).",
            "",
            *_markdown(head(both, TOGETHER), rows_of(both, TOGETHER)),
        ]
    return lines


def _markdown(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(names) + " |",
        "| " + " | ".join("---" for _ in names) + " |",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
