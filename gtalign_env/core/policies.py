"""Named policies for a seat that nobody else takes, so that an id and strings make a whole game.

A policy is a pure function of what its seat may know and of one number in [0, 1) that is all its
randomness: ``policy(view, u) -> move``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gtalign_env.core.moves import ASSISTANT_LABELS, AssistantMove, UserMove, assistant_move
from gtalign_env.core.oracle import BayesOracle, bayes_oracle
from gtalign_env.core.plans import continue_plan, default_user
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, UserView
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
            return UserMove.VQ if u < self.p_vague else UserMove.DQ
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
    legal = legal_user_moves(view.state)
    return legal[int(u * len(legal))]


def random_assistant(view: AssistantView, u: float) -> AssistantMove:
    """Return any move."""
    return AssistantMove(int(u * len(AssistantMove)))


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
        self._solved: dict[str, BayesOracle] = {}

    def __call__(self, view: AssistantView, u: float) -> AssistantMove:
        """Return the optimal move; no randomness."""
        oracle = self._oracle(view.spec)
        return oracle(view.history) if view.history in oracle.decisions else OFF_PATH

    def _oracle(self, spec: GameSpec) -> BayesOracle:
        if spec.digest not in self._solved:
            self._solved[spec.digest] = bayes_oracle(spec, self.p_vague)
        return self._solved[spec.digest]


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


def _unknown(seat: str, name: str, known: tuple[str, ...]) -> ScenarioError:
    return ScenarioError(
        f"the {seat}'s policy is one of {', '.join(known)}, or a callable; "
        f"got {name!r}.{suggest(str(name), known)}"
    )
