"""Best responses: against brute force, the Bayes oracle, all other policies, and real play."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from gtalign_env.core.best_response import (
    OBJECTIVES,
    Objective,
    UserPlace,
    best_assistant_response,
    best_user_response,
)
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.mixed import (
    AssistantMix,
    UserMix,
    assistant_mix,
    assistant_table,
    user_mix,
)
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.oracle import Value, bayes_oracle, evaluate_policy
from gtalign_env.core.plans import continue_plan
from gtalign_env.core.play_out import evaluate_profile
from gtalign_env.core.policies import (
    assistant_policy,
    default_seat,
    random_assistant,
    random_user,
    user_policy,
)
from gtalign_env.core.rules import legal_user_moves
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, InformationSet, UserView
from gtalign_env.draws import Draws, Purpose, Seat, stream_key
from gtalign_env.errors import SolverError
from gtalign_env.persona import UserType

GameMaker = Callable[..., GameSpec]
Roll = Callable[..., int]
EveryOutcome = Callable[[Callable[[Roll], Conversation]], list[tuple[float, Conversation]]]
ASSISTANT_MOVES = list(AssistantMove)


def play(
    spec: GameSpec, who: UserType, user: UserMix, assistant: AssistantMix, roll: Roll
) -> Conversation:
    """Play two mixed policies, with chance and both seats' dice rolled."""
    talk = Conversation(spec, Draws(0, 0))
    talk.who = who
    while talk.state.ending is None:
        if talk.state.to_move is Seat.USER:
            mine = user(talk.user_view())
            move = mine[roll(*(p for p, _ in mine))][1]
            unclear = 0.0
            if move is UserMove.REPLY and not talk.state.informed:
                unclear = 1 - spec.reply_clarity
            talk.step_user(move, settled=roll(1 - unclear, unclear) == 0)
        else:
            theirs = assistant(talk.assistant_view())
            answer = theirs[roll(*(p for p, _ in theirs))][1]
            p = spec.p_right(answer, talk.state.informed)
            talk.step_assistant(answer, right=roll(p, 1 - p) == 0)
    return talk


def brute_value(
    every_outcome: EveryOutcome,
    spec: GameSpec,
    user: UserMix,
    assistant: AssistantMix,
    types: Sequence[tuple[float, UserType]] | None = None,
) -> Value:
    """Return the expected welfares by listing every way that all the dice can fall."""
    rows = [
        [weight * p * x for x in (spec.welfare(*talk.returns), *talk.returns)]
        for weight, who in types or spec.population.types(1)
        for p, talk in every_outcome(lambda roll, who=who: play(spec, who, user, assistant, roll))  # type: ignore[misc]  # binds the loop's name
    ]
    return Value(*(math.fsum(column) for column in zip(*rows, strict=True)))


def random_assistant_mix(rng: random.Random, support: int = 2) -> AssistantMix:
    table: dict[InformationSet, Sequence[tuple[float, AssistantMove]]] = {}

    def mix(view: AssistantView) -> Sequence[tuple[float, AssistantMove]]:
        if view.history not in table:
            p = rng.uniform(0.1, 0.9)
            moves = rng.sample(ASSISTANT_MOVES, support)
            table[view.history] = list(zip((p, 1 - p) if support == 2 else (1.0,), moves, strict=True))  # fmt: skip
        return table[view.history]

    return mix


def random_user_mix(rng: random.Random) -> UserMix:
    table: dict[tuple[UserType, UserPlace], Sequence[tuple[float, UserMove]]] = {}

    def mix(view: UserView) -> Sequence[tuple[float, UserMove]]:
        at = (view.who, UserPlace(view.public.history, view.state.right))
        if at not in table:
            legal = legal_user_moves(view.state)
            weights = [rng.uniform(0.1, 1) for _ in legal]
            table[at] = [(w / sum(weights), m) for w, m in zip(weights, legal, strict=True)]
        return table[at]

    return mix


def own(objective: str, seat: str, value: Value) -> float:
    return float(value.welfare if objective == "joint" else getattr(value, seat))


@pytest.mark.parametrize("seed", range(5))
def test_evaluation_is_the_brute_force_mean(
    random_game: GameMaker, every_outcome: EveryOutcome, seed: int
) -> None:
    rng = random.Random(seed)
    spec = random_game(rng, personas=2, max_exchanges=2)
    user, assistant = random_user_mix(rng), random_assistant_mix(rng)
    expected = brute_value(every_outcome, spec, user, assistant)
    assert evaluate_profile(spec, user, assistant) == pytest.approx(expected, abs=1e-9)


def test_evaluation_agrees_with_that_of_plans(quick: GameSpec) -> None:
    for plan in AssistantMove:
        seat = assistant_mix(assistant_policy(plan.label))
        value = evaluate_profile(quick, user_mix(default_seat(0.4)), seat)
        known = evaluate_policy(
            quick, lambda known, plan=plan: continue_plan(plan, len(known.assistant_moves)), 0.4  # type: ignore[misc]  # binds the loop's name
        )  # fmt: skip
        assert value == pytest.approx(known, abs=1e-12)


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_against_the_default_user_it_is_the_bayes_oracle(random_game: GameMaker, seed: int) -> None:
    rng = random.Random(seed)
    spec = random_game(rng, personas=3, max_exchanges=3)
    p_vague = rng.random()
    oracle = bayes_oracle(spec, p_vague)
    response = best_assistant_response(spec, user_mix(default_seat(p_vague)), "joint")
    assert response.value == pytest.approx(oracle.value, abs=1e-12)
    assert {known.history for known in response.decisions} == set(oracle.decisions)
    for known, decision in response.decisions.items():
        values = oracle.decisions[known.history].values
        assert list(decision.values.values()) == pytest.approx(values, abs=1e-9)


def test_it_is_the_best_of_all_tables(small: GameSpec, every_outcome: EveryOutcome) -> None:
    spec = replace(small, reply_clarity=1.0)
    user = random_user_mix(random.Random(3))
    best, tried = dict.fromkeys(OBJECTIVES, 0.0), 0
    # What the assistant sees first splits the sum: the best policy is the best one for each.
    for style, opening in itertools.product((1, 2), (UserMove.VQ, UserMove.DQ)):
        roots = opening_with(spec, user, style, opening)
        start = InformationSet(style, (opening,), (), opening is UserMove.DQ)
        values: list[Value] = []
        for first in AssistantMove:
            met: dict[InformationSet, None] = {}
            after = always(opening, user)
            brute_value(every_outcome, spec, after, noting(met, first), roots)
            later = [known for known in met if known != start]
            for moves in itertools.product(AssistantMove, repeat=len(later)):
                table = assistant_table({start: first, **dict(zip(later, moves, strict=True))})
                values.append(brute_value(every_outcome, spec, after, table, roots))
                tried += 1
        for name in OBJECTIVES:
            best[name] += max(own(name, "assistant", value) for value in values)
    assert tried == 4 * 7 * 7
    for name in OBJECTIVES:
        response = best_assistant_response(spec, user, name)  # type: ignore[arg-type]  # one of the two
        assert own(name, "assistant", response.value) == pytest.approx(best[name], abs=1e-9)


def opening_with(
    spec: GameSpec, user: UserMix, style: int, opening: UserMove
) -> list[tuple[float, UserType]]:
    """Return the types of a style, weighted by how often they open so."""
    roots = []
    for weight, who in spec.population.types(1):
        talk = Conversation(spec, Draws(0, 0))
        talk.who = who
        chances = {move: p for p, move in user(talk.user_view())}
        if who.style == style:
            roots.append((weight * chances[opening], who))
    return roots


def always(opening: UserMove, user: UserMix) -> UserMix:
    return lambda view: [(1.0, opening)] if view.state.exchange < 0 else user(view)


def noting(met: dict[InformationSet, None], move: AssistantMove) -> AssistantMix:
    def mix(view: AssistantView) -> Sequence[tuple[float, AssistantMove]]:
        met[view.history] = None
        return [(1.0, move)]

    return mix


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("seed", range(3))
def test_no_policy_of_the_assistant_does_better(
    random_game: GameMaker, seed: int, objective: Objective
) -> None:
    rng = random.Random(seed)
    spec = random_game(rng, max_exchanges=3)
    user = random_user_mix(rng)
    response = best_assistant_response(spec, user, objective)
    best = own(objective, "assistant", response.value)
    for support in (1, 2) * 4:
        value = evaluate_profile(spec, user, random_assistant_mix(rng, support))
        assert own(objective, "assistant", value) <= best + 1e-9
    if spec.reply_clarity in (0.0, 1.0):  # since when it is informed is then told by the moves
        itself = evaluate_profile(spec, user, assistant_mix(response, stochastic=False))
        assert itself == pytest.approx(response.value, abs=1e-9)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("plan", [AssistantMove.DA_CONCISE, AssistantMove.AQ_VERBOSE])
def test_it_is_the_best_of_all_users(
    quick: GameSpec, every_outcome: EveryOutcome, plan: AssistantMove, objective: Objective
) -> None:
    spec = replace(quick, max_exchanges=2)
    assistant = assistant_mix(assistant_policy(plan.label))
    after = UserMove.REPLY if plan.asks else UserMove.FOLLOW_UP
    first = [after, UserMove.ACCEPT, UserMove.LEAVE]
    second = [UserMove.FOLLOW_UP, UserMove.ACCEPT, UserMove.LEAVE]
    values = []
    for opening in (UserMove.VQ, UserMove.DQ):
        for moves in itertools.product(first, first, second, second):
            table = dict(zip(itertools.product((0, 1), (False, True)), moves, strict=True))

            def user(
                view: UserView, opening: UserMove = opening, table: dict[tuple[int, bool], UserMove] = table
            ) -> Sequence[tuple[float, UserMove]]:  # fmt: skip
                if view.state.exchange < 0:
                    return [(1.0, opening)]
                return [(1.0, table[view.state.exchange, bool(view.state.right)])]

            value = brute_value(every_outcome, spec, user, assistant)
            values.append(own(objective, "user", value))
    assert len(values) == 162
    response = best_user_response(spec, assistant, objective)
    assert own(objective, "user", response.value) == pytest.approx(max(values), abs=1e-12)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("seed", range(3))
def test_no_policy_of_the_user_does_better(
    random_game: GameMaker, seed: int, objective: Objective
) -> None:
    rng = random.Random(seed)
    spec = random_game(rng, personas=2, max_exchanges=3)
    assistant = random_assistant_mix(rng)
    response = best_user_response(spec, assistant, objective)
    best = own(objective, "user", response.value)
    for _ in range(8):
        value = evaluate_profile(spec, random_user_mix(rng), assistant)
        assert own(objective, "user", value) <= best + 1e-9
    itself = evaluate_profile(spec, user_mix(response, stochastic=False), assistant)
    assert itself == pytest.approx(response.value, abs=1e-9)


def test_a_user_that_knows_its_type_gains_by_it(small: GameSpec) -> None:
    # one reply for all types, the best one, can do no better than one for each
    assistant = assistant_mix(assistant_policy("CQ"))
    response = best_user_response(small, assistant)
    openings = {
        response.decisions(who)[UserPlace(InformationSet(who.style, (), (), False), False)].move
        for _, who, _ in response.types
    }
    assert openings == {UserMove.VQ}
    value = math.fsum(p * value.user for p, _, value in response.types)
    assert value == pytest.approx(response.value.user, abs=1e-12)


def test_unknown_objectives_and_histories_are_refused(quick: GameSpec) -> None:
    with pytest.raises(ValueError, match="Did you mean 'joint'"):
        best_user_response(quick, assistant_mix(random_assistant), "joined")  # type: ignore[arg-type]  # the mistake
    response = best_assistant_response(quick, user_mix(user_policy("DQ")))
    talk = Conversation(quick, Draws(0, 0))
    talk.step_user(UserMove.VQ)
    with pytest.raises(SolverError, match="its own opponent only"):
        response(talk.assistant_view())
    against_plan = best_user_response(quick, assistant_mix(assistant_policy("CQ")))
    talk.step_assistant(AssistantMove.DA_CONCISE)
    with pytest.raises(SolverError, match="its own opponent only"):
        against_plan(talk.user_view())
    with pytest.raises(SolverError, match="at most 6 exchanges"):
        best_assistant_response(replace(quick, max_exchanges=7), user_mix(random_user))
    with pytest.raises(SolverError, match="it lacks"):
        evaluate_profile(quick, user_mix(random_user), assistant_table({}))


def test_play_has_the_mean_that_was_computed(small: GameSpec) -> None:
    assistant = assistant_mix(random_assistant)
    response = best_user_response(small, assistant)
    returns = []
    for episode in range(1500):
        talk = Conversation(small, Draws(stream_key(small.digest, 4), episode))
        while talk.state.ending is None:
            if talk.state.to_move is Seat.USER:
                talk.step_user(response(talk.user_view()))
            else:
                u = talk.chance(Seat.ASSISTANT, Purpose.POLICY)
                talk.step_assistant(random_assistant(talk.assistant_view(), u))
        returns.append((small.welfare(*talk.returns), *talk.returns))
    mean, spread = np.mean(returns, axis=0), np.std(returns, axis=0)
    assert np.all(np.abs(mean - response.value) < 4 * spread / math.sqrt(len(returns)))
