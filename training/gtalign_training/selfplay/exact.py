"""Best responses in turns, computed: no sampling and no network.

A response is solved against the other seat's policy with a tremble: with a small probability the
other does anything that is legal. So it knows what to do at every history, as the other will have
another policy by the time it is met; among equilibria this tends to those without empty threats.

References:
    Selten (1975), "Reexamination of the perfectness concept for equilibrium points in extensive
    games", sec. 7, for trembles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from gtalign_env.core.best_response import best_assistant_response, best_user_response
from gtalign_env.core.mixed import AssistantMix, UserMix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, UserView
from gtalign_training.recipe import Recipe
from gtalign_training.selfplay.measure import Pair, learnt_game

M = TypeVar("M")


def respond(recipe: Recipe, spec: GameSpec, seat: str, pair: Pair) -> Pair:
    """Return the pair once one seat has changed to its best response.

    Args:
        recipe: Says what the assistant is rewarded with, and the tremble.
        spec: The game.
        seat: ``user`` or ``assistant``.
        pair: The policies so far.
    """
    user, assistant = pair
    game, objective = learnt_game(recipe, spec)
    section = recipe.selfplay
    if seat == "user":
        shaken = trembling_assistant(assistant, section.tremble)
        best = best_user_response(game, shaken, "own", section.types)
        return (lambda view: ((1.0, best(view)),)), assistant
    trembling = trembling_user(user, section.tremble)
    found = best_assistant_response(game, trembling, objective, section.types)
    return user, (lambda view: ((1.0, found(view)),))


def trembling_user(user: UserMix, tremble: float) -> UserMix:
    """Return a user's policy that with a small probability makes any legal move.

    Args:
        user: The policy.
        tremble: The probability.
    """

    def mix(view: UserView) -> Sequence[tuple[float, UserMove]]:
        return _shaken(user(view), legal_user_moves(view.state), tremble)

    return mix


def trembling_assistant(assistant: AssistantMix, tremble: float) -> AssistantMix:
    """Return an assistant's policy that with a small probability makes any move.

    Args:
        assistant: The policy.
        tremble: The probability.
    """
    every = list(AssistantMove)

    def mix(view: AssistantView) -> Sequence[tuple[float, AssistantMove]]:
        return _shaken(assistant(view), every, tremble)

    return mix


def _shaken(
    played: Sequence[tuple[float, M]], legal: Sequence[M], tremble: float
) -> list[tuple[float, M]]:
    shares = dict.fromkeys(legal, tremble / len(legal))
    for share, move in played:
        shares[move] += (1.0 - tremble) * share
    return [(share, move) for move, share in shares.items()]
