"""`check_rollouts`: an environment played many times over, and held to every rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from gtalign_env.envs.checks import priced, probes
from gtalign_env.envs.checks.drivers import Driver
from gtalign_env.envs.checks.hooks import NO_HOOKS, Hooks
from gtalign_env.envs.checks.play import Episode
from gtalign_env.envs.checks.rules import (
    UNREPEATED,
    ContractError,
    Findings,
    Report,
    known_rules,
)
from gtalign_env.envs.checks.runs import Runs

HASH_SEEDS = ("1", "2")
"""The other processes that play along, by their ``PYTHONHASHSEED``."""


def check_rollouts(
    make_env: Callable[[], Any],
    *,
    episodes: int = 5,
    seed: int = 0,
    max_steps: int = 1_000,
    hooks: Hooks = NO_HOOKS,
    chance: bool | None = None,
    hash_seeds: Sequence[str] = HASH_SEEDS,
    ignore: Collection[str] = (),
    raises: bool = True,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Report:
    """Play an environment many times over and return what rules it keeps.

    1. Record episodes: one of first legal acts, one of last ones, the rest at random; each step
       is held to the rules of steps.
    2. Play them again: on a second instance, twice in a row, beside another instance, in other
       processes, with all that was given overwritten; from copies and pickles.
    3. Probe: acts that the mask forbids, steps out of order, options.
    4. Where `hooks` say how, hold the bill, the budget, the rewards and what is hidden to theirs.

    An environment that raises or does not end is not put to 2 to 4. One that plays the same seed
    differently each time breaks ``seed-repeat``; what compares two runs is not judged then.

    Args:
        make_env: Makes a fresh environment: Gymnasium, PettingZoo AEC or PettingZoo parallel. To
            be played in other processes it must be picklable: a module's function, or a `partial`.
        episodes: How many are recorded; at least 3.
        seed: Of the first; the next ones count on from there.
        max_steps: Most steps of one.
        hooks: What only the author knows.
        chance: Whether the environment draws anything, so that another seed must differ; None: as
            its ``metadata["chance"]`` says, True where that is missing.
        hash_seeds: ``PYTHONHASHSEED`` of the processes that play along; none: no process.
        ignore: Rules that are not held against the environment, names in `RULES`.
        raises: Whether a broken rule raises.
        on_stage: Told what is about to be done, for a display of progress.

    Returns:
        The report.

    Raises:
        ContractError: A rule is broken.
        ValueError: There are too few episodes, or a rule to ignore does not exist.
        TypeError: ``make_env`` does not make an environment.
    """
    if episodes < 3:
        raise ValueError(f"episodes is at least 3: lowest, highest and random acts; got {episodes}")
    findings = Findings(known_rules(ignore))
    runs = Runs(make_env, hooks, findings, seed, episodes, max_steps)
    first = runs.driver()
    name = _name(first)
    if chance is None:
        chance = bool((first.bare.metadata or {}).get("chance", True))

    def at_end(driver: Driver, episode: Episode, where: str) -> None:
        priced.rewards_add_up(hooks, findings, driver.bare, episode, where)

    on_stage("playing")
    if runs.record(at_end):
        on_stage("playing again")
        if runs.repeats():
            runs.seeds(chance)
            on_stage("playing side by side")
            runs.side_by_side()
            runs.spoiled()
            on_stage("playing in other processes")
            runs.elsewhere(hash_seeds)
            on_stage("copying")
            probes.copies(runs)
            on_stage("trying what is out of order")
            probes.options(runs)
            probes.illegal_acts(runs)
            priced.hidden_twin(runs)
        else:
            findings.skip(_COMPARING, UNREPEATED)
        runs.final_observations()
        probes.order_of_use(runs)
        priced.bills(runs)
        priced.hidden_words(runs)
    else:
        findings.skip(_LATER, "the recorded run raised or did not end")
    steps = sum(len(episode.acts) for episode in runs.recorded)
    report = findings.report(name, len(runs.recorded), steps)
    if raises and not report.ok:
        raise ContractError(report)
    return report


_COMPARING = (
    "seed-matters", "seed-follows", "reset-clean", "reset-twice", "instances-apart",
    "processes-agree", "alias-state", "copy", "pickle", "options", "mask-refusal", "hidden-twin",
)  # fmt: skip
_LATER = (
    "final-observation", "seed-repeat", "seed-matters", "seed-follows", "reset-clean",
    "reset-twice", "instances-apart", "processes-agree", "alias-state", "copy", "pickle",
    "before-reset", "after-end", "close", "options", "mask-refusal", "hidden-twin",
    "hidden-words", "budget", "ledger-balance", "ledger-once",
)  # fmt: skip


def _name(driver: Driver) -> str:
    spec = getattr(driver.env, "spec", None)
    known = getattr(spec, "id", None) or driver.bare.metadata.get("name")
    return str(known or type(driver.bare).__name__)
