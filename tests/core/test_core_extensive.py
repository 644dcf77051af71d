"""The game tree: its size, its files, and what others make of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtalign_env.core.best_response import UserPlace
from gtalign_env.core.exploitability import exploitability
from gtalign_env.core.extensive import (
    Chance,
    ExtensiveForm,
    Leaf,
    Node,
    Turn,
    expected_payoffs,
    extensive_form,
    walk,
)
from gtalign_env.core.extensive_files import ascii_labels, decimal, efg, nfg, probabilities
from gtalign_env.core.mixed import AssistantMix, UserMix, assistant_mix, user_mix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.play_out import evaluate_profile
from gtalign_env.core.policies import default_seat, random_assistant, random_user
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.views import AssistantView, InformationSet, UserView
from gtalign_env.errors import SolverError
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.persona import Constant, Population
from gtalign_env.pricing import Rates

GameMaker = Callable[..., GameSpec]
THREE = [AssistantMove.AQ_CONCISE, AssistantMove.CQ, AssistantMove.DA_VERBOSE]
ANY_USER, ANY_ASSISTANT = user_mix(random_user), assistant_mix(random_assistant)


def text(lines: Any) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("seed", [0, 2, 3, 5])
def test_the_tree_is_the_game(random_game: GameMaker, seed: int) -> None:
    spec = random_game(random.Random(seed), personas=2, max_exchanges=2)
    form = extensive_form(spec)
    assert form.exact
    for user, assistant in (
        (ANY_USER, ANY_ASSISTANT),
        (user_mix(default_seat(0.3)), ANY_ASSISTANT),
    ):
        value = evaluate_profile(spec, user, assistant)
        found = expected_payoffs(form.root, user, assistant)
        assert found == pytest.approx((value.user, value.assistant), abs=1e-9)


def test_sizes_counted_by_hand(quick: GameSpec) -> None:
    # one exchange: 2 openings; after each CQ: REPLY, LEAVE; after each of 6 answers a draw between
    # right and wrong, then 3 moves that all end it (asking on is cut off)
    form = extensive_form(replace(quick, max_exchanges=1))
    assert form.leaves == 2 * (2 + 6 * 2 * 3)
    assert len(form.user) == 1 + 2 * (1 + 6 * 2)
    assert len(form.assistant) == 2
    assert form.nodes == form.leaves + len(form.user) + 2 + 2 * 6
    fewer = extensive_form(replace(quick, max_exchanges=1), [AssistantMove.CQ])
    assert (fewer.leaves, len(fewer.user), fewer.nodes) == (4, 3, 9)


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_seat_forgets_nothing_and_sees_what_its_set_says(
    random_game: GameMaker, seed: int
) -> None:
    form = extensive_form(random_game(random.Random(seed), personas=2, max_exchanges=2))
    found: dict[tuple[int, int], set[tuple[Any, ...]]] = {}

    def follow(node: Node, user: tuple[Any, ...], assistant: tuple[Any, ...]) -> None:
        if isinstance(node, Chance):
            for child in node.children:
                follow(child, user, assistant)
        elif isinstance(node, Turn):
            known = node.information
            own = (user, assistant)[known.seat]
            found.setdefault((known.seat, known.number), set()).add(own)
            for move, child in zip(known.moves, node.children, strict=True):
                step = ((known.number, move),)
                follow(
                    child,
                    user + (step if known.seat == 0 else ()),
                    assistant + (step if known.seat == 1 else ()),
                )

    follow(form.root, (), ())
    # perfect recall: all nodes of a set have the same own sets and moves behind them
    assert all(len(pasts) == 1 for pasts in found.values())
    for seat, sets in ((0, form.user), (1, form.assistant)):
        assert [one.number for one in sets] == list(range(1, len(sets) + 1))
        assert len({one.label for one in sets}) == len(sets)
        assert {number for s, number in found if s == seat} == {one.number for one in sets}


def test_too_large_a_tree_is_refused_with_its_size(quick: GameSpec) -> None:
    with pytest.raises(SolverError, match="more than 1,000 nodes: 4 exchanges, 7 assistant moves"):
        extensive_form(quick, most_nodes=1000)
    assert extensive_form(replace(quick, max_exchanges=1), most_nodes=117).nodes == 117
    with pytest.raises(SolverError, match="more than 116"):
        extensive_form(replace(quick, max_exchanges=1), most_nodes=116)
    with pytest.raises(ValueError, match="distinct"):
        extensive_form(quick, [AssistantMove.CQ, AssistantMove.CQ])


# ------------------------------------------------------------------ files


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_decimals_read_back_as_the_same_double(x: float) -> None:
    assert float(decimal(x)) == x
    assert "e" not in decimal(x).lower()


@settings(deadline=None)
@given(st.lists(st.floats(1e-3, 1), min_size=1, max_size=40))
def test_probabilities_in_files_sum_to_exactly_one(weights: list[float]) -> None:
    values = [weight / sum(weights) for weight in weights]
    written = [Decimal(p) for p in probabilities(values)]
    assert sum(written) == 1
    assert [float(p) for p in written] == pytest.approx(values, abs=1e-12)


def test_labels_are_ascii_and_distinct() -> None:
    assert ascii_labels(['a"b', "a\\b", "é", "ü", "", "é"]) == ["a'b", "a/b", "?", "? 2", "? 3", "? 4"]  # fmt: skip
    with pytest.raises(ValueError, match="finite"):
        decimal(float("nan"))


@pytest.mark.parametrize("seed", range(8))
def test_openspiel_reads_the_tree(random_game: GameMaker, seed: int) -> None:
    import pyspiel

    spec = random_game(random.Random(seed), personas=2, max_exchanges=2)
    form = extensive_form(spec, THREE)
    game = pyspiel.load_efg_game(text(efg(form, openspiel=True)))
    ours = list(walk(form.root))
    assert len(ours) == form.nodes
    theirs: list[tuple[str, ...]] = []
    value = np.zeros(2)

    def follow(state: Any, reach: float) -> None:
        nonlocal value
        if state.is_terminal():
            theirs.append(tuple(map(repr, state.returns())))
            value = value + reach * np.array(state.returns())
            return
        pairs = (
            state.chance_outcomes()
            if state.is_chance_node()
            else [(action, 1 / len(state.legal_actions())) for action in state.legal_actions()]
        )
        for action, p in pairs:
            follow(state.child(action), reach * p)

    follow(game.new_initial_state(), 1.0)
    leaves = [(repr(n.user), repr(n.assistant)) for n in ours if isinstance(n, Leaf)]
    assert sorted(theirs) == sorted(leaves)  # every payoff, bit for bit
    evenly = [(1 / 3, move) for move in THREE]
    expected = evaluate_profile(spec, ANY_USER, lambda view: evenly)
    assert tuple(value) == pytest.approx((expected.user, expected.assistant), abs=1e-9)


def test_openspiel_reads_the_matrix(tmp_path: Path) -> None:
    import pyspiel

    rng = np.random.default_rng(5)
    for number in range(20):
        m, n = rng.integers(1, 6, size=2)
        game = NormalFormGame(
            rng.normal(size=(m, n)) * 10.0 ** rng.integers(-9, 9), rng.normal(size=(m, n))
        )
        file = tmp_path / f"{number}.nfg"
        file.write_text(text(nfg(game, openspiel=True)), encoding="ascii")
        state = pyspiel.load_game(f"nfg_game(filename={file})").new_initial_state()
        for i, j in np.ndindex(m, n):
            after = state.clone()
            after.apply_actions([i, j])
            assert tuple(after.returns()) == (game.user[i, j], game.assistant[i, j])


def test_labels_stand_in_the_matrix_for_gambit(quick: GameSpec) -> None:
    game = NormalFormGame(np.array([[1.0, 2.0]]), np.array([[0.5, -3e-7]]), ("up",), ("l", "r"))
    assert text(nfg(game)) == (
        'NFG 1 R "game" { "user" "assistant" }\n{ { "up" } { "l" "r" } }\n\n1.0 0.5\n2.0 -0.0000003\n'
    )


# ------------------------------------------------------------------ solved by others


def opposed(spec: GameSpec) -> GameSpec:
    """Return the game with costs, efforts and values such that one seat's gain is the other's loss."""
    ((_, persona),) = spec.population.personas
    free: dict[str, Any] = dict.fromkeys(("effort_vague", "effort_definite", "effort_reply", "effort_follow_up", "conciseness", "annoyance"), Constant(0.0))  # fmt: skip
    persona = replace(
        persona, **free, outside_option=Constant(1.0), harm=Constant(-1.0), discount=Constant(1.0),
        price_sensitivity=Constant(spec.margin_weight),
    )  # fmt: skip
    value = persona.value.mean
    return replace(
        spec,
        population=Population(((1.0, persona),)),
        cost=Rates(0, 0, 0, 0),
        retention=-value,
        churn=1.0,
        reply_clarity=1.0,
        max_exchanges=2,
    )


def solved_by_cfr(form: ExtensiveForm, iterations: int) -> tuple[Any, Any]:
    import pyspiel

    game = pyspiel.load_efg_game(text(efg(form, openspiel=True)))
    solver = pyspiel.CFRPlusSolver(game)
    for _ in range(iterations):
        solver.evaluate_and_update_policy()
    return game, solver.tabular_average_policy()


def as_mixes(form: ExtensiveForm, policy: Any) -> tuple[UserMix, AssistantMix]:
    """Return a policy on the tree as policies on views.

    A tree's user also remembers whether earlier answers were right, which changes nothing; nodes
    that differ in that alone are played as they are on average.
    """
    order: dict[str, int] = {}
    for node in walk(form.root):
        if isinstance(node, Turn):
            for move in node.information.moves:
                order.setdefault(move.label, len(order))
    assistant: dict[InformationSet, list[tuple[float, AssistantMove]]] = {}
    weights: dict[Any, dict[UserMove, float]] = {}

    def shares(node: Turn) -> list[tuple[float, Any]]:
        known = node.information
        found = policy.get_state_policy(
            f"{known.seat:d}-{known.seat:d}-{known.number}-{known.label}"
        )
        moves = sorted(known.moves, key=lambda move: order[move.label])
        return [(p, move) for (_, p), move in zip(sorted(found), moves, strict=True)]

    def follow(node: Node, reach: float) -> None:
        if isinstance(node, Chance):
            for p, child in zip(node.probabilities, node.children, strict=True):
                follow(child, reach * p)
        elif isinstance(node, Turn):
            played, view = shares(node), node.information.view
            if isinstance(view, UserView):
                place = (view.who, UserPlace(view.public.history, bool(view.state.right)))
                at = weights.setdefault(place, {})
                for p, move in played:
                    at[move] = at.get(move, 0.0) + (reach + 1e-300) * p
                reaches = {move: reach * p for p, move in played}
            else:
                assistant[view.history] = played
                reaches = {move: reach for _, move in played}
            for move, child in zip(node.information.moves, node.children, strict=True):
                follow(child, reaches[move])

    follow(form.root, 1.0)

    def user_plays(view: UserView) -> Sequence[tuple[float, UserMove]]:
        at = weights[view.who, UserPlace(view.public.history, bool(view.state.right))]
        return [(p / sum(at.values()), move) for move, p in at.items()]

    def assistant_plays(view: AssistantView) -> Sequence[tuple[float, AssistantMove]]:
        return assistant[view.history]

    return user_plays, assistant_plays


@pytest.mark.parametrize("kind", ["opposed", "as it is"])
def test_openspiel_solves_the_tree_and_both_agree_how_well(quick: GameSpec, kind: str) -> None:
    import pyspiel
    from open_spiel.python.algorithms import expected_game_score

    spec = opposed(quick) if kind == "opposed" else replace(quick, max_exchanges=2)
    form = extensive_form(spec)
    game, policy = solved_by_cfr(form, 300)
    user, assistant = as_mixes(form, policy)
    found = exploitability(spec, user, assistant)
    theirs = expected_game_score.policy_value(game.new_initial_state(), [policy, policy])
    assert (found.value.user, found.value.assistant) == pytest.approx(tuple(theirs), abs=1e-9)
    assert found.nash_conv == pytest.approx(pyspiel.nash_conv(game, policy), abs=1e-9)
    if kind == "opposed":
        assert game.get_type().utility == pyspiel.GameType.Utility.ZERO_SUM
        assert found.nash_conv < 1e-3
