"""`gtalign/RepeatedGame-v0`: the libraries' checkers, and what they do not look at."""

from __future__ import annotations

import copy
import inspect
import json
import math
import pickle
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pettingzoo
import pytest
from gymnasium.utils.env_checker import data_equivalence

from gtalign_env.core.exact import normal_form
from gtalign_env.envs import PARALLEL_ENVS
from gtalign_env.envs.repeated_game import RepeatedGameEnv, parallel_env, raw_env
from gtalign_env.errors import EpisodeError, ScenarioError
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario

with warnings.catch_warnings():
    # importing the tests of PettingZoo imports one of its own deprecated modules
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

ENV_ID = "gtalign/RepeatedGame-v0"
CASES: list[dict[str, Any]] = [
    {},
    {"game": "gtalign_table1", "discount": 0.9, "history": 3, "noise": 0.2, "signal": True},
    {"game": "quick_question", "pricing": "subscription", "rounds": 12, "noise": 0.1},
    {"game": {"user": [[1, 2, 3]], "assistant": [[3, 2, 1]]}, "rounds": 5, "history": 2},
]


def make(**arguments: Any) -> RepeatedGameEnv:
    env = pettingzoo.make("parallel", ENV_ID, **arguments)
    assert isinstance(env, RepeatedGameEnv)
    return env


def plan(env: RepeatedGameEnv, seed: int, rounds: int) -> list[dict[str, int]]:
    rng = np.random.default_rng(seed)
    return [
        {
            agent: int(rng.integers(count))
            for agent, count in zip(env.possible_agents, env.game.shape, strict=True)
        }
        for _ in range(rounds)
    ]


def test_the_id_is_in_both_registries_of_pettingzoo() -> None:
    assert set(PARALLEL_ENVS) == {ENV_ID}
    assert ENV_ID in pettingzoo.parallel_registry
    assert ENV_ID in pettingzoo.aec_registry
    assert isinstance(parallel_env(rounds=3), RepeatedGameEnv)
    assert raw_env(rounds=3).possible_agents == ["user_0", "assistant_0"]


@pytest.mark.parametrize("arguments", CASES, ids=str)
def test_pettingzoos_checkers_pass(arguments: dict[str, Any]) -> None:
    parallel_api_test(make(**arguments), num_cycles=200)
    parallel_seed_test(lambda: make(**arguments))
    api_test(pettingzoo.make("aec", ENV_ID, **arguments), num_cycles=200)
    seed_test(lambda: pettingzoo.make("aec", ENV_ID, **arguments), num_cycles=50)


@pytest.mark.parametrize("arguments", CASES, ids=str)
def test_rollouts_keep_the_contract_and_repeat(arguments: dict[str, Any]) -> None:
    again_arguments = json.loads(json.dumps(arguments))
    seen: list[list[Any]] = [[], []]
    for env, log in zip((make(**arguments), make(**again_arguments)), seen, strict=True):
        log.append(env.reset(seed=3))
        length = 0
        for actions in plan(env, 1, 300):
            observations, rewards, over, cut, infos = env.step(actions)
            log.append(copy.deepcopy((observations, rewards, over, cut, infos)))
            length += 1
            for agent in env.possible_agents:
                assert env.observation_space(agent).contains(observations[agent])
                assert type(rewards[agent]) is float
                assert type(over[agent]) is type(cut[agent]) is bool
                assert not (over[agent] and cut[agent])
                assert infos[agent]["reward_valid"] is True
                assert infos[agent]["action_mask"].shape == (env.action_space(agent).n,)  # type: ignore[attr-defined]  # a Discrete
                assert ("return" in infos[agent]) is (over[agent] or cut[agent])
            assert env.agents == ([] if over["user_0"] or cut["user_0"] else env.possible_agents)
            assert length <= env.rounds
            if not env.agents:
                log.append(env.reset())
                length = 0
    assert data_equivalence(seen[0], seen[1], exact=True)


def test_rewards_are_the_cells_and_returns_their_sums() -> None:
    env = make(game="gtalign_table1", rounds=6)
    env.reset(seed=1)
    user, assistant = 0.0, 0.0
    over: dict[str, bool] = {}
    cut: dict[str, bool] = {}
    infos: dict[str, Any] = {}
    for i, j in ((0, 0), (0, 1), (1, 1), (1, 2), (1, 0), (0, 2)):
        assert not any(over.values())
        _, rewards, over, cut, infos = env.step({"user_0": i, "assistant_0": j})
        assert rewards["user_0"] == env.game.user[i, j]
        assert rewards["assistant_0"] == env.game.assistant[i, j]
        assert infos["user_0"]["played"] == {"own": i, "other": j}
        assert infos["assistant_0"]["played"] == {"own": j, "other": i}
        user, assistant = user + rewards["user_0"], assistant + rewards["assistant_0"]
    assert over == {"user_0": True, "assistant_0": True}
    assert cut == {"user_0": False, "assistant_0": False}
    assert (infos["user_0"]["return"], infos["assistant_0"]["return"]) == (user, assistant)
    assert infos["user_0"]["ending"] == "ended"


def test_history_is_observed_own_plan_first_and_latest_round_first() -> None:
    env = make(game="gtalign_table1", rounds=4, history=2)  # 2 × 3 plans
    observations, _ = env.reset(seed=1)
    assert observations["user_0"].tolist() == [1] + [0] * 11
    env.step({"user_0": 1, "assistant_0": 2})
    observations, *_ = env.step({"user_0": 0, "assistant_0": 1})
    assert observations["user_0"].tolist() == [0.5, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert observations["assistant_0"].tolist() == [0.5, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1]
    assert env.past == ((1, 2), (0, 1))


def test_a_scenario_stands_for_its_exact_matrix() -> None:
    scenario = load_scenario("quick_question")
    exact = normal_form(compile_scenario(scenario)).game
    assert make(game="quick_question").game == exact
    assert make(game=scenario).game == exact
    assert make(game="quick_question", pricing="per_message").game != exact
    assert make(game=NormalFormGame(exact.user, exact.assistant)).game.shape == (2, 7)


def test_the_game_goes_on_with_probability_discount_and_pays_the_discounted_sum() -> None:
    env = make(discount=0.8, rounds=10_000)
    lengths, sums = [], []
    env.reset(seed=5)
    for _ in range(3000):
        env.reset()
        total, length = 0.0, 0
        while env.agents:
            _, rewards, over, cut, _ = env.step({"user_0": 0, "assistant_0": 0})
            total, length = total + rewards["user_0"], length + 1
            assert over["user_0"] is not bool(env.agents)
            assert not cut["user_0"]
        lengths.append(length)
        sums.append(total)
    # A geometric length: mean 1/(1 - δ) = 5, standard deviation sqrt(δ)/(1 - δ).
    error = math.sqrt(0.8) / 0.2 / math.sqrt(3000)
    assert abs(np.mean(lengths) - 5.0) < 4 * error
    assert abs(np.mean(sums) - 3.0 / (1 - 0.8)) < 4 * 3 * error
    assert abs(np.mean(np.array(lengths) == 1) - 0.2) < 4 * math.sqrt(0.16 / 3000)


def test_a_discounted_game_that_lasts_is_truncated() -> None:
    env = make(discount=0.999999, rounds=3)
    env.reset(seed=0)
    actions = {"user_0": 0, "assistant_0": 0}
    for _ in range(2):
        env.step(actions)
    _, _, over, cut, infos = env.step(actions)
    assert (over["user_0"], cut["user_0"]) == (False, True)
    assert infos["user_0"]["ending"] == "truncated"


def test_hands_tremble_as_often_as_said_and_onto_every_other_plan() -> None:
    env = make(game="gtalign_table1", rounds=6000, noise=0.3)
    env.reset(seed=2)
    played = np.array(
        [
            list(env.step({"user_0": 0, "assistant_0": 1})[4]["user_0"]["played"].values())
            for _ in range(6000)
        ]
    )
    error = 4 * math.sqrt(0.3 * 0.7 / 6000)
    assert abs(np.mean(played[:, 0] != 0) - 0.3) < error
    assert abs(np.mean(played[:, 1] == 0) - 0.15) < error
    assert abs(np.mean(played[:, 1] == 2) - 0.15) < error
    slips = (played[:, 0] != 0) & (played[:, 1] != 1)
    assert abs(np.mean(slips) - 0.09) < error  # the seats tremble independently


def test_both_seats_see_one_even_signal_that_changes_every_round() -> None:
    env = make(rounds=2000, signal=True)
    observations, _ = env.reset(seed=2)
    signals = []
    while env.agents:
        assert observations["user_0"][1] == observations["assistant_0"][1]
        signals.append(float(observations["user_0"][1]))
        observations, *_ = env.step({"user_0": 0, "assistant_0": 0})
    assert all(first != second for first, second in pairwise(signals))
    assert abs(np.mean(signals) - 0.5) < 4 / math.sqrt(12 * 2000)
    silent = make(rounds=2)
    assert silent.reset(seed=2)[0]["user_0"][1] == 0.0


def test_draws_do_not_depend_on_what_was_played_or_asked_before() -> None:
    """The tremble of round 3 is the same whatever was played; episode 7 needs no episode 6."""
    slips = []
    for first in (0, 1):
        env = make(noise=0.5, rounds=50)
        env.reset(seed=9, options={"episode": 7})
        slips.append(
            [
                env.step({"user_0": first, "assistant_0": 0})[4]["user_0"]["played"]["own"] != first
                for _ in range(50)
            ]
        )
    assert slips[0] == slips[1]
    assert 5 < sum(slips[0]) < 45
    walked = make(noise=0.5, rounds=1)
    walked.reset(seed=9)
    for _ in range(7):
        walked.reset()
    jumped = make(noise=0.5, rounds=1)
    jumped.reset(seed=9, options={"episode": 7})
    actions = {"user_0": 0, "assistant_0": 0}
    assert data_equivalence(walked.step(actions), jumped.step(actions), exact=True)


def test_copies_and_pickles_go_on_alike() -> None:
    env = make(noise=0.3, discount=0.9, signal=True)
    env.reset(seed=4)
    env.step({"user_0": 0, "assistant_0": 1})
    twins = [env, copy.deepcopy(env), pickle.loads(pickle.dumps(env))]  # noqa: S301  # our own bytes
    for actions in plan(env, 2, 30):
        results = [twin.step(actions) if twin.agents else twin.reset() for twin in twins]
        assert data_equivalence(results[0], results[1], exact=True)
        assert data_equivalence(results[0], results[2], exact=True)


def test_order_of_use() -> None:
    env = make(rounds=1, render_mode="ansi")
    with pytest.raises(EpisodeError, match=r"under way; call reset\(\)"):
        env.step({"user_0": 0, "assistant_0": 0})
    with pytest.raises(EpisodeError, match=r"call reset\(\) first"):
        env.render()
    env.reset()
    with pytest.raises(EpisodeError, match="user_0 is one of 0 cooperate, 1 defect; got 2"):
        env.step({"user_0": 2, "assistant_0": 0})
    with pytest.raises(EpisodeError, match=r"assistant_0 is one of .*; got 'none'"):
        env.step({"user_0": 0})
    assert env.past == ()
    env.step({"user_0": 0, "assistant_0": 1})
    with pytest.raises(EpisodeError, match=r"over; call reset\(\)"):
        env.step({"user_0": 0, "assistant_0": 0})
    env.close()
    env.close()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"game": "prisoners_dilema"}, ScenarioError, "Did you mean 'prisoners_dilemma'"),
        ({"game": 3}, ScenarioError, "a mapping with user and assistant"),
        ({"game": {"user": [[1]]}}, ScenarioError, "a mapping with user and assistant"),
        ({"game": {"user": [[1]], "assistant": [[1, 2]]}}, ScenarioError, "one shape"),
        ({"pricing": "per_token"}, ScenarioError, "leave out pricing"),
        ({"rounds": 0}, ValueError, "rounds is a whole number, from 1; got 0"),
        ({"history": 1.5}, ValueError, "history is a whole number, from 0; got 1.5"),
        ({"discount": 0.0}, ValueError, r"in \(0, 1\]; got 0.0"),
        ({"noise": 1.1}, ValueError, r"in \[0, 1\]; got 1.1"),
        ({"render_mode": "ansii"}, ValueError, "Did you mean 'ansi'"),
    ],
    ids=str,
)
def test_mistyped_arguments_are_answered(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(**arguments)


def test_text_is_returned_or_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for mode in (None, "ansi", "human"):
        env = make(rounds=12, render_mode=mode, signal=True)
        env.reset(seed=1)
        env.step({"user_0": 1, "assistant_0": 0})
        printed, shown = capsys.readouterr().out, env.render()
        text = {"ansi": shown, "human": printed, None: "round 1: user defect, assistant"}[mode]
        assert "round 1: user defect, assistant" in str(text)
        assert (shown is None) is (mode != "ansi")
        assert (printed == "") is (mode != "human")
    env = make(rounds=30, render_mode="ansi")
    env.reset(seed=1)
    for _ in range(25):
        env.step({"user_0": 0, "assistant_0": 0})
    assert str(env.render()).splitlines()[0].startswith("round 16: ")


@pytest.mark.filterwarnings("ignore")  # SuperSuit's imports warn
def test_supersuit_makes_it_a_vector_for_single_agent_learners() -> None:
    import supersuit

    vector = supersuit.pettingzoo_env_to_vec_env_v1(make(rounds=4, history=2))
    observations, _ = vector.reset(seed=1)
    assert observations.shape == (2, 10)
    ends = []
    for _ in range(8):
        _, rewards, over, cut, _ = vector.step(np.array([0, 1]))
        assert rewards.tolist() == [0, 5]
        ends.append(bool(over.any() or cut.any()))
    assert ends == [False, False, False, True] * 2


def test_a_public_signal_lets_both_take_turns() -> None:
    """Chicken: whoever the signal favours dares; each gets the mean of (4, 1) and (1, 4)."""
    chicken = {"user": [[3, 1], [4, 0]], "assistant": [[3, 4], [1, 0]]}
    env = make(game=chicken, rounds=4000, signal=True)
    observations, infos = env.reset(seed=6)
    while env.agents:
        favoured = observations["user_0"][1] < 0.5
        actions = {"user_0": int(favoured), "assistant_0": int(not favoured)}
        observations, _, _, _, infos = env.step(actions)
    for agent in env.possible_agents:
        assert abs(infos[agent]["return"] / 4000 - 2.5) < 4 * 1.5 / math.sqrt(4000)


def test_the_docstring_has_every_heading_and_argument() -> None:
    doc = inspect.getdoc(RepeatedGameEnv) or ""
    headings = [line.removeprefix("## ") for line in doc.splitlines() if line.startswith("## ")]
    assert headings == [
        "Description", "Action Space", "Observation Space", "Rewards", "Starting State",
        "Episode End", "Arguments", "Version History",
    ]  # fmt: skip
    arguments = doc.partition("## Arguments")[2].partition("## Version History")[0]
    for name in inspect.signature(RepeatedGameEnv).parameters:
        assert f"``{name}``" in arguments, name
