"""The first thing that a report says: the welfares, what is wrong, what was run."""

from __future__ import annotations

from collections.abc import Sequence

from gtalign_training.report.html import Child, Html, breakable, tag
from gtalign_training.report.parts import SIDES, Folder, WelfareRows
from gtalign_training.report.sections import build
from gtalign_training.report.words import number

KINDS = {
    "run": "run",
    "evaluation": "evaluation",
    "training": "training run",
    "ablation": "ablation",
    "data": "evaluation over rows",
    "sweep": "sweep",
    "folder": "folder",
}
"""What a kind of folder is called."""


def summary_section(title: str, folders: Sequence[Folder]) -> Html:
    """Return the summary: welfares first, then what is wrong, what was run, on what.

    Args:
        title: Of the page.
        folders: At least one.
    """
    return tag(
        "section",
        tag("h1", breakable(title)),
        _together(folders),
        [_card(folder, alone=len(folders) == 1) for folder in folders],
        id="summary",
    )


def _together(folders: Sequence[Folder]) -> Child:
    """Return the welfares of several results on one axis."""
    rows = tuple((one.name, 0, one.headline) for one in folders if one.headline)
    if len(folders) < 2 or not rows:
        return None
    return build(WelfareRows("Welfare of each result", rows))


def _card(folder: Folder, *, alone: bool) -> Html:
    """Return what there is to know of a folder first: numbers, problems, what it was."""
    heading = (
        []
        if alone
        else [tag("h2", breakable(folder.name)), tag("p", breakable(folder.title), class_="lead")]
    )
    figures = [
        tag(
            "div",
            tag("div", name, class_="figure-name"),
            tag("div", number(folder.headline[side].mean, 2), class_=f"figure-value {side}"),
            tag("div", _span(folder, side), class_="figure-span"),
            class_="figure",
        )
        for side, name in SIDES
        if side in folder.headline and alone
    ]
    problems = [
        tag("ul", [tag("li", one) for one in folder.problems], class_="problems", role="status")
    ]
    facts = tag(
        "dl", [[tag("dt", name), tag("dd", value)] for name, value in folder.about], class_="facts"
    )
    note = f"Points a conversation: {folder.headline_note}." if folder.headline else None
    brief = tag(
        "p", [tag("span", f"{name} ", tag("b", _cut(value))) for name, value in _brief(folder)]
    )
    about = f"What was run ({KINDS.get(folder.kind, folder.kind)} {folder.name})"
    return tag(
        "article",
        heading,
        problems if folder.problems else None,
        tag("div", figures, class_="figures") if figures else None,
        tag("p", note, class_="note") if note else None,
        tag("div", brief, class_="brief"),
        tag("details", tag("summary", about), facts, class_="fold"),
        class_="card",
    )


BRIEF = (
    *(
        "user",
        "assistant",
        "assistants",
        "scenarios",
        "prices",
        "personas",
        "users",
        "algorithm",
        "NashConv",
    ),
    *("rows", "judge", "rewards", "formats", "seeds", "conversations", "held-out conversations"),
    *("points", "seed", "status", "gtalign-env", "scenario hash", "scenario hashes", "study hash"),
)
"""What is told of a folder at once; the rest is folded."""

HASH, LONG = 64, 48
"""Letters of a hash, and of the longest fact that is told at once."""


def _brief(folder: Folder) -> list[tuple[str, str]]:
    facts = dict(folder.about)
    return [(name, facts[name]) for name in BRIEF if name in facts]


def _cut(value: str) -> str:
    words = value.split()
    if max(map(len, words), default=0) == HASH:
        return " ".join(f"{word[:10]}…" for word in words)
    return value if len(value) <= LONG else f"{value[: LONG - 1]}…"


def _span(folder: Folder, side: str) -> str:
    one = folder.headline[side]
    if folder.exact:
        return "exact"
    return f"{number(one.low, 2)} to {number(one.high, 2)}"
