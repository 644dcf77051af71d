"""The payoffs of a game as points: user across, assistant up, with what matters marked."""

from __future__ import annotations

from collections.abc import Sequence

from gtalign_training.plots.studies.portrait import Portrait
from gtalign_training.report.charts.svg import (
    LETTER,
    Scale,
    chart,
    circle,
    key,
    line,
    scale_of,
    text,
    x_axis,
    y_axis,
)
from gtalign_training.report.html import Child, Html, joined, tag
from gtalign_training.report.parts import Welfares
from gtalign_training.report.words import number

PLAYED = ("p1", "p2", "p3", "p4")
"""Classes of what was played, in order; more are drawn like the last."""


def plane_chart(
    shown: Portrait,
    best: tuple[int, int],
    optimum: tuple[float, float] | None,
    played: Sequence[tuple[str, Welfares]],
) -> Html:
    """Return the payoffs of a game, with its key.

    Args:
        shown: The game and what is marked.
        best: The cell with the greatest W.
        optimum: U and L of the best assistant; None where it was not solved for.
        played: Names and welfares of what was played.
    """
    points = [(float(u), float(a)) for u, a in shown.points]
    marks = [tuple(map(float, found.payoffs)) for found in shown.equilibria]
    n = shown.game.shape[1]
    pareto = {i * n + j for i, j in shown.pareto}
    runs = [(name, found["user"], found["assistant"]) for name, found in played]
    across = [p[0] for p in points] + [x for _, u, _ in runs for x in u]
    up = [p[1] for p in points] + [x for _, _, a in runs for x in a]
    if optimum is not None:
        across.append(optimum[0])
        up.append(optimum[1])

    def draw(width: int) -> tuple[int, Child]:
        height = 420 if width > 500 else 320
        left, right, top, bottom = 40.0, width - 14.0, 26.0, height - 44.0
        x = scale_of(across, left, right, margin=0.09)
        y = scale_of(up, bottom, top, margin=0.09)
        hull = " ".join(f"{x(float(u)):g},{y(float(a)):g}" for u, a in shown.hull)
        drawn: list[Child] = [
            text(0, 12, "assistant’s L (points)", "label"),
            x_axis(x, top, bottom, "user’s U (points)", 4 if width < 500 else 8),
            y_axis(y, left, right),
            tag("polygon", points=hull, class_="hull"),
        ]
        for k, (u, a) in enumerate(points):
            look = "dot pareto" if k in pareto else "dot cell"
            drawn.append(circle(x(u), y(a), 4.0, look, _told(shown.name(k), u, a)))
        for u, a in marks:
            drawn.append(circle(x(u), y(a), 8.5, "ring", _told("Nash equilibrium", u, a)))
        drawn.append(
            _star(x(points[best[0] * n + best[1]][0]), y(points[best[0] * n + best[1]][1]))
        )
        if optimum is not None:
            drawn.append(_diamond(x(optimum[0]), y(optimum[1]), _told("optimum", *optimum)))
        for k, (name, us, them) in enumerate(runs):
            look = PLAYED[min(k, len(PLAYED) - 1)]
            drawn.append(line(x(us.low), y(them.mean), x(us.high), y(them.mean), f"bar {look}"))
            drawn.append(line(x(us.mean), y(them.low), x(us.mean), y(them.high), f"bar {look}"))
            told = _told(name, us.mean, them.mean)
            drawn.append(circle(x(us.mean), y(them.mean), 4.5, f"dot {look}", told))
        drawn.append(_names(shown, points, x, y, (left, right), width))
        return height, drawn

    entries = [("dot cell", "a pair of plans"), ("dot pareto", "Pareto-undominated")]
    if marks:
        entries.append(("dot ring", "Nash equilibrium"))
    entries.append(("box star", "pair with the greatest joint W"))
    if optimum is not None:
        entries.append(("box diamond", "best assistant that cannot see the type"))
    entries += [
        (f"dot {PLAYED[min(k, len(PLAYED) - 1)]}", f"played: {name}, 95\u202f% intervals")
        for k, (name, _, _) in enumerate(runs)
    ]
    said = f"Payoffs of {shown.title}: user’s U across, assistant’s L up"
    return joined(chart(said, draw), key(entries))


def _told(name: str, u: float, a: float) -> str:
    return f"{name}: U {number(u)}, L {number(a)} points"


def _star(x: float, y: float) -> Html:
    return tag("path", d=f"M{x - 13:g},{y:g}h26M{x:g},{y - 13:g}v26", class_="star")


def _diamond(x: float, y: float, told: str) -> Html:
    path = f"M{x:g},{y - 7:g}l7,7l-7,7l-7,-7z"
    return tag("path", tag("title", told), d=path, class_="diamond")


def _names(
    shown: Portrait,
    points: Sequence[tuple[float, float]],
    x: Scale,
    y: Scale,
    sides: tuple[float, float],
    width: int,
) -> list[Html]:
    """Return the names of the points, each where it hides no other; the most telling first."""
    n = shown.game.shape[1]
    pure = {cell[0] * n + cell[1] for cell in shown.pure}
    pareto = {i * n + j for i, j in shown.pareto}
    order = sorted(range(len(points)), key=lambda k: (k not in pure, k not in pareto, k))
    taken = [(x(u) - 5, y(a) - 5, x(u) + 5, y(a) + 5) for u, a in points]
    out = []
    for k in order:
        name = shown.name(k).replace(" x ", " × ")
        long = len(name) * LETTER
        px, py = x(points[k][0]), y(points[k][1])
        for dx, dy, anchor in (
            (11, 4, "start"),
            (-11, 4, "end"),
            (0, -12, "middle"),
            (0, 20, "middle"),
        ):
            start = {"start": px + dx, "end": px + dx - long, "middle": px - long / 2}[anchor]
            box = (start, py + dy - 11, start + long, py + dy + 3)
            inside = box[0] >= sides[0] and box[2] <= sides[1] and box[1] > 14
            mine = (px - 5, py - 5, px + 5, py + 5)
            if inside and not any(_meet(box, other) for other in taken if other != mine):
                taken.append(box)
                out.append(text(px + dx, py + dy, name, "tick", anchor))
                break
    return out


def _meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
