"""The default user and the plans of the normal form (docs: from the scenario to a matrix)."""

from __future__ import annotations

from gtalign_env.core.moves import (
    ACCEPT,
    ASSISTANT_LABELS,
    CQ,
    DQ,
    FOLLOW_UP,
    LEAVE,
    REPLY,
    VQ,
    AssistantMove,
    UserMove,
    asks,
    verbosity,
)
from gtalign_env.core.rules import State, legal_count, legal_move
from gtalign_env.persona import UserType

DA_STANDARD, N_ANSWERS = int(AssistantMove.DA_STANDARD), len(AssistantMove)

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
    return UserMove(default_reply(who, state, max_exchanges))


def default_reply(who: UserType, state: State, max_exchanges: int) -> int:
    """Return what the default user does after an assistant message, as a plain number."""
    if state.answered == CQ:
        return REPLY
    if state.right:
        return ACCEPT
    if state.tries < who.persistence and state.exchange + 1 < max_exchanges:
        return REPLY if asks(state.answered) else FOLLOW_UP
    return LEAVE


def opening(p_vague: float, u: float) -> int:
    """Return how a user opens who does so with a vague query with probability ``p_vague``."""
    return VQ if u < p_vague else DQ


def any_reply(answered: int, u: float) -> int:
    """Return any legal move of the user, given the assistant's last one."""
    return legal_move(answered, int(u * legal_count(answered)))


def any_answer(u: float) -> int:
    """Return any of the assistant's moves."""
    return int(u * N_ANSWERS)


def continue_plan(plan: AssistantMove, exchange: int) -> AssistantMove:
    """Return the move of an assistant plan: the named one first, then ``DA``.

    The later answers keep the plan's verbosity; after ``CQ`` they are ``standard``.
    """
    return AssistantMove(plan_move(plan, exchange))


def plan_move(plan: int, exchange: int) -> int:
    """Return the move of an assistant plan as a plain number."""
    if exchange == 0:
        return plan
    return DA_STANDARD if plan == CQ else verbosity(plan)
