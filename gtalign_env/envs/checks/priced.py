"""The rules of priced games with a hidden user: the bill, the budget, the rewards, what is seen."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from gtalign_env.envs.checks.drivers import Driver, Frame, drive
from gtalign_env.envs.checks.hooks import Hooks
from gtalign_env.envs.checks.play import Episode, Player, Replay, Stopped, walk
from gtalign_env.envs.checks.rules import Findings
from gtalign_env.envs.checks.runs import Runs
from gtalign_env.envs.checks.values import difference, leaves

REWARD_TOLERANCE = 1e-9
"""Largest gap between the sum of rewards and a return, points."""


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def rewards_add_up(hooks: Hooks, findings: Findings, env: Any, episode: Episode, at: str) -> None:
    """Check the rewards of an ended episode against the returns that its game counts.

    Args:
        hooks: Say what is due.
        findings: Where broken rules go.
        env: The environment, at the end of the episode.
        episode: The episode.
        at: For the messages.
    """
    if hooks.returns is None:
        return
    due = hooks.returns(env)
    paid = {agent: _total(episode, agent) for agent in due}
    for agent, amount in due.items():
        right = math.isclose(paid[agent], amount, rel_tol=0.0, abs_tol=REWARD_TOLERANCE)
        others = [other for other in due if other != agent]
        swapped = not right and any(
            math.isclose(paid[agent], due[other], rel_tol=0.0, abs_tol=REWARD_TOLERANCE)
            for other in others
        )
        message = f"rewards add up to {paid[agent]!r}, due is {amount!r}"
        findings.check("reward-sum", right or swapped, f"{at}, {agent}", message)
        if others:
            findings.check("reward-swap", not swapped, f"{at}, {agent}", f"{message}: the other's")


def _total(episode: Episode, agent: str) -> float:
    rewards = [frame.rewards.get(agent, 0.0) for frame in episode.frames]
    # what is no number is another rule's finding
    return math.fsum(reward for reward in rewards if isinstance(reward, int | float))


def bill_is_sound(hooks: Hooks, findings: Findings, env: Any, where: str) -> None:
    """Check the bill and the budget as they stand.

    Args:
        hooks: Where to read them.
        findings: Where broken rules go.
        env: The environment.
        where: For the messages.
    """
    if hooks.budget_left is not None:
        left = hooks.budget_left(env)
        findings.check("budget", left >= 0, where, f"{left!r} is left")
    if hooks.bill is None:
        return
    lines = list(hooks.bill(env))
    total = sum(line.amount for line in lines)
    findings.check("ledger-balance", total == 0, where, f"the lines add up to {total!r}")
    if hooks.charged is not None:
        charged = hooks.charged(env)
        paid = -sum(line.amount for line in lines if line.account == hooks.payer)
        message = f"{hooks.payer} paid {paid!r} by the bill, was charged {charged!r}"
        findings.check("ledger-balance", paid == charged, where, message)
    count = Counter(line.entry for line in lines if line.account == hooks.payer)
    twice = [entry for entry, times in count.items() if times > 1]
    findings.check("ledger-once", not twice, where, f"{twice} billed more than once")


def bills(runs: Runs) -> None:
    """Check the bill after every step of the recorded episodes."""
    if runs.hooks.budget_left is None and runs.hooks.bill is None:
        return
    driver = runs.spare
    for index, episode in enumerate(runs.recorded):
        with suppress(Stopped):  # another rule says so
            for so_far in walk(driver, episode.seed, Replay(episode.acts), len(episode.acts)):
                where = f"episode {index}, step {len(so_far.acts)}"
                bill_is_sound(runs.hooks, runs.findings, driver.bare, where)


def hidden_words(runs: Runs) -> None:
    """Check that the blind seats read no hidden value."""
    hooks, driver = runs.hooks, runs.spare
    if hooks.secrets is None or not hooks.blind:
        return
    for index, episode in enumerate(runs.recorded):
        with suppress(Stopped):  # another rule says so
            for so_far in walk(driver, episode.seed, Replay(episode.acts), len(episode.acts)):
                text = "\n".join(_read(driver, so_far.frames[-1], agent) for agent in hooks.blind)
                told = [word for word in hooks.secrets(driver.bare) if _stands_in(word, text)]
                where = f"episode {index}, step {len(so_far.acts)}"
                runs.findings.check("hidden-words", not told, where, f"{told} can be read")


def hidden_twin(runs: Runs) -> None:
    """Check that the blind seats read the same whoever the hidden user is."""
    hooks, check = runs.hooks, runs.findings.check
    if hooks.twin is None or not hooks.blind:
        return
    one, two = runs.driver(), drive(hooks.twin())
    others = 0
    for index in range(len(runs.recorded)):
        player = Player(runs.seed + index, "random", hooks.act)
        with suppress(Stopped):  # the talk cannot be had with both users
            for frames in _in_step(one, two, player, runs.seed + index, runs.max_steps):
                if hooks.hidden is not None:
                    others += hooks.hidden(one.bare) != hooks.hidden(two.bare)
                for agent in hooks.blind:
                    reads = [
                        _readable(d, f, agent) for d, f in zip((one, two), frames, strict=True)
                    ]
                    wrong = difference(*reads)
                    where = f"episode {index}, {agent}, beside the twin"
                    check("hidden-twin", wrong is None, where, wrong or "")
    if hooks.hidden is not None and not others:
        runs.findings.skip(["hidden-twin"], "the twin's hidden user is the same in every episode")
        runs.findings.checked.discard("hidden-twin")


def _stands_in(word: str, text: str) -> bool:
    """Return whether a word stands in a text by itself; a number not as digits of another."""
    return re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text) is not None


def _in_step(one: Driver, two: Driver, player: Player, seed: int, steps: int) -> Any:
    """Yield the frames of two environments after the same acts, chosen on the first."""

    def echo(driver: Driver, frame: Frame) -> Any:
        return leader.acts[-1]

    follower = walk(two, seed, echo, steps)
    for leader in walk(one, seed, player, steps):
        try:
            follows = next(follower)
        except StopIteration:
            return
        yield leader.frames[-1], follows.frames[-1]


def _readable(driver: Driver, frame: Frame, agent: str) -> Mapping[str, Any]:
    """Return all that a seat can read."""
    return {
        "observation": frame.observations.get(agent),
        "info": frame.infos.get(agent),
        "reward": frame.rewards.get(agent),
        "over": (frame.terminated.get(agent), frame.truncated.get(agent)),
        "rendered": _rendered(driver),
        "printed": [_ADDRESS.sub("", text) for text in (repr(driver.bare), str(driver.bare))],
    }


def _rendered(driver: Driver) -> Any:
    return driver.env.render() if driver.bare.render_mode == "ansi" else None


def _read(driver: Driver, frame: Frame, agent: str) -> str:
    parts = leaves(_readable(driver, frame, agent))
    return "\n".join(leaf if isinstance(leaf, str) else repr(leaf) for _, leaf in parts)
