"""The rules of the conversation game, once: pure functions over plain numbers.

Every layer calls these: the exact matrix and the Bayes oracle branch over the chance outcomes,
the environments draw them. A transition therefore takes chance as an argument and returns the next
state with both seats' rewards in points; the rewards of an episode sum to U and L.

Money that is charged to the user is paid to the provider, so a charge enters both rewards with
opposite signs and each side's own weight (λ for the user, μ for the assistant).
"""

from __future__ import annotations

from typing import NamedTuple

from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Seat
from gtalign_env.money import to_usd
from gtalign_env.persona import UserType
from gtalign_env.pricing import History, Usage


class State(NamedTuple):
    """Where a conversation stands."""

    to_move: Seat = Seat.USER
    exchange: int = -1
    """Index of the exchange under way, from 0; −1 before the opening."""
    user_move: UserMove | None = None
    assistant_move: AssistantMove | None = None
    """Last moves of either seat."""
    informed: bool = False
    """Whether the assistant has been told what is meant. Both sides can tell from the messages."""
    right: bool = False
    """Whether the last answer is right. The user sees it, the assistant does not."""
    questions: int = 0
    tries: int = 0
    """How often the user has tried again after a wrong answer."""
    message: int = 0
    """Tokens of the user message that is waiting for its answer."""
    context: int = 0
    """Input tokens of the last exchange: cached in the next one."""
    output: int = 0
    """Output tokens of the last exchange: part of the context of the next one."""
    total_output: int = 0
    total_reasoning: int = 0
    """Delivered so far, tokens."""
    charged: int = 0
    """Paid by the user so far, pico-USD."""
    cost: int = 0
    """Borne by the provider so far, pico-USD."""
    ending: Ending | None = None


class Step(NamedTuple):
    """What a move leads to: the next state, and each seat's reward, points."""

    state: State
    user: float
    assistant: float
    usage: Usage | None = None
    """What a delivered exchange used."""
    charge: int = 0
    """What the user pays the provider for it, pico-USD."""


OPENINGS = (UserMove.VQ, UserMove.DQ)
AFTER_QUESTION = (UserMove.REPLY, UserMove.LEAVE)
AFTER_ANSWER = (UserMove.ACCEPT, UserMove.FOLLOW_UP, UserMove.LEAVE)
AFTER_BOTH = (UserMove.REPLY, UserMove.ACCEPT, UserMove.LEAVE)


def legal_user_moves(state: State) -> tuple[UserMove, ...]:
    """Return what the user may do: open, then answer, accept, ask on or leave."""
    if state.assistant_move is None:
        return OPENINGS
    if state.assistant_move is AssistantMove.CQ:
        return AFTER_QUESTION
    return AFTER_BOTH if state.assistant_move.asks else AFTER_ANSWER


def effort(who: UserType, move: UserMove) -> float:
    """Return e, the cost of writing a message, points; 0 for accepting and leaving."""
    if move is UserMove.VQ:
        return who.effort_vague
    if move is UserMove.DQ:
        return who.effort_definite
    if move is UserMove.REPLY:
        return who.effort_reply
    return who.effort_follow_up if move is UserMove.FOLLOW_UP else 0.0


def user_step(
    spec: GameSpec, who: UserType, state: State, move: UserMove, *, settled: bool, message: int
) -> Step:
    """Return what the user's move leads to.

    Args:
        spec: The game.
        who: The user's type.
        state: The user is to move.
        move: A legal move.
        settled: Chance: whether a reply settles the meaning; only looked at for ``REPLY``.
        message: Chance: tokens of the message written, if one is.
    """
    if state.exchange < 0 and spec.regime.outcome_fee > who.budget:
        # the fee must be reserved before the first exchange, so nothing is ever written
        return end(spec, who, state, Ending.BROKE)
    if move is UserMove.ACCEPT:
        return accept(spec, who, state)
    if move is UserMove.LEAVE:
        return end(spec, who, state, Ending.LEFT)
    if state.exchange + 1 >= spec.max_exchanges:
        return end(spec, who, state, Ending.TRUNCATED)
    tries_again = state.assistant_move is not None and state.assistant_move.answers
    after = state._replace(
        to_move=Seat.ASSISTANT,
        exchange=state.exchange + 1,
        user_move=move,
        informed=state.informed
        or move in (UserMove.DQ, UserMove.FOLLOW_UP)
        or (move is UserMove.REPLY and settled),
        right=False,
        tries=state.tries + tries_again,
        message=message,
    )
    return Step(after, -effort(who, move), 0.0)


def accept(spec: GameSpec, who: UserType, state: State) -> Step:
    """Return the end by acceptance: v or −h, discounted, and the outcome fee settled."""
    fee = spec.regime.outcome_fee
    discount = who.discount**state.exchange
    worth = who.value if state.right else -who.harm
    return Step(
        state._replace(
            user_move=UserMove.ACCEPT, ending=Ending.ACCEPTED, charged=state.charged + fee
        ),
        discount * worth - who.price_sensitivity * to_usd(fee),
        (spec.retention if state.right else -spec.churn) + spec.margin_weight * to_usd(fee),
        charge=fee,
    )


def end(spec: GameSpec, who: UserType, state: State, ending: Ending) -> Step:
    """Return the end by leaving, going broke or being cut off: o for the user, −ψ on the other."""
    move = UserMove.LEAVE if ending is Ending.LEFT else state.user_move
    return Step(state._replace(user_move=move, ending=ending), who.outside_option, -spec.churn)


def usage_of(system: int, state: State, output: int, reasoning: int) -> Usage:
    """Return the usage of the exchange under way; the whole context is billed, as APIs do."""
    if state.exchange == 0:
        return Usage(system + state.message, 0, output, reasoning)
    return Usage(state.context + state.output + state.message, state.context, output, reasoning)


def assistant_step(
    spec: GameSpec,
    who: UserType,
    state: State,
    move: AssistantMove,
    *,
    right: bool,
    system: int,
    output: int,
    reasoning: int,
) -> Step:
    """Return what the assistant's message leads to.

    Args:
        spec: The game.
        who: The user's type.
        state: The assistant is to move.
        move: Any of the seven moves.
        right: Chance: whether the answer is right; not looked at for ``CQ``.
        system: Tokens of the system prompt.
        output: Chance: visible tokens written.
        reasoning: Chance: hidden tokens written.
    """
    usage = usage_of(system, state, output, reasoning)
    charge = spec.regime.charge(
        usage, move is AssistantMove.CQ, History(state.exchange, state.total_output)
    )
    cost = spec.cost.of(usage)
    if charge > who.budget - spec.regime.outcome_fee - state.charged:
        # not delivered and not charged, but computed: the provider bears its cost
        broke = end(spec, who, state, Ending.BROKE)
        return Step(
            broke.state._replace(assistant_move=move, cost=state.cost + cost),
            broke.user,
            broke.assistant - spec.margin_weight * to_usd(cost),
        )
    questions = state.questions + move.asks
    annoyance = who.annoyance if move.asks and questions > who.tolerance else 0.0
    reading = who.conciseness * max(0, output - who.comfort_tokens) / 100
    after = state._replace(
        to_move=Seat.USER,
        assistant_move=move,
        right=right and move.answers,
        questions=questions,
        context=usage.input,
        output=output,
        total_output=state.total_output + output,
        total_reasoning=state.total_reasoning + reasoning,
        charged=state.charged + charge,
        cost=state.cost + cost,
    )
    return Step(
        after,
        -reading - annoyance - who.price_sensitivity * to_usd(charge),
        spec.margin_weight * to_usd(charge - cost),
        usage,
        charge,
    )
