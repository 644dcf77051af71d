"""Named policies for a seat that nobody else takes, so that an id and strings make a whole game.

A policy is a pure function of what its seat may know and of one number in [0, 1) that is all its
randomness: ``policy(view, u) -> move``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import ASSISTANT_LABELS, AssistantMove, UserMove, assistant_move
from gtalign_env.core.oracle import BayesOracle, bayes_oracle
from gtalign_env.core.plans import (
    N_ANSWERS,
    any_answer,
    any_reply,
    continue_plan,
    default_user,
    opening,
)
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, UserView
from gtalign_env.draws import Purpose, Seat
from gtalign_env.errors import ScenarioError, suggest

UserSeat = Callable[[UserView, float], UserMove]
AssistantSeat = Callable[[AssistantView, float], AssistantMove]

USER_POLICIES = ("default", "VQ", "DQ", "random")
"""``default`` opens vaguely or definitely by the toss of a coin, ``VQ`` and ``DQ`` always so; all
three go on as the default user. ``random`` plays any legal move."""

ASSISTANT_POLICIES = (*ASSISTANT_LABELS, "oracle", "random")
"""The seven plans by their labels; ``oracle`` maximises expected W against ``default``."""


@dataclass(frozen=True)
class DefaultSeat:
    """The default user, opening with a vague query with probability ``p_vague``."""

    p_vague: float

    def __call__(self, view: UserView, u: float) -> UserMove:
        """Return the opening, then what the default user does."""
        if view.state.exchange < 0:
            return UserMove(opening(self.p_vague, u))
        return default_user(view.who, view.state, view.public.spec.max_exchanges)


@dataclass(frozen=True)
class PlanSeat:
    """The assistant that follows a plan."""

    plan: AssistantMove

    def __call__(self, view: AssistantView, u: float) -> AssistantMove:
        """Return the plan's move at this exchange; no randomness."""
        return continue_plan(self.plan, view.exchange)


def default_seat(p_vague: float) -> UserSeat:
    """Return the default user, opening with a vague query with probability ``p_vague``.

    Raises:
        ValueError: ``p_vague`` is no probability.
    """
    if not 0.0 <= p_vague <= 1.0:
        raise ValueError(f"p_vague is a probability, in [0, 1]; got {p_vague!r}")
    return DefaultSeat(p_vague)


def plan_seat(plan: AssistantMove) -> AssistantSeat:
    """Return the assistant that follows a plan."""
    return PlanSeat(plan)


def random_user(view: UserView, u: float) -> UserMove:
    """Return any legal move."""
    return UserMove(any_reply(view.state.answered, u))


def random_assistant(view: AssistantView, u: float) -> AssistantMove:
    """Return any move."""
    return AssistantMove(any_answer(u))


OFF_PATH = AssistantMove.DA_STANDARD
"""What `OracleSeat` does at a history that cannot occur against the default user."""


class OracleSeat:
    """The Bayes oracle as a policy; solved once per game, when first asked.

    Where the user has done what the default user never does, beliefs say nothing: it plays
    `OFF_PATH` then.

    Args:
        p_vague: Probability of a vague opening that it expects.
    """

    def __init__(self, p_vague: float = 0.5) -> None:
        self.p_vague = p_vague
        self._solved: dict[tuple[str, Fraction], BayesOracle] = {}

    def __call__(self, view: AssistantView, u: float) -> AssistantMove:
        """Return the optimal move; no randomness."""
        oracle = self._oracle(view.spec)
        return oracle(view.history) if view.history in oracle.decisions else OFF_PATH

    def _oracle(self, spec: GameSpec) -> BayesOracle:
        key = (spec.digest, spec.regime.surge)
        if key not in self._solved:
            self._solved[key] = bayes_oracle(spec, self.p_vague)
        return self._solved[key]


def user_policy(name: str | UserSeat, p_vague: float = 0.5) -> UserSeat:
    """Return a user policy by name; a callable is returned as it is.

    Args:
        name: One of `USER_POLICIES`, or a policy.
        p_vague: Probability of a vague opening, for ``default``.

    Raises:
        ScenarioError: Unknown name.
    """
    if callable(name):
        return name
    if name == "random":
        return random_user
    chances = {"default": p_vague, "VQ": 1.0, "DQ": 0.0}
    if name not in chances:
        raise _unknown("user", name, USER_POLICIES)
    return default_seat(chances[name])


def assistant_policy(name: str | AssistantSeat, p_vague: float = 0.5) -> AssistantSeat:
    """Return an assistant policy by name; a callable is returned as it is.

    Args:
        name: One of `ASSISTANT_POLICIES`, or a policy.
        p_vague: Probability of a vague opening that the oracle expects.

    Raises:
        ScenarioError: Unknown name.
    """
    if callable(name):
        return name
    if name == "random":
        return random_assistant
    if name == "oracle":
        return OracleSeat(p_vague)
    if name not in ASSISTANT_LABELS:
        raise _unknown("assistant", name, ASSISTANT_POLICIES)
    return plan_seat(assistant_move(name))


class Script(NamedTuple):
    """A named policy as plain numbers, for code that is compiled over batches."""

    policy: int
    """A plan's first move, or `ANY`; the default user is no plan and reads 0."""
    p_vague: float


ANY = N_ANSWERS
"""Stands where a policy plays any legal move, in place of a plan."""


def scripted(seat: Seat, name: object, p_vague: float) -> Script | None:
    """Return the other seat's policy as numbers; None where it has to be asked move by move.

    Args:
        seat: The own seat; the policy plays the other.
        name: A policy's name, or a callable.
        p_vague: How often the default user opens vaguely.
    """
    if name == "random":
        return Script(ANY, 0.0)
    if seat is Seat.USER:
        return Script(ASSISTANT_LABELS.index(name), 0.0) if name in ASSISTANT_LABELS else None
    chances = {"default": p_vague, "VQ": 1.0, "DQ": 0.0}
    return Script(0, chances[name]) if isinstance(name, str) and name in chances else None


def _unknown(seat: str, name: str, known: tuple[str, ...]) -> ScenarioError:
    return ScenarioError(
        f"the {seat}'s policy is one of {', '.join(known)}, or a callable; "
        f"got {name!r}.{suggest(str(name), known)} Any other agent of `gtalign agents {seat}` "
        f"plays gtalign/Conversation-v0 as a callable: from gtalign_agents.table import "
        f"{seat}_agent; opponent={seat}_agent({str(name)!r})"
    )


def play_on(conversation: Conversation, user: UserSeat, assistant: AssistantSeat) -> None:
    """Play a conversation to its end.

    What a policy raises goes through; it is then still that policy's turn.

    Args:
        conversation: The conversation.
        user: The user's policy.
        assistant: The assistant's policy.
    """
    while conversation.state.ending is None:
        seat = conversation.state.to_move
        u = conversation.chance(seat, Purpose.POLICY)
        if seat is Seat.USER:
            conversation.step_user(user(conversation.user_view(), u))
        else:
            conversation.step_assistant(assistant(conversation.assistant_view(), u))
