"""Playthroughs: all that can be observed of a few short episodes, as text.

Whatever changes in what an environment does shows as a difference between lines, to be reviewed
like code. Numbers have six places, so that machines agree.

References:
    Lanctot et al. (2019), "OpenSpiel: a framework for reinforcement learning in games", whose
    playthroughs these are modelled on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pettingzoo

import gtalign_env  # noqa: F401  # registers the ids
from gtalign_env.core.policies import random_assistant, random_user
from gtalign_env.draws import Purpose, Seat
from gtalign_env.envs.observe import ENTRIES
from gtalign_env.envs.seated import AGENTS
from gtalign_env.scenario.library import list_entries, scenario_root
from gtalign_env.scenario.loader import load_scenario

GOLDEN = Path(__file__).parent / "golden"
REWRITE = "python tests/playthroughs/rewrite.py"


class Case(NamedTuple):
    """One playthrough: an id on a scenario, or on a matrix game."""

    env_id: str
    name: str

    @property
    def file(self) -> Path:
        """Where it is kept."""
        kind = self.env_id.removeprefix("gtalign/").partition("-")[0].lower()
        return GOLDEN / f"{kind}-{self.name}.txt"


def bundled(kind: str) -> list[str]:
    """Return the names of what is bundled of a kind, whatever folders are named beside."""
    entries = list_entries(kind)
    return sorted(entry.name for entry in entries if entry.path.is_relative_to(scenario_root()))


WITH_SCENARIO = ("gtalign/Conversation-v0", "gtalign/Dialogue-v0")


def cases() -> list[Case]:
    """Return every playthrough that there has to be."""
    found = [Case(env_id, name) for env_id in WITH_SCENARIO for name in bundled("scenario")]
    return found + [Case("gtalign/RepeatedGame-v0", name) for name in bundled("game")]


def record(case: Case) -> str:
    """Return the playthrough of a case as it is now."""
    rounds = "RepeatedGame" in case.env_id
    lines = [f"{case.env_id} on {case.name}; written by {REWRITE}"]
    for part in _rounds(case) if rounds else _conversations(case):
        lines += ["", *part]
    return "\n".join(lines) + "\n"


def _conversations(case: Case) -> Iterator[list[str]]:
    env = pettingzoo.make("aec", case.env_id, scenario=case.name, render_mode="ansi")
    yield [f"{a}: {env.observation_space(a)}, {env.action_space(a)}" for a in AGENTS]
    changes = [start for start, _ in load_scenario(case.name).schedule]
    for seed, episode in ((1, 0), (2, 0), (3, changes[-1])):
        env.reset(seed=seed, options={"episode": episode})
        yield [f"== seed {seed}, episode {episode}", *_episode(env.unwrapped)]


def _episode(env: Any) -> Iterator[str]:
    talk = env.conversation
    words = hasattr(env, "talk")
    yield "type: " + ", ".join(f"{k} {_number(v)}" for k, v in talk.who._asdict().items())
    seen: dict[str, dict[str, float]] = {agent: {} for agent in AGENTS}
    while talk.state.ending is None:
        agent, user = env.agent_selection, talk.state.to_move is Seat.USER
        yield f"{agent} sees {_look(env, agent, seen)}; may {_mask(env, agent)}"
        u = talk.chance(talk.state.to_move, Purpose.POLICY)
        move: Any = (
            random_user(talk.user_view(), u) if user else random_assistant(talk.assistant_view(), u)
        )
        said = ""
        if words:
            said = env.talk.word_user(move) if user else env.talk.word_assistant(move)
        env.step(said if words else int(move))
        yield f"{agent} {move.label}{': ' + repr(said) if words else ''}"
        paid = ", ".join(f"{a} {_number(env.rewards[a])}" for a in AGENTS)
        yield f"  paid {paid}; charged {talk.state.charged}, cost {talk.state.cost} pico-USD"
    for agent in AGENTS:
        yield f"{agent} sees {_look(env, agent, seen)}"
        info = {k: v for k, v in env.infos[agent].items() if k != "action_mask"}
        flags = f"terminated {env.terminations[agent]}, truncated {env.truncations[agent]}"
        yield f"{agent} {flags}, {', '.join(f'{k} {_number(v)}' for k, v in info.items())}"
    for line in talk.ledger.lines:
        yield f"  bill {line.exchange} {line.account.name.lower()} {line.amount} {_usage(line)}"
    yield from (f"| {line}" for line in env.render().splitlines())


def _usage(line: Any) -> str:
    return "fee" if line.usage is None else str(tuple(map(int, line.usage)))


def _look(env: Any, agent: str, seen: dict[str, dict[str, float]]) -> str:
    """Return what changed in what a seat observes since it last looked."""
    observation = env.observe(agent)
    numbers = observation["observation"] if isinstance(observation, dict) else observation
    now = {entry.name: float(x) for entry, x in zip(ENTRIES, numbers, strict=True)}
    changed = {name: x for name, x in now.items() if x != seen[agent].get(name, 0.0)}
    seen[agent] = now
    return ", ".join(f"{name} {_number(x)}" for name, x in changed.items()) or "nothing new"


def _mask(env: Any, agent: str) -> str:
    return "".join(map(str, env.infos[agent]["action_mask"].tolist()))


def _rounds(case: Case) -> Iterator[list[str]]:
    env = pettingzoo.make(
        "parallel", case.env_id, game=case.name, rounds=5, discount=0.9, noise=0.1, signal=True,
        render_mode="ansi",
    )  # fmt: skip
    yield [f"{a}: {env.observation_space(a)}, {env.action_space(a)}" for a in AGENTS]
    for seed in (1, 2, 3):
        yield [f"== seed {seed}", *_play_rounds(env, seed)]


def _play_rounds(env: Any, seed: int) -> Iterator[str]:
    rng = np.random.default_rng(seed)
    observations, infos = env.reset(seed=seed)
    terminated = truncated = dict.fromkeys(AGENTS, False)
    while env.agents:
        seen = "; ".join(
            f"{a} sees {[_number(x) for x in observations[a].tolist()]}" for a in AGENTS
        )
        acts = {
            a: int(rng.choice(np.flatnonzero(infos[a].get("action_mask", [1, 1])))) for a in AGENTS
        }
        observations, rewards, terminated, truncated, infos = env.step(acts)
        yield seen.replace("'", "")
        yield f"  {acts} pays {[_number(rewards[a]) for a in AGENTS]}".replace("'", "")
    yield f"terminated {terminated}, truncated {truncated}"
    yield from (f"| {line}" for line in env.render().splitlines())


def _number(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{round(float(value), 6) + 0.0:.6f}"  # + 0.0: no negative zero
    return str(value)
