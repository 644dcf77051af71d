"""Our own contract over every id, seat and bundled scenario."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import pettingzoo
import pytest

from gtalign_env.core.spec import GameSpec
from gtalign_env.envs import ENVS, PARALLEL_ENVS
from gtalign_env.envs.checks import RULES, Hooks, check_rollouts, conversation_hooks
from gtalign_env.persona import Constant, Persona, Population
from tests.contracts.cases import CASES, IDS, LIGHT, SEATS, both_seats, one_seat, spec

# A mask forbids nothing to the assistant, whose moves are all legal, and nothing to a speaker.
# Gymnasium's rules and those of two seats are apart.
UNMASKED = {"mask-form", "mask-obeyed", "mask-refusal"}
ONE_SEAT = {"reward-dead", "reward-cumulative", "alias-seats", "reward-swap", "hidden-twin"}
BOTH_SEATS = {"seed-follows"}


def rich(name: str, **fields: float) -> GameSpec:
    """Return a scenario's game around one user of given fields who never goes broke.

    Whoever it is, chance and everything that can be seen are the same.
    """
    game = spec(name)
    (_, persona), *_ = game.population.personas
    constants: dict[str, Any] = {field: Constant(value) for field, value in fields.items()}
    one: Persona = replace(persona, **{"budget": Constant(10**15), **constants})
    return replace(game, population=Population(((1.0, one),)))


def copies_of(env: Any) -> Callable[[], Any]:
    """Return a maker of fresh copies of an environment: quicker than making it anew."""
    return lambda: copy.deepcopy(env)


@pytest.mark.parametrize(("env_id", "name"), LIGHT)
def test_both_seats_keep_the_contract(env_id: str, name: str) -> None:
    report = check_rollouts(
        copies_of(both_seats(env_id, name)), episodes=6, hooks=conversation_hooks(), hash_seeds=()
    )
    unmasked = UNMASKED if "Dialogue" in env_id else set()
    left_out = BOTH_SEATS | unmasked | {"processes-agree", "hidden-twin"}
    assert set(report.not_checked) <= left_out | {"fault-no-score"}, report.not_checked


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize(("env_id", "name"), CASES)
def test_one_seat_keeps_the_contract(env_id: str, name: str, seat: str) -> None:
    env = one_seat(env_id, name, seat)
    report = check_rollouts(
        copies_of(env), episodes=6, hooks=replace(conversation_hooks(), blind=()), hash_seeds=()
    )
    unmasked = UNMASKED if "Dialogue" in env_id or seat == "assistant" else set()
    left_out = ONE_SEAT | unmasked | {"processes-agree", "hidden-words"}
    assert set(report.not_checked) <= left_out, report.not_checked


@pytest.mark.parametrize(("env_id", "name"), CASES)
def test_the_assistant_reads_the_same_whoever_the_user_is(env_id: str, name: str) -> None:
    def around(**fields: float) -> Any:
        more = {"render_mode": "ansi"}
        return pettingzoo.make("aec", env_id, scenario=rich(name, **fields), **more)

    ann = around(value=4.123457, harm=2.718283, outside_option=0.337731, tolerance=1)
    bob = around(value=7.654323, harm=0.141421, outside_option=0.271829, tolerance=3)
    hooks = conversation_hooks(twin=copies_of(bob))
    report = check_rollouts(copies_of(ann), episodes=15, hooks=hooks, hash_seeds=())
    assert {"hidden-twin", "hidden-words"} <= set(report.checked)


@pytest.mark.parametrize("env_id", IDS)
def test_other_processes_agree(env_id: str) -> None:
    make = functools.partial(pettingzoo.make, "aec", env_id, scenario="mixed_crowd")
    report = check_rollouts(make, hooks=conversation_hooks(), hash_seeds=("3",))
    assert "processes-agree" in report.checked


@pytest.mark.parametrize("reward", ["own", "joint"])
def test_rewards_of_either_kind_add_up(reward: str) -> None:
    make = functools.partial(
        gymnasium.make, "gtalign/Conversation-v0", scenario="mixed_crowd", reward=reward
    )
    report = check_rollouts(make, hooks=conversation_hooks(), hash_seeds=())
    assert "reward-sum" in report.checked


def test_every_rule_is_held_against_some_environment_of_ours() -> None:
    held = set()
    for env_id in IDS:
        both = both_seats(env_id, "quick_question")
        hooks = conversation_hooks(twin=copies_of(both))
        reports = [check_rollouts(copies_of(both), hooks=hooks, hash_seeds=())]
        one = copies_of(one_seat(env_id, "quick_question", "user"))
        reports.append(check_rollouts(one, hooks=conversation_hooks(), hash_seeds=()))
        held |= {rule for report in reports for rule in report.checked}
    assert set(RULES) - held <= {"processes-agree", "hidden-twin"}  # tested above
    assert set(IDS) <= set(ENVS)


@pytest.mark.parametrize("kind", ["parallel", "aec"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"rounds": 8},
        {"game": "gtalign_table1", "rounds": 30, "discount": 0.7, "noise": 0.2, "signal": True},
        {"game": "quick_question", "rounds": 6, "history": 3},
    ],
    ids=["plain", "noisy", "scenario"],
)
@pytest.mark.parametrize("env_id", PARALLEL_ENVS)
def test_games_of_rounds_keep_the_contract(env_id: str, kwargs: dict[str, Any], kind: str) -> None:
    env = pettingzoo.make(kind, env_id, **kwargs)
    by_index: Any = [({"episode": 2}, lambda env: env._draws.episode == 2)]
    hooks = Hooks(ends_together=True, options=by_index if kind == "parallel" else ())
    report = check_rollouts(copies_of(env), hooks=hooks, hash_seeds=(), max_steps=100)
    # it says itself whether anything is left to chance
    assert ("seed-matters" in report.checked) == ("discount" in kwargs)


@pytest.mark.parametrize("more", [{"noise": 0.5}, {"discount": 0.5}, {"signal": True}])
def test_a_game_of_rounds_says_what_is_left_to_chance(more: dict[str, Any]) -> None:
    for kind in ("parallel", "aec"):
        kwargs = {"rounds": 12, **more}
        make = functools.partial(pettingzoo.make, kind, "gtalign/RepeatedGame-v0", **kwargs)
        assert "seed-matters" in check_rollouts(make, hash_seeds=()).checked
