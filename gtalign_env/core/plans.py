"""The default user and the plans of the normal form (docs: from the scenario to a matrix)."""

from __future__ import annotations

from gtalign_env.core.moves import ASSISTANT_LABELS, AssistantMove, UserMove
from gtalign_env.core.rules import State
from gtalign_env.persona import UserType

USER_PLANS = (UserMove.VQ, UserMove.DQ)
"""Plans of the user: how it opens. It goes on as the default user."""

ASSISTANT_PLANS = tuple(AssistantMove)
"""Plans of the assistant: its first move. It goes on with direct answers."""

USER_PLAN_LABELS = tuple(move.label for move in USER_PLANS)
ASSISTANT_PLAN_LABELS = ASSISTANT_LABELS


def default_user(who: UserType, state: State, max_exchanges: int) -> UserMove:
    """Return what the default user does after an assistant message.

    It replies to a question, accepts a right answer, and after a wrong one tries again while it
    has persistence and exchanges left, else leaves. It never accepts a wrong answer.

    Args:
        who: The user's type.
        state: The user is to move, not at the opening.
        max_exchanges: Limit per conversation.
    """
    if state.assistant_move is AssistantMove.CQ:
        return UserMove.REPLY
    if state.right:
        return UserMove.ACCEPT
    if state.tries < who.persistence and state.exchange + 1 < max_exchanges:
        asked = state.assistant_move is not None and state.assistant_move.asks
        return UserMove.REPLY if asked else UserMove.FOLLOW_UP
    return UserMove.LEAVE


def continue_plan(plan: AssistantMove, exchange: int) -> AssistantMove:
    """Return the move of an assistant plan: the named one first, then ``DA``.

    The later answers keep the plan's verbosity; after ``CQ`` they are ``standard``.
    """
    if exchange == 0:
        return plan
    verbosity = plan.verbosity
    return AssistantMove.DA_STANDARD if verbosity is None else AssistantMove(verbosity)
