"""The native vector environment: row by row what as many single environments give, to the last bit."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from gtalign_env.core.moves import ASSISTANT_LABELS
from gtalign_env.core.spec import GameSpec
from gtalign_env.distributions import Choice, LogNormal, Normal, Uniform
from gtalign_env.envs import batch, nodes
from gtalign_env.envs.vector import ConversationVectorEnv
from gtalign_env.errors import EpisodeError, ScenarioError
from gtalign_env.persona import Population
from gtalign_env.pricing import Cap, Minimum, Outcome, PerToken, Rates, Regime, Surge, Tiered
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.library import list_entries
from gtalign_env.scenario.loader import load_scenario
from gtalign_env.welfare import Welfare

SCENARIOS = [entry.name for entry in list_entries("scenario")]
ID = "gtalign/Conversation-v0"
ROWS = 8


def quick() -> GameSpec:
    return compile_scenario(load_scenario("quick_question"))


def every_regime() -> GameSpec:
    """Return a game with every kind of component that depends on what went before."""
    parts = (
        PerToken(Rates(700_000, 70_000, 2_000_001, 1_999_999)),
        Tiered("output", (150, 400), (1_000_000, 9_000_000, 3)),
        Tiered("total", (900,), (0, 1_234_567)),
        Minimum(2 * 10**9),
        Cap(6 * 10**9),
        Outcome(10**8),
        Surge(Fraction(13, 7), start=1, stop=3, every=4),
        Surge(Fraction(1, 3), start=2),
    )
    return replace(quick(), regime=Regime("all", parts, free_questions=True))


def every_law() -> GameSpec:
    """Return a game in which every kind of distribution is drawn, types and lengths."""
    spec = quick()
    ((_, persona),) = spec.population.personas
    person = replace(
        persona,
        value=Normal(5.0, 2.0, 1.0, 9.0),
        harm=LogNormal(2.0, 0.7),
        annoyance=Uniform(-0.5, 0.5),
        budget=Choice((2 * 10**9, 10**10, 10**11), (0.3, 1.2, 0.5)),
        persistence=Choice((0, 1, 3), (1, 1, 1)),
        style=Choice((0, 2), (0.5, 0.5)),
    )
    lengths = replace(
        spec.lengths,
        system=Uniform(100, 300),
        reply=LogNormal(20, 0.6),
        question=Choice((10, 40), (1, 2)),
        reasoning=Normal(100, 50, 0, 400),
        answer=(Uniform(20, 90), LogNormal(180, 0.4), spec.lengths.answer[2]),
    )
    both = Population(((0.4, person), (0.6, persona)))
    return replace(spec, population=both, lengths=lengths, reply_clarity=0.7)


def assert_same(ours: Any, theirs: Any, where: str) -> None:
    """Assert that two results are equal: values, types and shapes."""
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), where
        for key, value in theirs.items():
            assert_same(ours[key], value, f"{where}/{key}")
        return
    assert ours.dtype == theirs.dtype, where
    assert ours.shape == theirs.shape, where
    if theirs.dtype == object:
        for one, other in zip(ours, theirs, strict=True):
            assert np.array_equal(one, other), where
    else:
        assert np.array_equal(ours, theirs), where


def play_both(
    singles: list[dict[str, Any]],
    native: ConversationVectorEnv,
    steps: int = 60,
    mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    legal: float = 1.0,
) -> set[str]:
    """Play the same actions in a native environment and in single ones; return the endings met."""
    peers = SyncVectorEnv(
        [lambda one=one: gymnasium.make(ID, disable_env_checker=True, **one) for one in singles],  # type: ignore[misc]  # binds one
        autoreset_mode=mode,
    )
    assert native.observation_space == peers.observation_space
    assert native.action_space == peers.action_space
    endings: set[str] = set()
    seen, infos = native.reset(seed=11)
    expected, their_infos = peers.reset(seed=11)
    assert_same(seen, expected, "reset")
    assert_same(infos, their_infos, "reset infos")
    rng = np.random.default_rng(0)
    for step in range(steps):
        if rng.random() < legal:
            actions = np.array([rng.choice(np.flatnonzero(row)) for row in infos["action_mask"]])
        else:
            actions = rng.integers(infos["action_mask"].shape[1], size=len(singles))
        ours, theirs = native.step(actions), peers.step(actions)
        for name, one, other in zip(
            ("observations", "rewards", "terminated", "truncated", "infos"),
            ours,
            theirs,
            strict=True,
        ):
            assert_same(one, other, f"step {step}: {name}")
        infos = ours[-1]
        endings |= {*infos.get("final_info", infos).get("ending", ())} - {None}
    native.close()
    peers.close()
    return endings


def both(rows: int = ROWS, steps: int = 60, legal: float = 1.0, **arguments: Any) -> set[str]:
    native = gymnasium.make_vec(ID, num_envs=rows, **arguments)
    assert isinstance(native, ConversationVectorEnv)
    return play_both([arguments] * rows, native, steps, legal=legal)


@pytest.mark.parametrize("seat", ["assistant", "user"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_and_seat_equals_single_environments(scenario: str, seat: str) -> None:
    assert both(scenario=scenario, seat=seat)


@pytest.mark.parametrize("opponent", ["VQ", "DQ", "random"])
def test_every_scripted_user_equals_its_single_environment(opponent: str) -> None:
    assert both(opponent=opponent)


@pytest.mark.parametrize("opponent", [*ASSISTANT_LABELS, "random"])
def test_every_scripted_assistant_equals_its_single_environment(opponent: str) -> None:
    assert both(seat="user", opponent=opponent, steps=30)


@pytest.mark.parametrize("game", [every_regime, every_law])
@pytest.mark.parametrize("seat", ["assistant", "user"])
def test_every_component_and_every_law_is_played_alike(game: Any, seat: str) -> None:
    assert both(scenario=game(), seat=seat, steps=100)


@pytest.mark.parametrize("kind", ["nash", "ces", "egalitarian", "utilitarian"])
def test_the_joint_reward_is_the_same_number(kind: str) -> None:
    spec = quick()
    welfare = Welfare(kind, alpha=0.3, rho=-0.7, disagreement=(-3.0, -3.0))
    assert both(scenario=replace(spec, welfare=welfare), reward="joint")


def test_illegal_moves_are_refused_alike() -> None:
    assert both(seat="user", legal=0.3)


def test_a_conversation_that_ends_before_the_first_move_is_reported_alike() -> None:
    spec = replace(quick(), regime=Regime("dear", (Outcome(10**12),)))
    assert both(scenario=spec, steps=6) == {"broke"}


@pytest.mark.parametrize("seat", ["assistant", "user"])
def test_pricing_lists_are_drawn_alike(seat: str) -> None:
    assert both(pricing=["per_token", "subscription", "outcome_based"], seat=seat)


def test_the_same_step_reset_keeps_the_last_observation_and_info() -> None:
    mode = AutoresetMode.SAME_STEP
    native = ConversationVectorEnv(ROWS, autoreset_mode="SameStep")
    assert native.metadata["autoreset_mode"] is mode
    assert play_both([{}] * ROWS, native, mode=mode)
    native = ConversationVectorEnv(ROWS, seat="user", autoreset_mode=mode)
    play_both([{"seat": "user"}] * ROWS, native, mode=mode, legal=0.5)


def test_rows_may_play_different_scenarios_against_different_opponents() -> None:
    names, others = ["quick_question", "mixed_crowd", "price_rise"], ["default", "random"]
    singles = [{"scenario": names[i % 3], "opponent": others[i % 2]} for i in range(ROWS)]
    native = gymnasium.make_vec(ID, num_envs=ROWS, scenario=names, opponent=others)
    play_both(singles, native)  # type: ignore[arg-type]  # ours


@pytest.mark.parametrize("rows", [1, 5])
def test_any_number_of_rows_and_threads_gives_the_same(rows: int) -> None:
    play_both([{}] * rows, ConversationVectorEnv(rows, threads=3), steps=20)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_of_several_blocks_gives_the_same(threads: int) -> None:
    for copies in (True, False):
        rows = 2 * nodes.BLOCK + 3
        play_both([{}] * rows, ConversationVectorEnv(rows, threads=threads, copy=copies), steps=4)


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_written_past_the_caches_is_the_same(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(batch, "CACHED", 0)
    rows = nodes.BLOCK + 3
    play_both([{}] * rows, ConversationVectorEnv(rows, threads=threads), steps=12)


@pytest.mark.parametrize("room", [1, 2, 30])
@pytest.mark.parametrize("seat", ["assistant", "user"])
def test_a_tree_without_room_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, room: int, seat: str
) -> None:
    monkeypatch.setattr(nodes, "ROOM", room)
    arguments: dict[str, Any] = {"scenario": "travel_planning", "seat": seat}
    for copies in (True, False):
        native = ConversationVectorEnv(ROWS, copy=copies, **arguments)
        play_both([arguments] * ROWS, native, steps=40, legal=0.8)
        assert native.batch.trees()[0].used == room


def test_constant_lengths_and_types_are_walked_and_the_rest_is_not() -> None:
    walked = {
        "quick_question": {True},
        "small_screen": {False},
        "language_tutor": {True, False},
        "phone_support": {True},
    }
    for scenario, kinds in walked.items():
        envs = ConversationVectorEnv(64, scenario=scenario)
        envs.reset(seed=0)
        assert set((envs.batch.spots["node"] > 0).tolist()) == kinds, scenario


@pytest.mark.parametrize("scenario", ["mixed_crowd", "quick_question"])
def test_actions_may_lie_anywhere_and_a_copy_goes_on_alike(scenario: str) -> None:
    envs = ConversationVectorEnv(9, scenario=scenario)
    envs.reset(seed=4)
    table = np.random.default_rng(2).integers(7, size=(9, 8), dtype=np.int32)
    envs.step(table[:, 0])
    twin = deepcopy(envs)
    for k in range(1, 8):
        column = np.array(table[:, k], np.int64)
        column.flags.writeable = False
        ours, theirs = envs.step(table[:, k]), twin.step(column)
        for one, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_reset_mask_resets_its_rows_and_no_other() -> None:
    envs = ConversationVectorEnv(4, autoreset_mode="Disabled")
    first, _ = envs.reset(seed=[5, 6, 7, 8])
    before, *_ = envs.step(np.array([6, 6, 6, 6]))
    mask = np.array([True, False, True, False])
    seen, infos = envs.reset(seed=[5, None, 7, None], options={"reset_mask": mask})
    assert np.array_equal(seen[mask], first[mask])
    assert np.array_equal(seen[~mask], before[~mask])
    assert infos["_action_mask"].tolist() == mask.tolist()
    with pytest.raises(ValueError, match=r"bool array of shape \(4,\)"):
        envs.reset(options={"reset_mask": [True] * 4})


def test_an_episode_can_be_chosen_and_seeds_make_it() -> None:
    envs = ConversationVectorEnv(3, scenario="mixed_crowd")
    envs.reset(seed=1)
    for _ in range(9):
        envs.step(np.zeros(3, int))
    later, _ = envs.reset(options={"episode": 4})
    again, _ = ConversationVectorEnv(3, scenario="mixed_crowd").reset(
        seed=[1, 2, 3], options={"episode": 4}
    )
    other, _ = envs.reset(seed=2, options={"episode": 4})
    assert np.array_equal(later, again)
    assert np.array_equal(other[:2], later[1:])  # row i of seed s is row i − 1 of seed s + 1
    fresh, _ = ConversationVectorEnv(64, scenario="mixed_crowd").reset()
    assert len(np.unique(fresh, axis=0)) > 1


def test_what_cannot_be_played_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(ScenarioError, match="vectorization_mode='sync'"):
        ConversationVectorEnv(2, opponent="oracle", seat="user")
    with pytest.raises(ScenarioError, match="Did you mean 'default'"):
        ConversationVectorEnv(2, opponent="defualt")
    with pytest.raises(ScenarioError, match="vectorization_mode='sync'"):
        ConversationVectorEnv(2, opponent=lambda view, u: 0)  # type: ignore[arg-type]  # refused
    dear = replace(quick(), regime=Regime("dear", (PerToken(Rates(10**12, 0, 0, 0)),)))
    with pytest.raises(ScenarioError, match="9,007 USD"):
        ConversationVectorEnv(2, scenario=dear)
    with pytest.raises(ValueError, match="positive"):
        ConversationVectorEnv(0)
    envs = ConversationVectorEnv(2, autoreset_mode="Disabled")
    with pytest.raises(EpisodeError, match=r"call reset\(\) first"):
        envs.step(np.zeros(2, int))
    envs.reset(seed=0)
    wrongs: list[Any] = [np.zeros(3, int), np.zeros(2), np.array([0, 7]), np.array([-1, 0])]
    for wrong in wrongs:
        with pytest.raises(EpisodeError, match="action"):
            envs.step(wrong)
    with pytest.raises(ValueError, match="one a row, 2; got 3"):
        envs.reset(seed=[1, 2, 3])
    while not envs.batch.told.terminated.any():
        envs.step(np.zeros(2, int))
    with pytest.raises(EpisodeError, match="reset_mask"):
        envs.step(np.zeros(2, int))


def test_observations_are_copies_unless_asked_otherwise() -> None:
    for copy in (True, False):
        envs = ConversationVectorEnv(2, copy=copy)
        seen, _ = envs.reset(seed=0)
        kept = seen.copy()
        envs.step(np.zeros(2, int))
        assert np.array_equal(seen, kept) is copy


def test_numba_is_imported_where_a_batch_is_made_and_not_before() -> None:
    code = (
        "import sys, gymnasium, gtalign_env\n"
        f"gymnasium.make('{ID}', opponent=lambda view, u: 0).reset(seed=0)\n"
        "assert 'numba' not in sys.modules\n"
        f"gymnasium.make_vec('{ID}', num_envs=2).reset(seed=0)\n"
        "assert 'numba' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
