"""Both seats learning in turns: where exact responses end, and that learnt ones come nearer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gtalign_agents.adapters import NetworkSeat
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.exploitability import exploitability
from gtalign_env.core.mixed import assistant_mix, user_mix
from gtalign_env.core.moves import AssistantMove, UserMove
from gtalign_env.core.policies import assistant_policy, random_user, user_policy
from gtalign_env.draws import Draws
from gtalign_env.errors import RunError, ScenarioError
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_scenario
from gtalign_training.pipeline import run
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.seats import assistant_seat, user_seat
from gtalign_training.selfplay.exact import trembling_assistant, trembling_user
from gtalign_training.selfplay.measure import measure

MakeRecipe = Callable[..., Recipe]
QUICK = {"rounds": 2, "steps": 256, "environments": 4, "horizon": 32, "batch_size": 64}
EQUILIBRIUM = 1e-9  # points that are left to gain


def result(recipe: Recipe, out: Path, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = run(recipe, out, **more).read("evaluation.json")
    return found


def test_responses_in_turns_end_in_the_dilemma_s_equilibrium(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    """By the token the provider sells more and asks on; a flat price leaves it no reason to."""
    recipe = make_recipe(learner="exact", rounds=8, pricing=["per_token", "subscription"])
    found = result(recipe, tmp_path / "run")
    assert found["nash_conv"] <= EQUILIBRIUM
    assert found["rounds_done"] < 8  # nothing was left to change
    sold, flat = found["by_regime"]["per_token"], found["by_regime"]["subscription"]
    assert sold["first_moves"] == pytest.approx({"AQ:verbose": 1.0})
    assert "AQ:verbose" not in flat["first_moves"]
    assert flat["welfare"] > sold["welfare"]
    assert flat["user"] > sold["user"]


def test_a_reward_for_both_gets_them_out(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    """The same price; the assistant is rewarded with the scenario's W, the sum of both."""
    options: dict[str, Any] = {"learner": "exact", "rounds": 8, "pricing": ["per_token"]}
    own = result(make_recipe(**options), tmp_path / "own")["by_regime"]["per_token"]
    joint = result(make_recipe(**options, reward="scenario"), tmp_path / "joint")
    assert joint["by_regime"]["per_token"]["welfare"] > own["welfare"] + 0.5
    assert joint["nash_conv"] <= EQUILIBRIUM


@pytest.mark.parametrize("seat", ["user", "assistant"])
def test_one_seat_alone_gets_its_best_response(
    seat: str, make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    recipe = make_recipe(learner="exact", seat=seat, rounds=1, pricing=["per_token"])
    run(recipe, tmp_path / "run")
    first, last = RunFolder(tmp_path / "run").metrics("selfplay")
    assert first[f"{seat}_gain"] > 0.1
    assert last[f"{seat}_gain"] <= EQUILIBRIUM
    gained = last[f"{seat}_welfare"] - first[f"{seat}_welfare"]
    assert gained == pytest.approx(first[f"{seat}_gain"])
    if seat == "user":  # the assistant stayed as it was
        assert last["move/per_token/DA:concise"] == pytest.approx(1.0)


def test_what_is_measured_is_the_exploitability_of_the_game(make_recipe: MakeRecipe) -> None:
    """Rewarded with its own welfare, the game that is learnt is the scenario's own."""
    spec = compile_scenario(load_scenario("quick_question"))
    pair = user_mix(user_policy("default")), assistant_mix(assistant_policy("CQ"))
    found = measure(make_recipe(), spec, pair)
    assert (found.user_gain, found.assistant_gain) == pytest.approx(
        exploitability(spec, *pair).gains
    )
    assert found.openings == {"DQ": 0.5, "VQ": 0.5}
    assert found.first_moves == pytest.approx({"CQ": 1.0})


def test_a_tremble_gives_every_legal_move_its_part() -> None:
    spec = compile_scenario(load_scenario("upsell"))
    talk = Conversation(spec, Draws(1, 0))
    shaken = trembling_user(user_mix(user_policy("VQ")), 0.1)(talk.user_view())
    assert {move: share for share, move in shaken} == pytest.approx(
        {UserMove.VQ: 0.95, UserMove.DQ: 0.05}
    )
    talk.step_user(UserMove.VQ)
    moves = trembling_assistant(assistant_mix(assistant_policy("CQ")), 0.07)(talk.assistant_view())
    assert sum(share for share, _ in moves) == pytest.approx(1.0)
    assert dict((move, share) for share, move in moves)[AssistantMove.CQ] == pytest.approx(0.94)


def test_what_cannot_be_played_is_refused(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="depends on the conversation; got random"):
        run(make_recipe(reward="random"), tmp_path / "a")
    with pytest.raises(ScenarioError, match="Did you mean 'default'"):
        run(make_recipe(user="defalt", learner="exact"), tmp_path / "b")
    with pytest.raises(Exception, match="must divide environments x horizon"):
        make_recipe(batch_size=100)


def same(one: Path, other: Path) -> None:
    for seat in ("user", "assistant"):
        with (
            np.load(one / "model" / f"{seat}.npz") as a,
            np.load(other / "model" / f"{seat}.npz") as b,
        ):
            assert all(np.array_equal(a[name], b[name]) for name in a.files)
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()


def test_a_resumed_run_equals_an_unbroken_one(make_recipe: MakeRecipe, tmp_path: Path) -> None:
    pytest.importorskip("sb3_contrib")
    recipe = make_recipe(**QUICK, pricing=["per_token"])
    run(recipe, tmp_path / "whole")

    def stop(stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "broken", progress=stop)
    run(recipe, tmp_path / "broken", resume=True)
    same(tmp_path / "whole", tmp_path / "broken")

    spec = compile_scenario(load_scenario("upsell"))
    talk = Conversation(spec, Draws(1, 0))
    name = f"trained@{tmp_path / 'whole'}"
    assert user_seat(name)(talk.user_view(), 0.5) in (UserMove.VQ, UserMove.DQ)
    talk.step_user(UserMove.DQ)
    assert isinstance(assistant_seat(name)(talk.assistant_view(), 0.5), AssistantMove)


def test_a_user_alone_learns_against_a_frozen_assistant(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    """Against an assistant that upsells, a user that moved at random learns in seconds."""
    pytest.importorskip("sb3_contrib")
    recipe = make_recipe(
        seat="user",
        user="random",
        rounds=1,
        steps=4096,
        assistant="AQ:verbose",
        pricing=["per_token"],
    )
    run(recipe, tmp_path / "run")
    first, last = RunFolder(tmp_path / "run").metrics("selfplay")
    assert last["user_gain"] < 0.5 * first["user_gain"]
    assert last["move/per_token/AQ:verbose"] == pytest.approx(1.0)
    with pytest.raises(RunError, match="no assistant that has learnt"):
        assistant_seat(f"trained@{tmp_path / 'run'}")
    assert callable(user_seat(f"trained@{tmp_path / 'run'}"))


def test_frozen_networks_are_the_ones_that_learnt(make_recipe: MakeRecipe) -> None:
    """Plain arrays give what the library's own network gives, for both seats."""
    pytest.importorskip("sb3_contrib")
    from gtalign_training.selfplay.learnt import Learners
    from gtalign_training.selfplay.network import FrozenSeat

    learners = Learners(make_recipe(**QUICK))
    spec = compile_scenario(load_scenario("upsell"))
    talk = Conversation(spec, Draws(3, 0))
    while talk.state.ending is None:
        for seat, view in (("user", talk.user_view()), ("assistant", talk.assistant_view())):
            if (seat == "user") != (talk.state.to_move.name == "USER"):
                continue
            model = learners.models[seat]
            ours = FrozenSeat.of(model, greedy=False).shares(view)
            theirs = NetworkSeat(model, greedy=False).shares(view)
            assert ours == pytest.approx(theirs, abs=1e-6)
        if talk.state.to_move.name == "USER":
            talk.step_user(random_user(talk.user_view(), 0.3))
        else:
            talk.step_assistant(AssistantMove.AQ_STANDARD)


@pytest.mark.slow
def test_learnt_responses_come_near_the_equilibrium(
    make_recipe: MakeRecipe, tmp_path: Path
) -> None:
    """Two seeds; what either seat could still gain falls by far more than half."""
    pytest.importorskip("sb3_contrib")
    for seed in (0, 1):
        recipe = make_recipe(seed=seed, rounds=3, steps=4096, pricing=["per_token"])
        found = result(recipe, tmp_path / str(seed))
        start, *_, last = found["rounds"]
        assert last["nash_conv"] < 0.4 * start["nash_conv"]
        answers = found["by_regime"]["per_token"]["first_moves"]
        assert max(answers, key=answers.__getitem__).startswith("AQ")
