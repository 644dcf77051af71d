"""The exact game: its matrix with what is marked, and its payoffs as points."""

from __future__ import annotations

from gtalign_training.report.charts.plane import plane_chart
from gtalign_training.report.html import Child, Html, joined, tag
from gtalign_training.report.parts import Game
from gtalign_training.report.sections.base import build, scroller
from gtalign_training.report.words import number, percent

MARKS = (
    ("nash", "E", "equilibrium: neither side gains by another plan alone"),
    ("pareto", "P", "Pareto: no other cell is better for one side and no worse for the other"),
    ("top", "O", "optimum: greatest joint welfare"),
)
"""Class, sign and meaning of the marks of a cell."""


@build.register
def _(part: Game) -> Html:
    game = part.portrait.game
    m, n = game.shape
    top = max(
        ((i, j) for i in range(m) for j in range(n)), key=lambda at: part.welfare[at[0]][at[1]]
    )
    head = tag(
        "tr",
        tag("td", "user ↓  assistant →", class_="corner"),
        [tag("th", plan, scope="col") for plan in game.assistant_plans],
    )
    rows = [
        tag(
            "tr",
            tag("th", plan, scope="row"),
            [_cell(part, i, j, top) for j in range(n)],
        )
        for i, plan in enumerate(game.user_plans)
    ]
    legend = tag(
        "ul",
        tag(
            "li",
            tag("span", "U", class_="user"),
            " user, ",
            tag("span", "L", class_="assistant"),
            " assistant, points",
        ),
        [
            tag("li", tag("span", sign, class_=f"badge {look}"), f" {said}")
            for look, sign, said in MARKS
        ],
        class_="key",
    )
    matrix = tag("table", tag("thead", head), tag("tbody", rows), class_="matrix")
    optimum = part.optimum
    plane = plane_chart(part.portrait, top, None if optimum is None else optimum[:2], part.played)
    return joined(legend, scroller(matrix), _said(part), plane)


def _cell(part: Game, i: int, j: int, top: tuple[int, int]) -> Html:
    portrait = part.portrait
    found = {
        "nash": (i, j) in {tuple(cell) for cell in portrait.pure},
        "pareto": (i, j) in {tuple(cell) for cell in portrait.pareto},
        "top": (i, j) == top,
    }
    badges: list[Child] = [
        tag("abbr", sign, title=said, class_=f"badge {look}")
        for look, sign, said in MARKS
        if found[look]
    ]
    game = portrait.game
    return tag(
        "td",
        tag("div", number(float(game.user[i, j]), 2), class_="user"),
        tag("div", number(float(game.assistant[i, j]), 2), class_="assistant"),
        tag("div", "W ", number(part.welfare[i][j], 2), class_="dim"),
        tag("div", badges, class_="badges"),
        class_="cell" + (" is-nash" if found["nash"] else ""),
    )


def _said(part: Game) -> Html:
    """Return equilibria and optimum in words."""
    portrait = part.portrait
    game = portrait.game
    lines: list[Child] = []
    for found in portrait.equilibria:
        user, assistant = found.profile
        plans = [
            " + ".join(
                name if share > 1 - 1e-9 else f"{name} {percent(share, 0)}"
                for name, share in zip(names, shares, strict=True)
                if share > 1e-9
            )
            for names, shares in ((game.user_plans, user), (game.assistant_plans, assistant))
        ]
        u, a = found.payoffs
        lines.append(
            tag(
                "li",
                tag("b", "Equilibrium: "),
                f"{plans[0]} × {plans[1]}; U {number(u, 2)}, L {number(a, 2)}",
            )
        )
    if part.optimum is not None:
        u, a, w = part.optimum
        lines.append(
            tag(
                "li",
                tag("b", "Optimum: "),
                f"the best assistant that cannot see the user’s type gets W {number(w, 2)} (U {number(u, 2)}, L {number(a, 2)})",
            )
        )
    return tag("ul", lines, class_="plain")
