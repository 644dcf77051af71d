"""The exact games behind a result: matrix, equilibria and optimum of each regime."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from gtalign_agents.fourblock import PAYOFF_KEYS
from gtalign_env.core.exact import ConversationMatrix, normal_form
from gtalign_env.core.moves import VERBOSITIES
from gtalign_env.core.oracle import MOST_EXCHANGES, bayes_oracle
from gtalign_env.core.spec import GameSpec
from gtalign_training.plots.studies.portrait import portrait
from gtalign_training.report.parts import Game, Welfares

MOST_GAMES = 6
"""Regimes whose game is solved and shown; of a schedule with more, the first."""

NOTHING = 1e-9
"""Points; an error below it is rounding."""

STANDARD = VERBOSITIES[1]


def game_part(
    spec: GameSpec,
    matrix: ConversationMatrix,
    *,
    p_vague: float | None = None,
    played: Sequence[tuple[str, Welfares]] = (),
) -> Game:
    """Return the exact game of a regime as a part.

    Args:
        spec: The game.
        matrix: Its normal form.
        p_vague: How often the default user opens vaguely; None where another user played, against
            whom the optimum would be another.
        played: Names and welfares of what was played under it.
    """
    optimum = None
    # with continuous types the oracle takes minutes; the page is about what was played
    if p_vague is not None and spec.is_exact and spec.max_exchanges <= MOST_EXCHANGES:
        value = bayes_oracle(spec, p_vague).value
        optimum = (value.user, value.assistant, value.welfare)
    note = (
        "Expected welfare of every pair of plans, from the rules, without sampling."
        if matrix.error < NOTHING
        else f"Some types or lengths are continuous: payoffs are within about {matrix.error:.2g} points."
    )
    return Game(
        f"The game under {spec.regime.name}",
        portrait(matrix.game, f"{spec.name} under {spec.regime.name}", spec.welfare.disagreement),
        tuple(tuple(map(float, row)) for row in matrix.welfare),
        error=matrix.error,
        optimum=optimum,
        played=tuple(played),
        note=note,
    )


@lru_cache(maxsize=64)
def _solved(spec: GameSpec) -> ConversationMatrix:
    # several results of one game are solved once
    return normal_form(spec)


def exact_cells(matrix: ConversationMatrix) -> dict[str, tuple[float, float]]:
    """Return the six cells that models write, with their exact payoffs (user, assistant), points.

    Args:
        matrix: The normal form; answers are of standard length.
    """
    game = matrix.classic(STANDARD)
    return {
        f"{u}_{a}": (float(game.user[i, j]), float(game.assistant[i, j]))
        for i, u in enumerate(game.user_plans)
        for j, a in enumerate(game.assistant_plans)
        if f"{u}_{a}" in PAYOFF_KEYS
    }


def matrices(specs: Iterable[GameSpec]) -> dict[str, tuple[GameSpec, ConversationMatrix]]:
    """Return game and normal form by regime, of at most `MOST_GAMES` regimes.

    Args:
        specs: One a regime.
    """
    found: dict[str, tuple[GameSpec, ConversationMatrix]] = {}
    for spec in specs:
        if spec.regime.name not in found and len(found) < MOST_GAMES:
            found[spec.regime.name] = (spec, _solved(spec))
    return found
