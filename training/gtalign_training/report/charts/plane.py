"""The payoffs of a game as points: user across, assistant up, with what matters marked."""

from __future__ import annotations

from collections.abc import Sequence

from gtalign_training.plots.studies.portrait import Portrait
from gtalign_training.report.charts.svg import (
    Box,
    Scale,
    around,
    chart,
    circle,
    key,
    line,
    meet,
    scale_of,
    text,
    text_box,
    x_axis,
    y_axis,
)
from gtalign_training.report.html import Child, Html, joined, tag
from gtalign_training.report.parts import Welfares
from gtalign_training.report.words import number
from gtalign_training.statistics import Interval

PLAYED = ("p1", "p2", "p3", "p4")
"""Classes of what was played, in order; more are drawn like the last."""

DOT, RING, STAR, DIAMOND = 5.0, 10.0, 13.0, 7.0
"""How far each mark reaches from its place, units."""

AROUND = (
    *((10, 4, "start"), (-10, 4, "end"), (0, -10, "middle"), (0, 19, "middle")),
    *((8, -8, "start"), (-8, -8, "end"), (8, 16, "start"), (-8, 16, "end")),
    *((16, 4, "start"), (-16, 4, "end"), (0, -17, "middle"), (0, 26, "middle")),
    *((15, -14, "start"), (-15, -14, "end"), (15, 22, "start"), (-15, 22, "end")),
)
"""Places of a name beside its point, units, the best first."""


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
            drawn.append(circle(x(u), y(a), RING - 1.5, "ring", _told("Nash equilibrium", u, a)))
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
        taken = [around(x(u), y(a), DOT) for u, a in points]
        taken += [around(x(u), y(a), RING) for u, a in marks]
        star = points[best[0] * n + best[1]]
        taken.append(around(x(star[0]), y(star[1]), STAR))
        if optimum is not None:
            taken.append(around(x(optimum[0]), y(optimum[1]), DIAMOND))
        for _, us, them in runs:
            taken.append(
                (x(us.low) - DOT, y(them.mean) - DOT, x(us.high) + DOT, y(them.mean) + DOT)
            )
            taken.append(
                (x(us.mean) - DOT, y(them.high) - DOT, x(us.mean) + DOT, y(them.low) + DOT)
            )
        drawn.append(_names(shown, points, x, y, taken, (left, top, right, bottom)))
        return height, drawn

    entries = [("dot cell", "a pair of plans"), ("dot pareto", "Pareto-undominated")]
    if marks:
        entries.append(("dot ring", "Nash equilibrium"))
    entries.append(("box star", "pair with the greatest joint W"))
    if optimum is not None:
        entries.append(("box diamond", "best assistant that cannot see the type"))
    entries += [
        (f"dot {PLAYED[min(k, len(PLAYED) - 1)]}", f"played: {name}{_spread(us, them)}")
        for k, (name, us, them) in enumerate(runs)
    ]
    said = f"Payoffs of {shown.title}: user’s U across, assistant’s L up"
    return joined(chart(said, draw), key(entries))


def _spread(us: Interval, them: Interval) -> str:
    """Return what the bars of what was played are; what is exact has none."""
    return ", 95\u202f% intervals" if us.high > us.low or them.high > them.low else ""


def _told(name: str, u: float, a: float) -> str:
    return f"{name}: U {number(u)}, L {number(a)} points"


def _star(x: float, y: float) -> Html:
    return tag(
        "path", d=f"M{x - STAR:g},{y:g}h{2 * STAR:g}M{x:g},{y - STAR:g}v{2 * STAR:g}", class_="star"
    )


def _diamond(x: float, y: float, told: str) -> Html:
    path = f"M{x:g},{y - DIAMOND:g}l7,7l-7,7l-7,-7z"
    return tag("path", tag("title", told), d=path, class_="diamond")


def _names(
    shown: Portrait,
    points: Sequence[tuple[float, float]],
    x: Scale,
    y: Scale,
    marks: Sequence[Box],
    plot: Box,
) -> list[Html]:
    """Return the names of the points, each where it hides no other name and no mark.

    The most telling come first; a point beside which there is no room tells its name when it is
    pointed at, and so does every other.

    Args:
        shown: The game.
        points: Its payoffs.
        x: The scale across.
        y: The scale up.
        marks: What is drawn already.
        plot: Where names may stand.
    """
    n = shown.game.shape[1]
    pure = {cell[0] * n + cell[1] for cell in shown.pure}
    pareto = {i * n + j for i, j in shown.pareto}
    order = sorted(range(len(points)), key=lambda k: (k not in pure, k not in pareto, k))
    taken = list(marks)
    out = []
    for k in order:
        name = shown.name(k).replace(" x ", " × ")
        px, py = x(points[k][0]), y(points[k][1])
        for dx, dy, anchor in AROUND:
            box = text_box(px + dx, py + dy, name, anchor)
            inside = (
                plot[0] <= box[0]
                and box[2] <= plot[2]
                and plot[1] - 10 <= box[1]
                and box[3] <= plot[3]
            )
            if inside and not any(meet(box, other) for other in taken):
                taken.append(box)
                out.append(text(px + dx, py + dy, name, "tick named", anchor))
                break
    return out
