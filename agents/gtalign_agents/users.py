"""Scripted users: the default user, its plans, and users with an attitude towards price and time."""

from __future__ import annotations

from dataclasses import dataclass

from gtalign_agents.base import CONVERSATION, Agent, Traits
from gtalign_agents.foresight import affordable, after_answer, after_message, bills
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.plans import default_user
from gtalign_env.core.policies import UserSeat, default_seat, random_assistant, random_user
from gtalign_env.core.rules import State, legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, UserView
from gtalign_env.errors import ScenarioError


def asks_on(state: State) -> UserMove:
    """Return the message that goes on: a reply to a question, else a follow-up."""
    return UserMove.REPLY if UserMove.REPLY in legal_user_moves(state) else UserMove.FOLLOW_UP


def is_last(view: UserView) -> bool:
    """Return whether no further exchange fits in the conversation."""
    return view.state.exchange + 1 >= view.public.spec.max_exchanges


@dataclass(frozen=True)
class Opener:
    """The default user with one opening."""

    opening: UserMove

    def __call__(self, view: UserView, u: float) -> UserMove:
        """Return the opening, then what the default user does; no randomness."""
        if view.state.exchange < 0:
            return self.opening
        return default_user(view.who, view.state, view.public.spec.max_exchanges)


def patient(view: UserView, u: float) -> UserMove:
    """Return a definite query, then a try after every wrong answer until no exchange is left."""
    if view.state.exchange < 0:
        return UserMove.DQ
    if view.state.right:
        return UserMove.ACCEPT
    return UserMove.LEAVE if is_last(view) else asks_on(view.state)


def impatient(view: UserView, u: float) -> UserMove:
    """Return a vague query, then acceptance of a right answer; a question or mistake and it leaves."""
    if view.state.exchange < 0:
        return UserMove.VQ
    return UserMove.ACCEPT if view.state.right else UserMove.LEAVE


def trusting(view: UserView, u: float) -> UserMove:
    """Return a definite query, replies to questions, then acceptance of any answer, right or wrong."""
    if view.state.exchange < 0:
        return UserMove.DQ
    return UserMove.ACCEPT if UserMove.ACCEPT in legal_user_moves(view.state) else UserMove.REPLY


def over_asker(view: UserView, u: float) -> UserMove:
    """Return a vague query, then one question after another until no exchange is left."""
    if view.state.exchange < 0:
        return UserMove.VQ
    if not is_last(view):
        return asks_on(view.state)
    return UserMove.ACCEPT if view.state.right else UserMove.LEAVE


def budget_watcher(view: UserView, u: float) -> UserMove:
    """Return the default user's move, unless an exchange that it opens could exceed the budget.

    It opens definitely where every answer to that fits its budget, else vaguely, which is billed
    for fewer tokens; later it leaves where the dearest answer does not fit.
    """
    state = view.state
    if state.exchange < 0:
        return UserMove.DQ if _fits(view, UserMove.DQ) else UserMove.VQ
    move = default_user(view.who, state, view.public.spec.max_exchanges)
    return UserMove.LEAVE if move.writes and not _fits(view, move) else move


def _fits(view: UserView, move: UserMove) -> bool:
    """Return whether whatever is answered to a message can be paid."""
    return all(affordable(view.public.spec, view.who, view.state, move))


def flat_fee_exploiter(view: UserView, u: float) -> UserMove:
    """Return what costs the user least where exchanges are free, and definite queries elsewhere.

    Where the price makes the second exchange free, it opens vaguely and lets the assistant work
    until the answer is right, as long as the next exchange is free too. Where exchanges are
    charged, it opens definitely and goes on as the default user.
    """
    spec, state = view.public.spec, view.state
    if state.exchange < 0:
        opened = after_message(spec, state, UserMove.VQ)
        answered = after_answer(spec, opened, AssistantMove.DA_VERBOSE)
        return UserMove.VQ if _is_free(spec, answered, UserMove.FOLLOW_UP) else UserMove.DQ
    if state.right:
        return UserMove.ACCEPT
    if not is_last(view) and _is_free(spec, state, asks_on(state)):
        return asks_on(state)
    return default_user(view.who, state, spec.max_exchanges)


def _is_free(spec: GameSpec, state: State, move: UserMove) -> bool:
    """Return whether the exchange that a message opens is not charged, whatever is answered."""
    opened = after_message(spec, state, move)
    return opened.ending is None and not any(charge for charge, _ in bills(spec, opened))


def random_move(view: UserView | AssistantView, u: float) -> UserMove | AssistantMove:
    """Return any legal move, in either seat."""
    return random_user(view, u) if isinstance(view, UserView) else random_assistant(view, u)


def default(share: str = "0.5") -> UserSeat:
    """Return the default user.

    Args:
        share: How often it opens with a vague query, in [0, 1].

    Raises:
        ScenarioError: ``share`` is no probability.
    """
    return default_seat(probability(share))


def probability(text: str) -> float:
    """Return the probability that is written after an agent's name.

    Raises:
        ScenarioError: It is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise ScenarioError(
            f"the share of vague openings is a probability, in [0, 1]; got {text!r}"
        )
    return value


def _traits(*, stochastic: bool = False, sees_type: bool = True) -> Traits:
    # a user's state holds the last moves and counts the rest
    return Traits(stochastic, sees_type, needs_model=False, memory=1, games=CONVERSATION)


SHARE = "the share of vague openings, in [0, 1]"

USERS: tuple[Agent, ...] = (
    Agent(
        "default",
        "user",
        "Opens vaguely or definitely by chance, accepts right answers, tries again as it persists.",
        _traits(stochastic=True),
        default,
        SHARE,
    ),
    Agent(
        "VQ",
        "user",
        "Always opens vaguely, then goes on as the default user.",
        _traits(),
        lambda: Opener(UserMove.VQ),
    ),
    Agent(
        "DQ",
        "user",
        "Always opens definitely, then goes on as the default user.",
        _traits(),
        lambda: Opener(UserMove.DQ),
    ),
    Agent(
        "patient",
        "user",
        "Opens definitely and tries again until no exchange is left.",
        _traits(sees_type=False),
        lambda: patient,
    ),
    Agent(
        "impatient",
        "user",
        "Opens vaguely and leaves at the first question or wrong answer.",
        _traits(sees_type=False),
        lambda: impatient,
    ),
    Agent(
        "trusting",
        "user",
        "Accepts the first answer, right or wrong.",
        _traits(sees_type=False),
        lambda: trusting,
    ),
    Agent(
        "budget_watcher",
        "user",
        "The default user that leaves before an exchange could exceed its budget.",
        _traits(),
        lambda: budget_watcher,
    ),
    Agent(
        "flat_fee_exploiter",
        "user",
        "Asks vaguely, on and on, where exchanges are free; definitely where they are charged.",
        _traits(),
        lambda: flat_fee_exploiter,
    ),
    Agent(
        "over_asker",
        "user",
        "Opens vaguely and asks on after every answer, even a right one.",
        _traits(sees_type=False),
        lambda: over_asker,
    ),
    Agent(
        "random",
        "either",
        "Any legal move, all equally likely.",
        _traits(stochastic=True, sees_type=False),
        lambda: random_move,
    ),
)
"""The scripted users; ``random`` sits in either seat."""
