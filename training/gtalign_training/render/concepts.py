"""Solution concepts as text for a terminal of 80 columns: what each means, and what it says here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console

from gtalign_env.games.nash import Equilibria
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_training.render.game import heading, mixture, say

MOST_SHOWN = 8
"""Sets of equilibria, or cells of a cycle, that are listed; the rest is counted."""


def render_components(console: Console, game: NormalFormGame, equilibria: Equilibria) -> None:
    """Say how the equilibria of a degenerate game hang together.

    Args:
        console: Where to print.
        game: The game, of shape ``(m, n)``.
        equilibria: All its extreme equilibria.
    """
    console.print()
    heading(console, "Ties: the equilibria above are the extreme points of all of them")
    components = equilibria.components
    wide = [component for component in components if not component.isolated]
    if not wide:
        say(console, "Some plan ties, yet every equilibrium stands alone: these are all.")
        return
    alone = len(components) - len(wide)
    say(
        console,
        f"{len(wide)} connected set{'s' * (len(wide) > 1)} of infinitely many equilibria"
        + (f", and {alone} that stand{'s' * (alone == 1)} alone." if alone else "."),
    )
    subsets = [subset for component in wide for subset in component.subsets]
    for subset in subsets[:MOST_SHOWN]:
        user = " | ".join(mixture(x, game.user_plans) for x in subset.user)
        assistant = " | ".join(mixture(y, game.assistant_plans) for y in subset.assistant)
        say(console, f"any mixture of: {user}; with any of: {assistant}")
    if len(subsets) > MOST_SHOWN:
        say(console, f"and {len(subsets) - MOST_SHOWN} such sets more; --concept components --json")


def render_concepts(console: Console, game: NormalFormGame, concepts: dict[str, Any]) -> None:
    """Print what the concepts say of a game.

    Args:
        console: Where to print.
        game: The game, of shape ``(m, n)``.
        concepts: What `gtalign_env.games.concepts.solve_concepts` gave for it.
    """
    for name, found in concepts.items():
        title, lines = RENDERED[name]
        console.print()
        heading(console, title)
        for line in lines(game, found):
            say(console, line)


def _components(game: NormalFormGame, found: list[dict[str, Any]]) -> Iterator[str]:
    for number, component in enumerate(found, start=1):
        members = [str(e + 1) for e in component["equilibria"]]
        if len(members) == 1:
            yield f"{number}. equilibrium {members[0]} of the list above, alone"
        else:
            yield f"{number}. equilibria {', '.join(members)} of the list above, connected"


def _anarchy(game: NormalFormGame, found: dict[str, Any]) -> Iterator[str]:
    for name, prices in found.items():
        anarchy, stability = (_ratio(prices[which]) for which in ("anarchy", "stability"))
        yield f"{name}: anarchy {anarchy}, stability {stability}"


def _dominance(game: NormalFormGame, found: dict[str, Any]) -> Iterator[str]:
    words = {
        "strict": "strictly, by plans",
        "mixed": "strictly, by mixtures (what is left is rationalizable)",
        "weak": "weakly, both sides at once in each round",
    }
    plans = {"user": game.user_plans, "assistant": game.assistant_plans}
    for kind, left in found.items():
        if kind != "strict" and left == found["strict"]:
            yield f"{words[kind]}: the same"
            continue
        yield f"{words[kind]}: left are {', '.join(left['user'])} x {', '.join(left['assistant'])}"
        for removal in left["removals"]:
            by = mixture(removal["by"], plans[removal["seat"]])
            yield f"  round {removal['round']}: {removal['seat']} drops {removal['plan']} for {by}"


def _security(game: NormalFormGame, found: dict[str, Any]) -> Iterator[str]:
    for seat, plans in _seats(game):
        secured = found[seat]
        yield f"{seat}: {secured['value']:.4g} points, by {mixture(secured['mixture'], plans)}"
    if found["zero_sum_value"] is not None:
        yield f"The payoffs have a constant sum: the value is {found['zero_sum_value']:.4g}."


def _mediated(game: NormalFormGame, found: dict[str, Any]) -> Iterator[str]:
    for name, ends in found.items():
        alike = ends["best"]["distribution"] == ends["worst"]["distribution"]
        for which in ("best",) if alike else ("best", "worst"):
            end = ends[which]
            yield (
                f"{'best and worst' if alike else which} for {name}: {end['value']:.4g} "
                f"({_payoffs(end['payoffs'])}) by {_cells(game, end['distribution'])}"
            )


def _stackelberg(game: NormalFormGame, found: dict[str, Any]) -> Iterator[str]:
    for seat, plans in _seats(game):
        for kind in ("mixed", "pure"):
            best = found[seat][kind]
            yield (
                f"{seat} leads, {'any mixture' if kind == 'mixed' else 'plans only'}: "
                f"{mixture(best['mixture'], plans)}, answered by {best['reply']}: "
                f"{_payoffs(best['payoffs'])}"
            )


def _replies(game: NormalFormGame, found: dict[str, Any]) -> Iterator[str]:
    for sink in found["sinks"]:
        cells = [f"{game.user_plans[i]} x {game.assistant_plans[j]}" for i, j in sink[:MOST_SHOWN]]
        more = f" and {len(sink) - MOST_SHOWN} more" if len(sink) > MOST_SHOWN else ""
        ends = "ends in" if len(sink) == 1 else "goes round among"
        yield f"{ends} {', '.join(cells)}{more}"
    guide = found["potential"]
    yield "no potential: gains can go round" if guide is None else f"{guide['kind']} potential"


def _quantal(game: NormalFormGame, found: dict[str, Any]) -> Iterator[str]:
    for point in (*found["responses"], found["limit"]):
        user = mixture(point["user"], game.user_plans, least=5e-4)
        assistant = mixture(point["assistant"], game.assistant_plans, least=5e-4)
        yield f"{point['precision']:.4g} / point: {user} x {assistant}"


def _bargaining(game: NormalFormGame, found: dict[str, Any]) -> Iterator[str]:
    yield f"without agreement: {_payoffs(found['disagreement'])}"
    for name in ("nash", "kalai_smorodinsky"):
        agreed, words = found[name], name.replace("_", "-").title()
        if agreed is None:
            yield f"{words}: nothing feasible is better for both"
        else:
            yield f"{words}: {_payoffs(agreed['payoffs'])} by {_cells(game, agreed['distribution'])}"


Lines = Callable[[NormalFormGame, Any], Iterator[str]]

RENDERED: dict[str, tuple[str, Lines]] = {
    "components": ("Connected sets of equilibria", _components),
    "anarchy": ("Optimum over worst (anarchy) and best (stability) equilibrium", _anarchy),
    "dominance": ("Iterated removal of dominated plans", _dominance),
    "security": ("Security: what each side has whatever the other does", _security),
    "correlated": ("Correlated equilibria: a mediator advises, following pays", _mediated),
    "coarse": ("Coarse correlated equilibria: committing to follow pays", _mediated),
    "stackelberg": ("Stackelberg: one side commits first, the other replies", _stackelberg),
    "replies": ("Play by best replies, a side at a time", _replies),
    "qre": ("Logit quantal responses, by precision", _quantal),
    "bargaining": ("Bargaining over all mixtures of outcomes", _bargaining),
}
"""How each concept is headed and told."""


def _seats(game: NormalFormGame) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("user", game.user_plans), ("assistant", game.assistant_plans)


def _payoffs(pair: list[float]) -> str:
    return f"user {pair[0]:.4g}, assistant {pair[1]:.4g}"


def _ratio(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _cells(game: NormalFormGame, distribution: list[list[float]]) -> str:
    shares = [
        (p, f"{game.user_plans[i]} x {game.assistant_plans[j]}")
        for i, row in enumerate(distribution)
        for j, p in enumerate(row)
        if p > 0
    ]
    if len(shares) == 1:
        return shares[0][1]
    return " + ".join(f"{p:.4g} ({cell})" for p, cell in shares)
