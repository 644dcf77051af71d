"""The Bayes oracle: the best of all policies, by brute force and by play."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from gtalign_env.core.conversation import Conversation
from gtalign_env.core.exact import normal_form
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.oracle import (
    MOST_EXCHANGES,
    BayesOracle,
    Policy,
    Value,
    bayes_oracle,
    evaluate_policy,
)
from gtalign_env.core.plans import continue_plan, default_user
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import InformationSet
from gtalign_env.draws import Draws, Purpose, Seat, stream_key
from gtalign_env.errors import SolverError
from gtalign_env.persona import Constant, Population, UserType
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_env.welfare import Welfare

GameMaker = Callable[..., GameSpec]
Roll = Callable[..., int]
Play = Callable[[Roll], Conversation]
EveryOutcome = Callable[[Play], list[tuple[float, Conversation]]]


def plan(move: AssistantMove) -> Policy:
    return lambda known: continue_plan(move, len(known.assistant_moves))


def random_policy(rng: random.Random) -> Policy:
    chosen: dict[InformationSet, AssistantMove] = {}
    return lambda known: chosen.setdefault(known, AssistantMove(rng.randrange(7)))


def play(
    spec: GameSpec, who: UserType, opening: UserMove, policy: Policy, roll: Roll
) -> Conversation:
    """Play a policy against the default user, with chance rolled."""
    talk = Conversation(spec, Draws(0, 0))
    talk.who = who
    talk.step_user(opening)
    while talk.state.ending is None:
        answer = policy(talk.history())
        p = spec.p_right(answer, talk.state.informed)
        talk.step_assistant(answer, right=roll(p, 1 - p) == 0)
        if talk.state.ending is not None:
            break
        move = default_user(who, talk.state, spec.max_exchanges)
        unclear = 1 - spec.reply_clarity if move is UserMove.REPLY else 0.0
        talk.step_user(move, settled=roll(1 - unclear, unclear) == 0)
    return talk


def brute_value(
    every_outcome: EveryOutcome,
    spec: GameSpec,
    policy: Policy,
    roots: list[tuple[float, UserType, UserMove]],
) -> float:
    return math.fsum(
        weight * p * spec.welfare(*talk.returns)
        for weight, who, opening in roots
        for p, talk in every_outcome(
            lambda roll, who=who, opening=opening: play(spec, who, opening, policy, roll)  # type: ignore[misc]  # binds the loop's names
        )
    )


def later_histories(
    every_outcome: EveryOutcome,
    spec: GameSpec,
    first: AssistantMove,
    roots: list[tuple[float, UserType, UserMove]],
) -> list[InformationSet]:
    """Return every history after the opening that a first move can lead to, in two exchanges."""
    met: dict[InformationSet, None] = {}

    def policy(known: InformationSet) -> AssistantMove:
        if known.assistant_moves:
            met[known] = None
        return first

    brute_value(every_outcome, spec, policy, roots)
    return list(met)


def test_it_is_the_best_of_all_deterministic_policies(
    small: GameSpec, every_outcome: EveryOutcome
) -> None:
    p_vague = 0.3
    oracle = bayes_oracle(small, p_vague)
    types = small.population.types(1)
    assert len(types) == 4
    best, tried = 0.0, 0
    # What the assistant sees first splits the sum: the best policy is the best one for each.
    for style, opening in itertools.product((1, 2), (UserMove.VQ, UserMove.DQ)):
        share = p_vague if opening is UserMove.VQ else 1 - p_vague
        roots = [(w * share, who, opening) for w, who in types if who.style == style]
        start = InformationSet(style, (opening,), (), opening is UserMove.DQ)
        values = []
        for first in AssistantMove:
            later = later_histories(every_outcome, small, first, roots)
            for moves in itertools.product(AssistantMove, repeat=len(later)):
                table = {start: first, **dict(zip(later, moves, strict=True))}
                values.append(brute_value(every_outcome, small, table.__getitem__, roots))
                tried += 1
        best += max(values)
    assert tried > 500
    assert oracle.value.welfare == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_no_plan_and_no_random_policy_does_better(random_game: GameMaker, seed: int) -> None:
    rng = random.Random(seed)
    spec = random_game(rng, personas=2, max_exchanges=3)
    p_vague = rng.random()
    oracle = bayes_oracle(spec, p_vague)
    assert oracle.exact
    itself = evaluate_policy(spec, oracle, p_vague)
    assert itself == pytest.approx(oracle.value, abs=1e-12)
    matrix = normal_form(spec)
    for j, move in enumerate(AssistantMove):
        value = evaluate_policy(spec, plan(move), p_vague)
        cells = (matrix.welfare, matrix.user, matrix.assistant)
        mixed = [p_vague * cell[0, j] + (1 - p_vague) * cell[1, j] for cell in cells]
        assert tuple(value) == pytest.approx(tuple(mixed), abs=1e-9)
        assert value.welfare <= oracle.value.welfare + 1e-12
    for _ in range(40):
        value = evaluate_policy(spec, random_policy(rng), p_vague)
        assert value.welfare <= oracle.value.welfare + 1e-12


def test_evaluation_is_the_brute_force_mean(
    random_game: GameMaker, every_outcome: EveryOutcome
) -> None:
    rng = random.Random(8)
    for _ in range(6):
        spec = random_game(rng, personas=2, max_exchanges=3)
        policy = random_policy(rng)
        roots = [
            (weight * share, who, opening)
            for weight, who in spec.population.types(1)
            for opening, share in ((UserMove.VQ, 0.25), (UserMove.DQ, 0.75))
        ]
        expected = brute_value(every_outcome, spec, policy, roots)
        assert evaluate_policy(spec, policy, 0.25).welfare == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("opening", [UserMove.VQ, UserMove.DQ])
def test_with_one_known_type_and_one_exchange_it_is_the_best_response(
    quick: GameSpec, opening: UserMove
) -> None:
    spec = replace(quick, max_exchanges=1, welfare=Welfare("utilitarian"))
    matrix = normal_form(spec)
    oracle = bayes_oracle(spec, p_vague=1.0 if opening is UserMove.VQ else 0.0)
    column = int(matrix.welfare[opening].argmax())
    assert oracle.value.welfare == pytest.approx(matrix.welfare[opening, column], abs=1e-12)
    ((known, decision),) = oracle.decisions.items()
    assert known == InformationSet(1, (opening,), (), opening is UserMove.DQ)
    assert decision.move == AssistantMove(column)
    assert decision.values == pytest.approx(tuple(matrix.welfare[opening]), abs=1e-12)
    assert decision.margin == pytest.approx(
        sorted(matrix.welfare[opening])[-1] - sorted(matrix.welfare[opening])[-2]
    )


def with_styles(spec: GameSpec, styles: tuple[int, ...]) -> GameSpec:
    personas = tuple(
        (weight, replace(persona, style=Constant(style)))
        for (weight, persona), style in zip(spec.population.personas, styles, strict=True)
    )
    return replace(spec, population=Population(personas))


@pytest.mark.parametrize("seed", range(6))
def test_seeing_more_never_hurts(random_game: GameMaker, seed: int) -> None:
    spec = random_game(random.Random(seed), personas=3, max_exchanges=2)
    hidden, hinted, seen = (
        bayes_oracle(with_styles(spec, styles)).value.welfare
        for styles in ((0, 0, 0), (0, 0, 1), (0, 2, 1))
    )
    assert hidden <= hinted + 1e-12
    assert hinted <= seen + 1e-12


def test_a_hint_is_worth_points_where_users_differ(small: GameSpec) -> None:
    blind = bayes_oracle(with_styles(small, (1, 1))).value.welfare
    hinted = bayes_oracle(small).value.welfare
    told = bayes_oracle(with_styles(small, (1, 2))).value.welfare
    assert blind + 0.01 < hinted
    assert hinted + 0.01 < told


def mean_of_play(spec: GameSpec, oracle: BayesOracle, n: int) -> dict[str, tuple[float, float]]:
    """Return (mean, standard error) of W, U and L over episodes that the oracle plays."""
    draws = [Draws(stream_key(spec.digest, 5), episode) for episode in range(n)]
    rows = []
    for draw in draws:
        talk = Conversation(spec, draw)
        vague = talk.chance(Seat.USER, Purpose.POLICY) < 0.5
        talk.step_user(UserMove.VQ if vague else UserMove.DQ)
        while talk.state.ending is None:
            if talk.state.to_move is Seat.ASSISTANT:
                talk.step_assistant(oracle(talk.history()))
            else:
                talk.step_user(default_user(talk.who, talk.state, spec.max_exchanges))
        rows.append((spec.welfare(*talk.returns), *talk.returns))
    out = {}
    for name, column in zip(Value._fields, zip(*rows, strict=True), strict=True):
        mean = math.fsum(column) / n
        spread = math.sqrt(math.fsum((x - mean) ** 2 for x in column) / n)
        out[name] = (mean, spread / math.sqrt(n))
    return out


@pytest.mark.parametrize("name", ["quick_question", "help_desk", "upsell"])
def test_what_it_promises_is_what_it_gets(name: str) -> None:
    spec = compile_scenario(load_scenario(name))
    oracle = bayes_oracle(spec)
    for field, (mean, error) in mean_of_play(spec, oracle, 4_000).items():
        assert abs(mean - getattr(oracle.value, field)) < 4 * error, field


def test_reaching_probabilities_are_those_of_play(small: GameSpec) -> None:
    oracle = bayes_oracle(small, 0.3)
    first = {known: d for known, d in oracle.decisions.items() if not known.assistant_moves}
    assert len(first) == 4
    assert sum(d.probability for d in first.values()) == pytest.approx(1, abs=1e-12)
    # styles: 0.5 * 0.7 + 0.5 * 0.2 terse
    terse = InformationSet(1, (UserMove.VQ,), (), False)
    assert first[terse].probability == pytest.approx(0.3 * 0.45, abs=1e-12)
    for decision in oracle.decisions.values():
        assert decision.values[decision.move] == max(decision.values)
        assert decision.move == decision.values.index(max(decision.values))  # ties: first move


def test_what_it_cannot_solve_it_says(quick: GameSpec) -> None:
    long = replace(quick, max_exchanges=MOST_EXCHANGES + 1)
    with pytest.raises(SolverError, match=r"at most 6 exchanges; 'quick_question' has .* 7: lower"):
        bayes_oracle(long)
    oracle = bayes_oracle(quick)
    strange = InformationSet(0, (UserMove.VQ,), (), False)
    with pytest.raises(SolverError, match="histories of its own user policy only"):
        oracle(strange)
    for p_vague in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=r"p_vague is a probability, in \[0, 1\]"):
            bayes_oracle(quick, p_vague)
        with pytest.raises(ValueError, match=r"p_vague is a probability, in \[0, 1\]"):
            evaluate_policy(quick, oracle, p_vague)


def test_a_user_who_is_broke_at_once_counts_without_a_move() -> None:
    spec = compile_scenario(load_scenario("pay_on_success"))
    poor = tuple((w, replace(p, budget=Constant(10**9))) for w, p in spec.population.personas)
    oracle = bayes_oracle(replace(spec, population=Population(poor)), most_types=8)
    assert not oracle.decisions
    assert oracle.value == pytest.approx(Value(0.0, 0.0, 0.0))


def test_values_are_means_over_a_mapping_of_decisions(quick: GameSpec) -> None:
    oracle = bayes_oracle(quick)
    assert isinstance(oracle.decisions, Mapping)
    first = [d for known, d in oracle.decisions.items() if not known.assistant_moves]
    total = sum(d.probability * max(d.values) for d in first)
    assert total == pytest.approx(oracle.value.welfare, abs=1e-12)


def test_a_set_reached_by_two_routes_has_the_probability_of_both() -> None:
    # told by the first reply or by the second: either way the same set after both
    spec = replace(compile_scenario(load_scenario("quick_question")), reply_clarity=0.6)
    solved = bayes_oracle(spec)
    asked = (AssistantMove.CQ, AssistantMove.CQ)
    said = (UserMove.VQ, UserMove.REPLY, UserMove.REPLY)
    after = {
        known.informed: decision.probability
        for known, decision in solved.decisions.items()
        if known.assistant_moves == asked and known.user_moves == said
    }
    before = sum(
        decision.probability
        for known, decision in solved.decisions.items()
        if known.user_moves == (UserMove.VQ,)
    )
    assert after[False] == pytest.approx(before * 0.4**2, abs=1e-12)
    assert after[True] == pytest.approx(before * (1 - 0.4**2), abs=1e-12)
