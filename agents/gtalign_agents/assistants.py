"""Scripted assistants: the seven plans, the welfare oracle, and rules that read the price."""

from __future__ import annotations

from functools import partial

from gtalign_agents.base import CONVERSATION, Agent, Traits
from gtalign_agents.foresight import after_answer, after_message, bills, replayed
from gtalign_agents.users import SHARE, probability
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.policies import AssistantSeat, OracleSeat, plan_seat
from gtalign_env.core.rules import State
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView

ANSWERS = (AssistantMove.DA_CONCISE, AssistantMove.DA_STANDARD, AssistantMove.DA_VERBOSE)


def clarify_once(view: AssistantView, u: float) -> AssistantMove:
    """Return one question where the meaning is open, then standard answers."""
    open_yet = not view.history.informed and view.questions == 0
    return AssistantMove.CQ if open_yet else AssistantMove.DA_STANDARD


def greedy_revenue(view: AssistantView, u: float) -> AssistantMove:
    """Return the move that charges the user most now; of equal ones the cheapest to make."""
    offers = bills(view.spec, replayed(view))
    return max(AssistantMove, key=lambda move: (offers[move][0], -offers[move][1]))


def price_aware(view: AssistantView, u: float) -> AssistantMove:
    """Return the move by which the user pays least for a right answer.

    It knows the price, the task and the history, and nothing of the user.

    1. An answer that costs c and is right with probability p is worth c / p a right answer.
    2. The first question, where the meaning is open, costs its own charge and leads to the best
       answer after a reply.
    3. Of equally cheap moves the one more likely right counts, then the one that takes fewer
       messages, then the shorter one.
    """
    spec, state = view.spec, replayed(view)
    offers = {move: (*_price(spec, state, move), 0, int(move)) for move in ANSWERS}
    if not state.informed and view.questions == 0 and view.exchange + 1 < spec.max_exchanges:
        asked = after_answer(spec, state, AssistantMove.CQ)
        replied = after_message(spec, asked, UserMove.REPLY)
        charge, _ = bills(spec, state)[AssistantMove.CQ]
        price, unlikely = min(_price(spec, replied, move, spec.reply_clarity) for move in ANSWERS)
        offers[AssistantMove.CQ] = (charge + price, unlikely, 1, 0)
    return min(offers, key=lambda move: offers[move])


def _price(
    spec: GameSpec, state: State, move: AssistantMove, clarity: float = 1.0
) -> tuple[float, float]:
    """Return what a right answer by this move costs, pico-USD, and how likely a wrong one is."""
    told, guessed = spec.p_right(move, state.informed), spec.p_right(move, informed=False)
    right = clarity * told + (1.0 - clarity) * guessed
    charge, _ = bills(spec, state)[move]
    return (charge / right if right > 0.0 else float("inf")), 1.0 - right


def oracle(share: str = "0.5") -> AssistantSeat:
    """Return the Bayes oracle.

    Args:
        share: How often it expects a vague opening, in [0, 1].

    Raises:
        ScenarioError: ``share`` is no probability.
    """
    return OracleSeat(probability(share))


def _traits(memory: int | None) -> Traits:
    return Traits(
        stochastic=False, sees_type=False, needs_model=False, memory=memory, games=CONVERSATION
    )


PLAN_WORDS = {
    move: f"Always {move.label}."
    if move in ANSWERS
    else f"{move.label} first, then direct answers."
    for move in AssistantMove
}

ASSISTANTS: tuple[Agent, ...] = (
    *(
        Agent(move.label, "assistant", PLAN_WORDS[move], _traits(0), partial(plan_seat, move))
        for move in AssistantMove
    ),
    Agent(
        "clarify_once",
        "assistant",
        "Asks once where the meaning is open, then answers.",
        _traits(0),
        lambda: clarify_once,
    ),
    Agent(
        "price_aware",
        "assistant",
        "The cheapest way to a right answer, by price, task and history alone.",
        _traits(None),
        lambda: price_aware,
    ),
    Agent(
        "greedy_revenue",
        "assistant",
        "The message that charges the user most.",
        _traits(None),
        lambda: greedy_revenue,
    ),
    Agent(
        "oracle",
        "assistant",
        "Greatest expected joint welfare against the default user: the Bayes oracle.",
        _traits(None),
        oracle,
        SHARE,
    ),
)
"""The scripted assistants; ``random`` is in the table of users, as it sits in either seat."""
