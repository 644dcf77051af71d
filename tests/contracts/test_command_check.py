"""`gtalign check`: reports of both kinds, exit codes, and what to do about mistakes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gtalign_env.envs import ENVS, PARALLEL_ENVS
from gtalign_env.envs.checks import RULES
from gtalign_training import cli


@pytest.fixture(autouse=True)
def _wide_and_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


def check(*arguments: str) -> Any:
    return CliRunner().invoke(cli.main, ["check", *arguments])


def test_a_sound_environment_is_reported_for_every_interface() -> None:
    result = check("gtalign/Conversation-v0", "--with", "scenario=upsell", "--with", "p_vague=1.0",
                   "--interface", "gymnasium")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("gymnasium: gtalign/Conversation-v0: ")
    assert result.stdout.rstrip().endswith("all hold")
    both = check("gtalign/Conversation-v0")
    assert [line.partition(":")[0] for line in both.stdout.splitlines()] == ["gymnasium", "aec"]


@pytest.mark.parametrize("env_id", [*ENVS, *PARALLEL_ENVS])
def test_every_id_keeps_the_contract_without_being_told_anything(env_id: str) -> None:
    short = ["--with", "rounds=20"] if env_id in PARALLEL_ENVS else []
    result = check(env_id, "--episodes", "3", *short)
    assert result.exit_code == 0, result.output
    kinds = [line.partition(":")[0] for line in result.stdout.splitlines() if line[0] != " "]
    assert kinds == (["aec", "parallel"] if env_id in PARALLEL_ENVS else ["gymnasium", "aec"])
    assert not result.stderr


def test_broken_rules_are_named_and_end_with_2() -> None:
    result = check("classic/rps-v2", "--interface", "parallel", "--json")
    assert result.exit_code == 2
    (report,) = json.loads(result.stdout)
    assert (report["name"], report["interface"], report["ok"]) == ("rps_v2", "parallel", False)
    assert {*report["checked"], *report["not_checked"]} == set(RULES)
    (violation,) = report["violations"]
    assert violation["rule"] == "seed-matters"
    assert violation["must_hold"] == RULES["seed-matters"]
    assert "--no-chance" in violation["message"]
    for excuse in ("--no-chance", "--ignore=seed-matters"):
        assert check("classic/rps-v2", "--interface", "parallel", excuse).exit_code == 0


BROKEN = """
import gymnasium

class Endless(gymnasium.Env):
    observation_space = action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, 0.0, False, False, {}

gymnasium.register("theirs/Endless-v0", entry_point=Endless)
"""


def test_an_environment_of_another_package_is_imported_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "somebodys_envs.py").write_text(BROKEN, encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)  # beside the module is enough
    result = check("somebodys_envs:theirs/Endless-v0", "--max-steps", "20")
    assert result.exit_code == 2
    assert "ends: every episode ends within max_steps." in result.stdout
    assert "episode 0, step 20: not over in 20 steps" in result.stdout
    assert "not checked: copy: the recorded run raised or did not end" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gtalign/Conversaton-v0"], "Did you mean 'gtalign/Conversation-v0'?"),
        (["gtalign/Conversation-v0", "--interface", "aeq"], "one of .*Did you mean 'aec'"),
        (["gtalign/Conversation-v0", "--interface", "parallel"], "no environment .* for parallel"),
        (["gtalign/Conversation-v0", "--with", "scenario"], "--with takes NAME=VALUE"),
        (["gtalign/Conversation-v0", "--with", "scenari=upsell"], "cannot be made: .*'scenari'"),
        (["gtalign/Conversation-v0", "--with", "scenario=upsel"], "Did you mean 'upsell'"),
        (["CartPole-v1", "--ignore", "copi"], "--ignore: no rule 'copi'. Did you mean 'copy'"),
        (["no_such_package:X-v0"], "cannot import 'no_such_package'.*PYTHONPATH"),
        (["CartPole-v1", "--episodes", "2"], "--episodes"),
    ],
)
def test_mistakes_are_answered(arguments: list[str], message: str) -> None:
    result = check(*arguments)
    assert result.exit_code == 2
    told = " ".join(result.output.split())
    assert re.search(message, told), told
