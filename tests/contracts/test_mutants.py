"""The contract finds every planted fault by the rule that is meant for it, and nothing else."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import pettingzoo
import pytest

from gtalign_env.envs.checks import RULES, Hooks, check_rollouts, conversation_hooks
from gtalign_env.envs.checks.rules import UNREPEATED
from tests.contracts.games import Dilemma
from tests.contracts.mutants import MUTANTS, Mutant
from tests.contracts.mutants_both import Both
from tests.contracts.mutants_one import Single

with warnings.catch_warnings():
    # PettingZoo's board games draw with a library that imports a deprecated module
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.classic.tictactoe.tictactoe import raw_env as tictactoe


def hooks_of(make: Callable[[], Any]) -> Hooks:
    """Return the hooks of a mutant: those of ours, beside a twin with the same fault."""
    if not isinstance(make, type) or issubclass(make, Dilemma):
        return Hooks(ends_together=True)
    twin = functools.partial(make, who="bob") if issubclass(make, Both) else None
    return conversation_hooks(twin)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.make.__name__}: {m.rule}")
def test_every_planted_fault_is_found_by_its_rule(mutant: Mutant) -> None:
    report = check_rollouts(
        mutant.make,
        episodes=8,
        max_steps=60,
        hooks=hooks_of(mutant.make),
        hash_seeds=("1",) if mutant.rule == "processes-agree" else (),
        raises=False,
    )
    assert mutant.rule in report.broken, report
    assert not report.ok


@pytest.mark.parametrize(
    "make", [mutant.make for mutant in MUTANTS if mutant.rule == "seed-repeat"]
)
def test_one_cause_is_blamed_once(make: Callable[[], Any]) -> None:
    report = check_rollouts(make, episodes=8, hooks=hooks_of(make), hash_seeds=(), raises=False)
    assert "seed-repeat" in report.broken
    # the recorded run itself pays or shows what is wrong; no comparison of two runs is blamed
    assert set(report.broken) <= {"seed-repeat", "reward-sum", "observation-space"}, report
    rests = {rule for rule, why in report.not_checked.items() if why == UNREPEATED}
    assert {"copy", "pickle", "reset-clean", "alias-state", "instances-apart"} <= rests
    assert "not judged before seed-repeat is mended: " in str(report)


def test_every_rule_has_a_fault_that_it_finds() -> None:
    assert set(RULES) == {mutant.rule for mutant in MUTANTS}


SOUND: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "both seats": (Both, {"hooks": hooks_of(Both)}),
    "one seat": (Single, {"hooks": hooks_of(Single)}),
    "dilemma": (Dilemma, {"hooks": Hooks(ends_together=True)}),
    "tictactoe": (tictactoe, {"chance": False}),
    "rps aec": (functools.partial(pettingzoo.make, "aec", "classic/rps-v2"), {"chance": False}),
    "rps": (functools.partial(pettingzoo.make, "parallel", "classic/rps-v2"), {"chance": False}),
} | {
    name: (functools.partial(gymnasium.make, name), {})
    for name in ("CartPole-v1", "FrozenLake-v1", "Blackjack-v1", "Taxi-v4", "Pendulum-v1")
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_environments_raise_no_alarm(name: str) -> None:
    make, more = SOUND[name]
    report = check_rollouts(make, hash_seeds=(), episodes=3, **more)
    assert report.ok
    assert len(report.checked) >= 25
    assert set(report.checked) | set(report.not_checked) == set(RULES)


def test_the_page_lists_every_rule_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|$", page, re.M))
    assert {rule: listed.get(rule) for rule in RULES} == RULES
