"""Exact cells: against a brute-force walk over chance, hand-made numbers, and the stated error."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.exact import ConversationMatrix, normal_form
from gtalign_env.core.moves import AssistantMove, Ending, UserMove
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import Draws
from gtalign_env.persona import (
    Choice,
    Constant,
    Distribution,
    LogNormal,
    Normal,
    Population,
    Uniform,
    UserType,
)

GameMaker = Callable[..., GameSpec]
Roll = Callable[..., int]
EveryOutcome = Callable[[Callable[[Roll], Conversation]], list[tuple[float, Conversation]]]
VQ, DQ = 0, 1


def length(roll: Roll, d: Distribution) -> int:
    """Return a length by chance; only constants and choices have finitely many."""
    if isinstance(d, Constant):
        return int(d.value)
    assert isinstance(d, Choice)
    total = sum(d.weights)
    return int(d.values[roll(*(weight / total for weight in d.weights))])


def play(spec: GameSpec, who: UserType, opening: UserMove, plan: str, roll: Roll) -> Conversation:
    """Play the pair of plans as their definition reads."""
    talk = Conversation(spec, Draws(0, 0))
    talk.who = who
    _, _, verbosity = plan.partition(":")
    lengths, persistence = spec.lengths, who.persistence
    move = opening
    while True:
        clear = move is not UserMove.REPLY or roll(spec.reply_clarity, 1 - spec.reply_clarity) == 0
        message = length(roll, lengths.message(move))
        talk.step_user(move, settled=clear, message=message)
        if talk.state.ending is not None:
            return talk
        label = plan if len(talk.assistant_moves) == 0 else f"DA:{verbosity or 'standard'}"
        answer = next(one for one in AssistantMove if one.label == label)
        output, right = 0, False
        if label != "CQ":
            nu = ("concise", "standard", "verbose").index(label.split(":")[1])
            c = 1 if talk.state.informed else min(1, spec.coverage[nu] / spec.interpretations)
            p = spec.p_correct * spec.quality[nu] * c
            right = roll(p, 1 - p) == 0
            output = length(roll, lengths.answer[nu])
        output += length(roll, lengths.question) if label[:2] in ("CQ", "AQ") else 0
        reasoning = length(roll, lengths.reasoning)
        talk.step_assistant(answer, right=right, output=output, reasoning=reasoning)
        if talk.state.ending is not None:
            return talk
        more = len(talk.assistant_moves) < spec.max_exchanges
        if label == "CQ":
            move = UserMove.REPLY
        elif right:
            move = UserMove.ACCEPT
        elif persistence > 0 and more:
            persistence -= 1
            move = UserMove.REPLY if label[:2] == "AQ" else UserMove.FOLLOW_UP
        else:
            move = UserMove.LEAVE
        if not move.writes:
            talk.step_user(move)
            return talk


def brute_force(
    every_outcome: EveryOutcome, spec: GameSpec, who: UserType, opening: UserMove, plan: str
) -> dict[str, float]:
    """Return the expected measures of a cell for one type, over every outcome of chance."""
    out = dict.fromkeys(
        ["user", "assistant", "welfare", "charge", "cost", "tokens", "exchanges", "total"]
        + [ending.name for ending in Ending], 0.0)  # fmt: skip
    for probability, talk in every_outcome(lambda roll: play(spec, who, opening, plan, roll)):
        assert talk.state.ending is not None
        for name, value in (
            ("total", 1.0),
            ("user", talk.returns[0]),
            ("assistant", talk.returns[1]),
            ("welfare", spec.welfare(*talk.returns)),
            ("charge", talk.state.charged / 1e12),
            ("cost", talk.state.cost / 1e12),
            ("tokens", talk.state.total_output),
            ("exchanges", talk.state.exchange + 1),
            (talk.state.ending.name, 1.0),
        ):
            out[name] += probability * value
    assert out.pop("total") == pytest.approx(1, abs=1e-12)
    return out


def cell(matrix: ConversationMatrix, i: int, j: int) -> dict[str, float]:
    names = ("user", "assistant", "welfare", "charge", "cost", "tokens", "exchanges")
    endings = {ending.name: matrix.endings[i, j, ending] for ending in Ending}
    return {name: getattr(matrix, name)[i, j] for name in names} | endings


@pytest.mark.parametrize("seed", range(12))
def test_every_cell_is_the_brute_force_expectation(
    random_game: GameMaker, every_outcome: EveryOutcome, seed: int
) -> None:
    spec = random_game(random.Random(seed), personas=2, max_exchanges=4)
    assert spec.is_exact
    matrix = normal_form(spec)
    assert matrix.exact
    assert matrix.error == 0.0
    types = spec.population.types(1)
    assert len(types) > 3
    for i, opening in enumerate((UserMove.VQ, UserMove.DQ)):
        for j, plan in enumerate(AssistantMove):
            parts = [
                (w, brute_force(every_outcome, spec, who, opening, plan.label)) for w, who in types
            ]
            expected = {n: sum(w * part[n] for w, part in parts) for n in parts[0][1]}
            assert cell(matrix, i, j) == pytest.approx(expected, abs=1e-9)


def test_endings_are_all_of_them(quick_matrix: ConversationMatrix) -> None:
    assert quick_matrix.endings.shape == (2, 7, 5)
    np.testing.assert_allclose(quick_matrix.endings.sum(axis=2), 1.0, atol=1e-12)
    assert quick_matrix.endings.min() >= 0
    assert quick_matrix.endings[..., Ending.FAULT].max() == 0


def test_definite_query_and_direct_answer_by_hand(quick_matrix: ConversationMatrix) -> None:
    # Exchange 0: 280 input, 180 output, 100 reasoning at 3 / 15 / 15 USD per 1M: 0.00504 USD, so
    # 0.504 points at 100 points a USD. Reading 80 tokens beyond 100: 0.4. Effort 1.
    first = 1.0 + 0.4 + 0.504
    # After a wrong answer the user asks on for 0.5 and reads again. Input 280 + 180 + 40 = 500,
    # of which 280 cached: 0.00066 + 0.000084 + 0.0042 = 0.004944 USD.
    second = 0.5 + 0.4 + 0.4944
    # Right with 0.9 at once; else right with 0.9, worth 0.9 * 5; else it leaves.
    U = 0.9 * (5 - first) + 0.1 * (0.9 * (4.5 - first - second) + 0.1 * (-first - second))
    assert quick_matrix.user[DQ, AssistantMove.DA_STANDARD] == pytest.approx(U, abs=1e-12)
    # Costs 0.5 / 0.05 / 2 / 2 USD per 1M: 0.0007, then 0.000684 USD. Margins at 100 points a USD.
    margin, margins = 100 * (0.00504 - 0.0007), 100 * (0.00504 + 0.004944 - 0.0007 - 0.000684)
    L = 0.9 * (margin + 1) + 0.1 * (0.9 * (margins + 1) + 0.1 * (margins - 0.5))
    assert quick_matrix.assistant[DQ, AssistantMove.DA_STANDARD] == pytest.approx(L, abs=1e-12)
    # W is the mean of the realised geometric means; leaving is below the disagreement point
    W = 0.9 * math.sqrt((5 - first) * (margin + 1))
    W += 0.09 * math.sqrt((4.5 - first - second) * (margins + 1))
    assert quick_matrix.welfare[DQ, AssistantMove.DA_STANDARD] == pytest.approx(W, abs=1e-12)
    assert quick_matrix.tokens[DQ, AssistantMove.DA_STANDARD] == pytest.approx(180 * 1.1)
    assert quick_matrix.exchanges[DQ, AssistantMove.DA_STANDARD] == pytest.approx(1.1)
    assert quick_matrix.endings[DQ, AssistantMove.DA_STANDARD, Ending.LEFT] == pytest.approx(0.01)


def test_vague_query_and_question_by_hand(quick_matrix: ConversationMatrix) -> None:
    # Question: 215 input, 30 + 100 output: 0.000645 + 0.00195 = 0.002595 USD. Effort 0.1 and 0.3,
    # annoyance 0.4. Answer: 215 + 30 + 20 input, 215 cached: 0.00015 + 0.0000645 + 0.0042 USD.
    sunk = 0.1 + 0.4 + 0.2595 + 0.3 + 0.4 + 0.44145
    # Once more: 265 + 180 + 40 input, 265 cached: 0.00066 + 0.0000795 + 0.0042 USD.
    more = 0.5 + 0.4 + 0.49395
    U = 0.9 * (0.9 * 5 - sunk)
    U += 0.1 * (0.9 * (0.81 * 5 - sunk - more) + 0.1 * (-sunk - more))
    assert quick_matrix.user[VQ, AssistantMove.CQ] == pytest.approx(U, abs=1e-12)
    assert quick_matrix.tokens[VQ, AssistantMove.CQ] == pytest.approx(30 + 180 * 1.1)
    assert quick_matrix.charge[VQ, AssistantMove.CQ] == pytest.approx(
        0.002595 + 0.0044145 + 0.1 * 0.0049395
    )


def test_vague_query_and_guess_by_hand(quick_matrix: ConversationMatrix) -> None:
    # A concise guess among three is right with 0.9 * 0.85 / 3, an informed one with 0.9 * 0.85.
    # 215 input, 60 + 100 output: 0.003045 USD; then 315 of which 215 cached: 0.0027645 USD.
    guess, known = 0.255, 0.765
    first, second = 0.1 + 0.3045, 0.5 + 0.27645
    U = guess * (5 - first)
    U += (1 - guess) * (known * (4.5 - first - second) + (1 - known) * (-first - second))
    assert quick_matrix.user[VQ, AssistantMove.DA_CONCISE] == pytest.approx(U, abs=1e-12)
    endings = quick_matrix.endings[VQ, AssistantMove.DA_CONCISE]
    assert endings[Ending.ACCEPTED] == pytest.approx(guess + (1 - guess) * known)
    assert endings[Ending.LEFT] == pytest.approx((1 - guess) * (1 - known))


def test_the_classic_view_is_a_part_of_the_matrix(quick_matrix: ConversationMatrix) -> None:
    game = quick_matrix.game
    assert game.user_plans == ("VQ", "DQ")
    assert game.assistant_plans == tuple(move.label for move in AssistantMove)
    assert game.user is not quick_matrix.user or not game.user.flags.writeable
    for level, verbosity in enumerate(("concise", "standard", "verbose")):
        classic = quick_matrix.classic(verbosity)
        assert classic.assistant_plans == ("DA", "CQ", "AQ")
        columns = [level, 3, 4 + level]
        np.testing.assert_array_equal(classic.user, game.user[:, columns])
        np.testing.assert_array_equal(classic.assistant, game.assistant[:, columns])
    with pytest.raises(ValueError, match="concise, standard, verbose; got 'long'"):
        quick_matrix.classic("long")


def with_fields(spec: GameSpec, **fields: Distribution) -> GameSpec:
    ((_, persona),) = spec.population.personas
    varied = replace(persona, **fields)  # type: ignore[arg-type]  # none of them is the name
    return replace(spec, population=Population(((1.0, varied),)))


CONTINUOUS: list[dict[str, Distribution]] = [
    {"value": Uniform(2, 6)},
    {"value": Normal(3, 2, 0, 6), "price_sensitivity": LogNormal(200, 0.5)},
    {"budget": Uniform(3e9, 9e9)},  # some can pay for one message, some for two
    {"outside_option": Uniform(-1, 1), "harm": Uniform(0, 3), "budget": Uniform(3e9, 9e9)},
    dict.fromkeys(
        ("value", "conciseness", "annoyance", "effort_vague", "effort_definite", "effort_reply",
         "effort_follow_up", "discount"), Uniform(0.3, 1.0)),
]  # fmt: skip


@pytest.mark.parametrize("varied", CONTINUOUS, ids=lambda fields: "+".join(fields)[:40])
def test_the_error_of_binned_types_is_below_the_stated_one(
    quick: GameSpec, varied: dict[str, Distribution]
) -> None:
    spec = with_fields(replace(quick, max_exchanges=2), **varied)
    matrix = normal_form(spec, most_types=32)
    fine = normal_form(spec, most_types=600)
    assert not matrix.exact
    error = max(
        float(np.abs(getattr(matrix, name) - getattr(fine, name)).max())
        for name in ("user", "assistant", "welfare")
    )
    assert error <= matrix.error + 1e-12
    assert fine.error <= matrix.error + 1e-12
    assert matrix.error < 1


def test_means_that_are_linear_in_a_field_need_no_bins(quick: GameSpec) -> None:
    spec = with_fields(quick, value=Uniform(4, 6))  # mean 5, as the engineer's
    binned, plain = normal_form(spec, most_types=4), normal_form(quick)
    np.testing.assert_allclose(binned.user, plain.user, atol=1e-12)
    np.testing.assert_allclose(binned.assistant, plain.assistant, atol=1e-12)


LENGTHS: list[dict[str, Distribution]] = [
    {"reasoning": Choice((40, 80, 320), (1, 2, 1))},
    {"vague": Choice((5, 60), (1, 1)), "question": Choice((10, 90), (3, 1))},
]


@pytest.mark.parametrize("budget", [5e10, 5.5e9])
@pytest.mark.parametrize("varied", LENGTHS, ids=lambda fields: "+".join(fields))
def test_the_error_of_mean_lengths_is_below_the_stated_one(
    quick: GameSpec,
    every_outcome: EveryOutcome,
    varied: dict[str, Distribution],
    budget: float,
) -> None:
    # answers about as long as is read at no cost, so that the mean hides the cost of long ones
    answer = (Choice((60, 110), (1, 1)), Choice((80, 180), (1, 1)), Constant(300))
    lengths = replace(quick.lengths, answer=answer, **varied)
    spec = with_fields(replace(quick, lengths=lengths, max_exchanges=2), budget=Constant(budget))
    matrix = normal_form(spec)
    assert not matrix.exact
    assert matrix.error > 0
    ((_, who),) = spec.population.types(1)
    for i, opening in enumerate((UserMove.VQ, UserMove.DQ)):
        for j, plan in enumerate(AssistantMove):
            true = brute_force(every_outcome, spec, who, opening, plan.label)
            for name in ("user", "assistant", "welfare"):
                assert getattr(matrix, name)[i, j] == pytest.approx(true[name], abs=matrix.error)
