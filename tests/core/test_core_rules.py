"""The rules against a second implementation, written from the totals U and L of the definition.

The referee below knows nothing of states and increments. It takes the record of a finished play,
rebuilds every bill from the messages in exact fractions, and applies the two welfare formulas.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws, Seat
from gtalign_env.persona import UserType
from gtalign_env.pricing import Outcome, PerMessage, PerToken, Rates, Regime, Subscription

GameMaker = Callable[..., GameSpec]

USD = Fraction(1, 10**12)  # USD in one pico-USD

LEGAL = {  # what the user may do, by the kind of the last assistant message
    "": {"VQ", "DQ"},
    "CQ": {"REPLY", "LEAVE"},
    "DA": {"ACCEPT", "FOLLOW_UP", "LEAVE"},
    "AQ": {"ACCEPT", "REPLY", "LEAVE"},
}


@dataclass
class Said:
    """One move of a play: who, what, and what chance added to it."""

    user: bool
    move: str
    tokens: int = 0
    reasoning: int = 0
    right: bool = False


@dataclass
class Verdict:
    """What the definition says of a play."""

    user: Fraction = Fraction(0)
    assistant: Fraction = Fraction(0)
    ending: str = ""
    charges: list[int] = field(default_factory=list)
    usages: list[tuple[int, int, int, int]] = field(default_factory=list)
    cost: int = 0
    questions: int = 0


def by_rates(rates: Rates, usage: tuple[int, int, int, int]) -> int:
    fresh, cached = usage[0] - usage[1], usage[1]
    return sum(n * r for n, r in zip((fresh, cached, *usage[2:]), rates, strict=True))


def charge(
    regime: Regime, usages: list[tuple[int, int, int, int]], moves: list[str], charged: int
) -> int:
    """Return the charge of the last of these exchanges, from the whole conversation."""
    if regime.free_questions and moves[-1] == "CQ":
        return 0
    total = 0
    for part in regime.components:
        match part:
            case PerToken(rates):
                total += by_rates(rates, usages[-1])
            case PerMessage(fee):
                total += fee
            case Subscription(share, included, overage):
                total += share * (len(usages) == 1)
                if included is not None:
                    outputs = [usage[2] for usage in usages]
                    beyond = max(0, sum(outputs) - included)
                    total += overage * min(beyond, outputs[-1])
    return total


def referee(spec: GameSpec, who: UserType, play: list[Said]) -> Verdict:
    """Return what the definition of the game makes of a play."""
    out = Verdict()
    fee = sum(part.fee for part in spec.regime.components if isinstance(part, Outcome))
    efforts, reading = Fraction(0), Fraction(0)
    effort = {
        "VQ": who.effort_vague,
        "DQ": who.effort_definite,
        "REPLY": who.effort_reply,
        "FOLLOW_UP": who.effort_follow_up,
    }
    context: list[int] = [round(spec.lengths.system.mean)]  # every message, system prompt first
    moves: list[str] = []
    exchanges, sent_before, right = 0, 0, False
    worth, keeps = Fraction(0), Fraction(0)
    for said in play:
        assert not out.ending, "nothing happens after the end"
        if said.user:
            if exchanges == 0 and fee > who.budget:
                out.ending = "broke"
            elif said.move == "ACCEPT":
                out.ending = "accepted"
                out.charges.append(fee)
                discount = Fraction(who.discount) ** (exchanges - 1)
                worth = discount * (Fraction(who.value) if right else -Fraction(who.harm))
                keeps = Fraction(spec.retention) if right else -Fraction(spec.churn)
            elif said.move == "LEAVE":
                out.ending = "left"
            elif exchanges == spec.max_exchanges:
                out.ending = "truncated"
            else:
                efforts += Fraction(effort[said.move])
                context.append(said.tokens)
        else:
            moves.append(said.move)
            usage = (sum(context), sent_before, said.tokens, said.reasoning)
            price = charge(spec.regime, [*out.usages, usage], moves, sum(out.charges))
            out.cost += by_rates(spec.cost, usage)
            if sum(out.charges) + price + fee > who.budget:
                out.ending = "broke"
                continue
            out.charges.append(price)
            out.usages.append(usage)
            sent_before = sum(context)
            context.append(said.tokens)
            exchanges += 1
            out.questions += said.move[:2] in ("CQ", "AQ")
            right = said.right and said.move != "CQ"
            reading += Fraction(who.conciseness) * max(0, said.tokens - who.comfort_tokens) / 100
    total = sum(out.charges) * USD
    out.user = (
        -efforts
        - reading
        - Fraction(who.annoyance) * max(0, out.questions - who.tolerance)
        - Fraction(who.price_sensitivity) * total
        + worth
    )
    out.assistant = Fraction(spec.margin_weight) * (total - out.cost * USD) + keeps
    if out.ending in ("left", "broke", "truncated"):
        out.user += Fraction(who.outside_option)
        out.assistant -= Fraction(spec.churn)
    return out


def play_at_random(
    spec: GameSpec, rng: random.Random, talk: Conversation, patience: float
) -> list[Said]:
    """Play random legal moves, in every other game with chance forced, and return the record."""
    forced = rng.random() < 0.5
    play: list[Said] = []
    while talk.state.ending is None:
        if talk.state.to_move is Seat.USER:
            last = talk.assistant_moves[-1].label[:2] if talk.assistant_moves else ""
            legal = legal_user_moves(talk.state)
            assert {move.label for move in legal} == LEGAL[last]
            going_on = [move for move in legal if move.writes]
            move = rng.choice(going_on if rng.random() < patience else legal)
            if forced:
                talk.step_user(move, settled=rng.random() < 0.5, message=rng.randrange(200))
            else:
                talk.step_user(move)
            play.append(Said(True, move.label, talk.state.message if move.writes else 0))
        else:
            answer = rng.choice(tuple(AssistantMove))
            informed = talk.state.informed
            if forced:
                output, reasoning = rng.randrange(900), rng.randrange(300)
                right = rng.random() < 0.5
                talk.step_assistant(answer, right=right, output=output, reasoning=reasoning)
            else:
                output = spec.lengths.output(answer, None)
                reasoning = round(spec.lengths.reasoning.mean)
                talk.step_assistant(answer)
                right = talk.state.right
                assert not (right and spec.p_right(answer, informed) == 0)
            play.append(Said(False, answer.label, output, reasoning, right))
    return play


@pytest.mark.parametrize("seed", range(8))
def test_a_second_implementation_agrees_on_every_play(random_game: GameMaker, seed: int) -> None:
    rng = random.Random(seed)
    endings: dict[str, int] = {}
    for _ in range(300):
        spec = random_game(rng, personas=rng.randrange(1, 4))
        for episode in range(4):
            talk = Conversation(spec, Draws(rng.getrandbits(64), episode))
            play = play_at_random(spec, rng, talk, patience=0.6)
            verdict = referee(spec, talk.who, play)
            state = talk.state

            assert isinstance(state.ending, Ending)
            assert state.ending.name.lower() == verdict.ending
            endings[verdict.ending] = endings.get(verdict.ending, 0) + 1
            assert talk.returns == pytest.approx(
                (float(verdict.user), float(verdict.assistant)), abs=1e-9
            )
            assert state.charged == sum(verdict.charges) <= talk.who.budget
            assert state.cost == verdict.cost
            assert [tuple(exchange.usage) for exchange in talk.ledger.exchanges] == verdict.usages
            assert state.total_output == sum(usage[2] for usage in verdict.usages)
            assert state.total_reasoning == sum(usage[3] for usage in verdict.usages)
            for side in (0, 1):
                rewards = [pair[side] for pair in talk.rewards]
                assert sum(rewards) == pytest.approx(talk.returns[side], abs=1e-12)
            assert len(talk.rewards) == len(play)
    assert set(endings) == {"accepted", "left", "broke", "truncated"}
    assert min(endings.values()) > 10, endings


def test_who_is_informed_follows_from_the_user_s_messages(random_game: GameMaker) -> None:
    rng = random.Random(11)
    seen = set()
    for episode in range(1500):
        spec = random_game(rng)
        talk = Conversation(spec, Draws(1, episode))
        talk.who = talk.who._replace(budget=10**18)
        told = False
        while talk.state.ending is None:
            if talk.state.to_move is Seat.USER:
                move = rng.choice(legal_user_moves(talk.state))
                settled = rng.random() < 0.5
                talk.step_user(move, settled=settled)
                told |= move in (UserMove.DQ, UserMove.FOLLOW_UP)
                told |= move is UserMove.REPLY and settled
            else:
                assert talk.state.informed is told
                seen.add((told, talk.state.exchange))
                talk.step_assistant(rng.choice(tuple(AssistantMove)))
    assert {(False, 0), (True, 0), (False, 2), (True, 2)} <= seen


def test_probabilities_of_a_right_answer(random_game: GameMaker) -> None:
    rng = random.Random(3)
    for _ in range(200):
        spec = random_game(rng)
        for move in AssistantMove:
            kind, _, verbosity = move.label.partition(":")
            for informed in (False, True):
                p = spec.p_right(move, informed)
                if kind == "CQ":
                    assert p == 0
                    continue
                nu = ("concise", "standard", "verbose").index(verbosity)
                c = 1 if informed else min(1, spec.coverage[nu] / spec.interpretations)
                assert p == pytest.approx(spec.p_correct * spec.quality[nu] * c, abs=1e-15)
