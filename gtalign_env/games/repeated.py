"""Cooperation in a repeated game: which plans it means, strategies of it, how patient it must be.

References:
    Axelrod (1984), "The Evolution of Cooperation" (tit for tat); Nowak and Sigmund (1992, 1993)
    (generous tit for tat, win-stay lose-shift); Friedman (1971), "A non-cooperative equilibrium for
    supergames" (grim trigger).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gtalign_env.errors import SolverError
from gtalign_env.games.automata import Automaton
from gtalign_env.games.dilemma import strict_dilemmas
from gtalign_env.games.dilemma_meter import dilemma_meter
from gtalign_env.games.normal_form import FloatArray, NormalFormGame, Seat


class Cooperation(NamedTuple):
    """Which plans cooperate and which defect.

    Attributes:
        user: (cooperate, defect), indices of user plans.
        assistant: (cooperate, defect), indices of assistant plans.
        source: Where the names come from: ``strict dilemma``, ``orientation`` or ``given``.
    """

    user: tuple[int, int]
    assistant: tuple[int, int]
    source: str = "given"

    def own(self, seat: Seat) -> tuple[int, int]:
        """Return the seat's (cooperate, defect)."""
        return self.user if seat == "user" else self.assistant

    def other(self, seat: Seat) -> tuple[int, int]:
        """Return the other seat's (cooperate, defect)."""
        return self.assistant if seat == "user" else self.user


def cooperation_of(game: NormalFormGame) -> Cooperation:
    """Return which plans of a game cooperate and which defect.

    1. Of the strict prisoner's dilemmas in the game, the one in which both seats together gain most
       by cooperating, R - P; the first of equals.
    2. In a 2×2 game without one: a plan cooperates if the other seat's best payoff needs it.

    Args:
        game: The game, of shape ``(m, n)``.

    Raises:
        SolverError: Neither says which plans cooperate; name them yourself.
    """
    found = strict_dilemmas(game)
    if found:

        def gain(dilemma: tuple[tuple[int, int], tuple[int, int]]) -> float:
            (c, d), (cc, dd) = dilemma
            return float(sum(own[c, cc] - own[d, dd] for own in (game.user, game.assistant)))

        best = max(found, key=gain)
        return Cooperation(best.user, best.assistant, "strict dilemma")
    if game.shape == (2, 2):
        (only,) = dilemma_meter(game).restrictions
        if only.cooperate is not None:
            c, cc = only.cooperate
            return Cooperation((c, 1 - c), (cc, 1 - cc), "orientation")
    raise SolverError(
        f"game {game.name!r} holds no strict prisoner's dilemma that says which plans cooperate; "
        "name them: Cooperation(user=(cooperate, defect), assistant=(cooperate, defect)), or "
        "--cooperate USER,ASSISTANT --defect USER,ASSISTANT on the command line"
    )


def memory_one(
    name: str,
    cooperates: tuple[float, float, float, float],
    first: float,
    game: NormalFormGame,
    seat: Seat,
    cooperation: Cooperation,
) -> Automaton:
    """Return the automaton that looks at the last round only.

    A plan of the other seat that is not its cooperate counts as defection, and so does an own one.

    Args:
        name: What to call it.
        cooperates: Probability of cooperating after own and other's C C, C D, D C and D D.
        first: Probability of cooperating in the first round.
        game: The game, of shape ``(m, n)``.
        seat: Whose strategy.
        cooperation: Which plans cooperate.
    """
    c, d = cooperation.own(seat)
    other_c, _ = cooperation.other(seat)
    plans, others = game.shape if seat == "user" else game.shape[::-1]
    chances = np.array([*cooperates, first])
    outputs = np.zeros((5, plans))
    outputs[:, c] = chances
    outputs[:, d] = 1.0 - chances
    after = 2 * (np.arange(plans) != c)[:, None] + (np.arange(others) != other_c)[None, :]
    return Automaton(name, outputs, np.broadcast_to(after, (5, plans, others)), start=4)


def counting(
    name: str, tolerance: int, forgives: bool, game: NormalFormGame, seat: Seat,
    cooperation: Cooperation,
) -> Automaton:  # fmt: skip
    """Return the automaton that cooperates until so many defections in a row, then defects.

    Args:
        name: What to call it.
        tolerance: Defections in a row that it bears, from 1.
        forgives: Whether the other's next cooperation sets it back; if not, it defects for ever,
            and after a defection of its own hand too.
        game: The game, of shape ``(m, n)``.
        seat: Whose strategy.
        cooperation: Which plans cooperate.
    """
    c, d = cooperation.own(seat)
    other_c, _ = cooperation.other(seat)
    plans, others = game.shape if seat == "user" else game.shape[::-1]
    outputs = np.zeros((tolerance + 1, plans))
    outputs[:tolerance, c] = 1.0
    outputs[tolerance, d] = 1.0
    moves = np.zeros((tolerance + 1, plans, others), dtype=np.int64)
    for state in range(tolerance + 1):
        moves[state] = min(state + 1, tolerance)
        moves[state, :, other_c] = 0
        if not forgives:
            moves[state, np.arange(plans) != c, other_c] = min(state + 1, tolerance)
            if state == tolerance:
                moves[state] = tolerance
    return Automaton(name, outputs, moves)


class Critical(NamedTuple):
    """How patient the seats must be: least discount factor in [0, 1), or None where none suffices.

    Attributes:
        user: The user's.
        assistant: The assistant's.
    """

    user: float | None
    assistant: float | None

    @property
    def both(self) -> float | None:
        """The least that suffices for both seats."""
        if self.user is None or self.assistant is None:
            return None
        return max(self.user, self.assistant)


class _Stakes(NamedTuple):
    """One seat's payoffs: R, S, P, and the best that is not C against C and against D, points."""

    R: float
    S: float
    P: float
    tempted: float
    punished: float


def grim_discount(game: NormalFormGame, cooperation: Cooperation) -> Critical:
    """Return from which discount on grim triggers are a Nash equilibrium that cooperates.

    δ ≥ (M - R) / (M - N), where M is the best payoff against a cooperator and N the best against a
    defector, over all plans. In a 2×2 dilemma M = T and N = P. Where both defect's plans are best
    replies to each other, the equilibrium is subgame-perfect too.

    Args:
        game: The game, of shape ``(m, n)``.
        cooperation: Which plans cooperate.

    References:
        Friedman (1971), "A non-cooperative equilibrium for supergames".
    """

    def least(stakes: _Stakes) -> float | None:
        return _ratio(stakes.tempted - stakes.R, stakes.tempted - max(stakes.punished, stakes.S))

    return _of_seats(game, cooperation, least)


def tit_for_tat_discount(game: NormalFormGame, cooperation: Cooperation) -> Critical:
    """Return from which discount on two tits for tat are a Nash equilibrium.

    Against tit for tat one can defect for ever or every other round, and nothing is better than
    the best of these and cooperating: δ ≥ max((M - R) / (M - N), (M - R) / (R - S)), where M and N
    are the best payoffs of a plan that is not C against a cooperator and against a defector; T and
    P in a 2×2 game.

    Args:
        game: The game, of shape ``(m, n)``.
        cooperation: Which plans cooperate.

    References:
        Axelrod (1984), "The Evolution of Cooperation", appendix B, proposition 2.
    """

    def least(stakes: _Stakes) -> float | None:
        greed = stakes.tempted - stakes.R
        for_ever = _ratio(greed, stakes.tempted - stakes.punished)
        in_turn = _ratio(greed, stakes.R - stakes.S)
        return None if for_ever is None or in_turn is None else max(for_ever, in_turn)

    return _of_seats(game, cooperation, least)


def pavlov_discount(game: NormalFormGame, cooperation: Cooperation) -> Critical:
    """Return from which discount on two Pavlovs (win-stay, lose-shift) are subgame-perfect.

    A deviator is punished by one round of both defecting: δ ≥ (M - R) / (R - P), M the best payoff
    of a plan that is not C against a cooperator. And sitting out the punishment must be worth it:
    no plan but C beats defect against a defector, and P - S + δ(R - P) ≥ 0.

    Args:
        game: The game, of shape ``(m, n)``.
        cooperation: Which plans cooperate.

    References:
        Kraines and Kraines (1989), "Pavlov and the prisoner's dilemma"; Nowak and Sigmund (1993),
        "A strategy of win-stay, lose-shift".
    """

    def least(stakes: _Stakes) -> float | None:
        if stakes.punished > stakes.P:
            return None
        leave = _ratio(stakes.tempted - stakes.R, stakes.R - stakes.P)
        stay = _ratio(stakes.S - stakes.P, stakes.R - stakes.P)
        return None if leave is None or stay is None else max(leave, stay)

    return _of_seats(game, cooperation, least)


CRITICAL: dict[str, Callable[[NormalFormGame, Cooperation], Critical]] = {
    "grim": grim_discount,
    "tit_for_tat": tit_for_tat_discount,
    "pavlov": pavlov_discount,
}
"""How patient both seats must be, by the strategy that both play."""


def _of_seats(
    game: NormalFormGame, cooperation: Cooperation, least: Callable[[_Stakes], float | None]
) -> Critical:
    seats: tuple[Seat, Seat] = ("user", "assistant")
    return Critical(*(least(_stakes(game, seat, cooperation)) for seat in seats))


def _stakes(game: NormalFormGame, seat: Seat, cooperation: Cooperation) -> _Stakes:
    own: FloatArray = game.user if seat == "user" else game.assistant.T
    (c, d), (cc, dd) = cooperation.own(seat), cooperation.other(seat)
    rest = [k for k in range(len(own)) if k != c]
    R, S, P = float(own[c, cc]), float(own[c, dd]), float(own[d, dd])
    return _Stakes(R, S, P, float(own[rest, cc].max()), float(own[rest, dd].max()))


def _ratio(gain: float, loss: float) -> float | None:
    """Return the least δ in [0, 1) with gain ≤ δ·loss, or None."""
    if gain <= 0.0 and (loss >= 0.0 or gain <= loss):
        return 0.0
    if loss <= 0.0 or gain >= loss:
        return None
    ratio = gain / loss
    return ratio if math.isfinite(ratio) and ratio < 1.0 else None
