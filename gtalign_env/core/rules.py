"""The rules of the conversation game, once: pure scalar functions over plain numbers.

Every layer calls these: the exact matrix and the Bayes oracle branch over the chance outcomes,
the environments draw them, and the vector environments compile these very functions over their
batches. A transition therefore takes chance as an argument and returns the next state with both
seats' rewards in points; the rewards of an episode sum to U and L.

Money that is charged to the user is paid to the provider, so a charge enters both rewards with
opposite signs and each side's own weight (λ for the user, μ for the assistant).
"""

from __future__ import annotations

from typing import NamedTuple

from gtalign_env.core.moves import (
    ACCEPT,
    ACCEPTED,
    BROKE,
    CQ,
    DQ,
    FOLLOW_UP,
    LEAVE,
    LEFT,
    ONGOING,
    REPLY,
    TRUNCATED,
    VQ,
    AssistantMove,
    UserMove,
    answers,
    asks,
)
from gtalign_env.core.numbers import Numbers
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.state import BEFORE as BEFORE
from gtalign_env.core.state import State as State
from gtalign_env.core.state import legal_count as legal_count
from gtalign_env.core.state import legal_move as legal_move
from gtalign_env.core.state import legal_user_moves as legal_user_moves
from gtalign_env.draws import ASSISTANT, USER
from gtalign_env.money import to_usd
from gtalign_env.persona import UserType
from gtalign_env.tariff import History, Usage, at_rates, price


class Step(NamedTuple):
    """What a move leads to: the next state, and each seat's reward, points."""

    state: State
    user: float
    assistant: float
    usage: Usage
    """What a delivered exchange used; nothing for a user's move, or if it was not delivered."""
    charge: int
    """What the user pays the provider for it, pico-USD."""


def effort(who: UserType, move: int) -> float:
    """Return e, the cost of writing a message, points; 0 for accepting and leaving."""
    if move == VQ:
        return who.effort_vague
    if move == DQ:
        return who.effort_definite
    if move == REPLY:
        return who.effort_reply
    return who.effort_follow_up if move == FOLLOW_UP else 0.0


def after_user(
    game: Numbers, who: UserType, state: State, move: int, settled: bool, message: int
) -> Step:
    """Return what the user's move leads to.

    Args:
        game: The game.
        who: The user's type.
        state: The user is to move.
        move: A legal move.
        settled: Chance: whether a reply settles the meaning; only looked at for ``REPLY``.
        message: Chance: tokens of the message written, if one is.
    """
    if state.exchange < 0 and game.tariff.outcome > who.budget:
        # the fee must be reserved before the first exchange, so nothing is ever written
        return end(game, who, state, BROKE)
    if move == ACCEPT:
        return accept(game, who, state)
    if move == LEAVE:
        return end(game, who, state, LEFT)
    if state.exchange + 1 >= game.max_exchanges:
        return end(game, who, state, TRUNCATED)
    informed = state.informed or move in (DQ, FOLLOW_UP) or (move == REPLY and settled)
    tries_again = state.answered >= 0 and answers(state.answered)
    tries = state.tries + 1 if tries_again else state.tries
    after = State(
        seat=ASSISTANT,
        exchange=state.exchange + 1,
        said=move,
        answered=state.answered,
        informed=informed,
        right=False,
        questions=state.questions,
        tries=tries,
        message=message,
        context=state.context,
        output=state.output,
        total_input=state.total_input,
        total_output=state.total_output,
        total_reasoning=state.total_reasoning,
        running=state.running,
        charged=state.charged,
        cost=state.cost,
        ended=ONGOING,
    )
    return Step(after, -effort(who, move), 0.0, Usage(0, 0, 0, 0), 0)


def over(state: State, said: int, answered: int, charged: int, cost: int, ended: int) -> State:
    """Return the last state of a conversation.

    Args:
        state: The state before.
        said: The user's last move.
        answered: The assistant's last move.
        charged: Paid by the user in all, pico-USD.
        cost: Borne by the provider in all, pico-USD.
        ended: How it ended.
    """
    return State(
        seat=state.seat,
        exchange=state.exchange,
        said=said,
        answered=answered,
        informed=state.informed,
        right=state.right,
        questions=state.questions,
        tries=state.tries,
        message=state.message,
        context=state.context,
        output=state.output,
        total_input=state.total_input,
        total_output=state.total_output,
        total_reasoning=state.total_reasoning,
        running=state.running,
        charged=charged,
        cost=cost,
        ended=ended,
    )


def discount(who: UserType, exchange: int) -> float:
    """Return δ to the power of an exchange; most answers are accepted where that needs no power."""
    if exchange == 0:
        return 1.0
    return who.discount if exchange == 1 else who.discount ** float(exchange)


def accept(game: Numbers, who: UserType, state: State) -> Step:
    """Return the end by acceptance: v or −h, discounted, and the outcome fee settled."""
    fee = game.tariff.outcome
    worth = who.value if state.right else -who.harm
    return Step(
        over(state, ACCEPT, state.answered, state.charged + fee, state.cost, ACCEPTED),
        discount(who, state.exchange) * worth - who.price_sensitivity * to_usd(fee),
        (game.retention if state.right else -game.churn) + game.margin_weight * to_usd(fee),
        Usage(0, 0, 0, 0),
        fee,
    )


def end(game: Numbers, who: UserType, state: State, ended: int) -> Step:
    """Return the end by leaving, going broke or being cut off: o for the user, −ψ on the other."""
    said = LEAVE if ended == LEFT else state.said
    return Step(
        over(state, said, state.answered, state.charged, state.cost, ended),
        who.outside_option,
        -game.churn,
        Usage(0, 0, 0, 0),
        0,
    )


def usage_of(system: int, state: State, output: int, reasoning: int) -> Usage:
    """Return the usage of the exchange under way; the whole context is billed, as APIs do."""
    if state.exchange == 0:
        return Usage(system + state.message, 0, output, reasoning)
    return Usage(state.context + state.output + state.message, state.context, output, reasoning)


def after_assistant(
    game: Numbers,
    who: UserType,
    state: State,
    move: int,
    right: bool,
    system: int,
    output: int,
    reasoning: int,
) -> Step:
    """Return what the assistant's message leads to.

    Args:
        game: The game.
        who: The user's type.
        state: The assistant is to move.
        move: Any of the seven moves.
        right: Chance: whether the answer is right; not looked at for ``CQ``.
        system: Tokens of the system prompt.
        output: Chance: visible tokens written.
        reasoning: Chance: hidden tokens written.
    """
    usage = usage_of(system, state, output, reasoning)
    history = History(
        exchanges=state.exchange,
        output=state.total_output,
        input=state.total_input,
        reasoning=state.total_reasoning,
        running=state.running,
        charged=state.charged,
    )
    priced = price(game.tariff, usage, move == CQ, history)
    charge = priced.charge
    cost = at_rates(game.cost, usage)
    if charge > who.budget - game.tariff.outcome - state.charged:
        # not delivered and not charged, but computed: the provider bears its cost
        return Step(
            over(state, state.said, move, state.charged, state.cost + cost, BROKE),
            who.outside_option,
            -game.churn - game.margin_weight * to_usd(cost),
            Usage(0, 0, 0, 0),
            0,
        )
    is_right = right and answers(move)
    questions = state.questions + 1 if asks(move) else state.questions
    annoyance = who.annoyance if asks(move) and questions > who.tolerance else 0.0
    reading = who.conciseness * max(0, output - who.comfort_tokens) / 100
    after = State(
        seat=USER,
        exchange=state.exchange,
        said=state.said,
        answered=move,
        informed=state.informed,
        right=is_right,
        questions=questions,
        tries=state.tries,
        message=state.message,
        context=usage.input,
        output=output,
        total_input=state.total_input + usage.input,
        total_output=state.total_output + output,
        total_reasoning=state.total_reasoning + reasoning,
        running=priced.running,
        charged=state.charged + charge,
        cost=state.cost + cost,
        ended=ONGOING,
    )
    return Step(
        after,
        -reading - annoyance - who.price_sensitivity * to_usd(charge),
        game.margin_weight * to_usd(charge - cost),
        usage,
        charge,
    )


def user_step(
    spec: GameSpec, who: UserType, state: State, move: UserMove, *, settled: bool, message: int
) -> Step:
    """Return what the user's move leads to; arguments as for `after_user`."""
    return after_user(spec.numbers, who, state, move, settled, message)


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
    """Return what the assistant's message leads to; arguments as for `after_assistant`."""
    return after_assistant(spec.numbers, who, state, move, right, system, output, reasoning)
