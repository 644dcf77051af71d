"""Learners in the repeated game, ``gtalign dynamics`` and its pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from gtalign_env.envs.stage_game import stage_game
from gtalign_env.games.learning_duopoly import LogitDuopoly
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_env.games.repeated import cooperation_of
from gtalign_training.commands.dynamics import dynamics
from gtalign_training.repeated.learning import LearnerSettings, learn_together

AXELROD = stage_game("prisoners_dilemma")
# Both seats are best off in one cell, whatever the other does: anything that learns finds it.
HARMONY = NormalFormGame(np.array([[4, 2], [3, 1]]), np.array([[4, 3], [2, 1]]))
LEARNERS = {
    "q_learning": LearnerSettings("q_learning", rounds=4000),
    "reinforce": LearnerSettings("reinforce", rounds=4000, step_size=3.0, discount=0.5, episode=5),
}


@pytest.mark.parametrize("kind", LEARNERS)
def test_learners_find_what_is_best_for_both(kind: str) -> None:
    run = learn_together(HARMONY, LEARNERS[kind], seed=1)
    assert run.payoffs[-1] == pytest.approx([4, 4], abs=0.25)
    assert run.exact == pytest.approx((4, 4), abs=0.4)
    assert np.isnan(run.cooperation).all()
    assert run.rounds[-1] == 4000


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_seed_fixes_everything(kind: str) -> None:
    first, again, other = (
        learn_together(AXELROD, LEARNERS[kind], seed, cooperation_of(AXELROD)) for seed in (3, 3, 4)
    )
    assert np.array_equal(first.payoffs, again.payoffs)
    assert np.array_equal(first.policies[1].outputs, again.policies[1].outputs)
    assert not np.array_equal(first.payoffs, other.payoffs)
    assert ((first.cooperation >= 0) & (first.cooperation <= 1)).all()


def test_impatient_learners_defect() -> None:
    settings = LearnerSettings("q_learning", rounds=20_000, discount=0.0)
    run = learn_together(AXELROD, settings, 0, cooperation_of(AXELROD))
    assert run.exact == pytest.approx((1, 1))
    assert run.cooperation[-1] == pytest.approx([0, 0], abs=0.02)
    assert all(policy.deterministic for policy in run.policies)


@pytest.mark.slow
def test_patient_learners_with_memory_can_come_to_cooperate() -> None:
    """Of eight seeds some cooperate and some do not; in all, far above both defecting, 1 point."""
    settings = LearnerSettings("q_learning", rounds=100_000, discount=0.95)
    runs = [learn_together(AXELROD, settings, seed, cooperation_of(AXELROD)) for seed in range(8)]
    ends = np.array([run.payoffs[-1].mean() for run in runs])
    assert ends.max() > 2.9
    assert ends.mean() > 1.5


@pytest.mark.slow
def test_learners_of_prices_end_above_competition() -> None:
    """Profit gain: 0 in competition, 1 in a cartel; far above 0 in Calvano et al. (2020)."""
    market = LogitDuopoly()
    settings = LearnerSettings("q_learning", rounds=200_000, step_size=0.15)
    run = learn_together(market.game(market.prices()), settings)
    assert 0.2 < market.profit_gain(float(np.mean(run.exact))) < 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "q"}, "q_learning or reinforce"),
        ({"rounds": 0}, "rounds is at least 1"),
        ({"discount": 1.0}, r"in \[0, 1\)"),
        ({"step_size": 0.0}, "are positive"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learn_together(AXELROD, LearnerSettings(**settings))


def run_command(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(dynamics)
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, list(arguments))


def data_of(*arguments: str) -> Any:
    result = run_command(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_evolution_in_axelrods_game() -> None:
    data = data_of("prisoners_dilemma", "--starts", "20")
    stable = [point for point in data["rest_points"] if point["stability"] == "stable"]
    assert [point["user"]["defect"] for point in stable] == [1]
    (basin,) = data["basins"]
    assert (basin["share"], basin["settled"]) == (1, True)
    one = data_of("prisoners_dilemma", "--starts", "20", "--one-population")
    assert one["basins"][0]["population"]["defect"] == pytest.approx(1, abs=1e-4)
    ranked = data_of("prisoners_dilemma", "--kind", "alpharank")
    assert ranked["shares"]["defect x defect"] > 0.99
    learned = data_of("prisoners_dilemma", "--kind", "regret_matching", "--rounds", "2000")
    assert learned["joint"][1][1] > 0.95
    assert max(learned["regret"]) < 0.1
    taught = data_of("prisoners_dilemma", "--kind", "q_learning", "--rounds", "500")
    assert set(taught["policies"]["user"]) == {
        f"{a} x {b}" for a in ("cooperate", "defect") for b in ("cooperate", "defect")
    }


RPS = """\
schema: gtalign/game/1
name: rps
description: Rock, paper, scissors.
user_plans: [rock, paper, scissors]
assistant_plans: [rock, paper, scissors]
payoffs:
  user: [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
  assistant: [[0, 1, -1], [-1, 0, 1], [1, -1, 0]]
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("prisoners_dilemma", "--starts", "20"),
        ("rps.yaml", "--one-population", "--starts", "20", "--horizon", "20"),
        ("quick_question", "--kind", "logit", "--starts", "20"),
        ("rps.yaml", "--kind", "fictitious", "--rounds", "300"),
        ("prisoners_dilemma", "--kind", "reinforce", "--rounds", "300"),
    ],
    ids=" ".join,
)
def test_pictures_are_drawn_and_the_page_is_in_words(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rps.yaml").write_text(RPS, encoding="utf-8")
    result = run_command(*arguments, "--plot", "picture.png")
    assert result.exit_code == 0, result.output
    assert Path("picture.png").read_bytes().startswith(b"\x89PNG")
    assert "wrote picture.png" in result.stdout


def test_what_does_not_go_together_is_said() -> None:
    for arguments, message in (
        (("quick_question", "--one-population"), "take two populations"),
        (("quick_question", "--kind", "alpharank", "--one-population"), "symmetric games"),
        (("prisoners_dilemma", "--kind", "alpharank", "--plot", "x.png"), "leave out --plot"),
        (("prisoners_dilemma", "--kind", "logit", "--temperature", "0"), "temperature is positive"),
        (("prisoners_dilemma", "--kind", "q_learning", "--discount", "1"), "discount is in"),
    ):
        assert message in str(run_command(*arguments).exception)
