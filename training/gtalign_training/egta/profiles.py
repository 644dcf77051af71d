"""Empirical games of named policies: from live play or from logs to samples, verdicts and a report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gtalign_env.core.policies import AssistantSeat, UserSeat
from gtalign_env.envs.table import Table
from gtalign_env.envs.transcript import read_transcripts
from gtalign_env.errors import RunError
from gtalign_env.games.empirical import EmpiricalGame
from gtalign_env.games.empirical_verdicts import Verdicts, verdicts
from gtalign_env.games.nash import nash_equilibria
from gtalign_training.egta.ranges import payoff_ranges
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.folder import RUN, read_run
from gtalign_training.runs.record import play

Profile = tuple[str, str]
"""Names of the user's and the assistant's policy."""

Key = tuple[int, int]
"""Seed and index of an episode: all that its luck depends on, in one scenario."""

Results = dict[Key, tuple[float, float] | None]
"""U and L of the episodes of a profile; None where something failed."""

Report = Callable[[int, int], None]
"""Told (profiles played, all profiles)."""


class Collected(NamedTuple):
    """An empirical game, with the episodes that gave no result counted by profile."""

    game: EmpiricalGame
    faults: dict[Profile, int]


def play_profiles(
    table: Table,
    users: Mapping[str, UserSeat],
    assistants: Mapping[str, AssistantSeat],
    episodes: int,
    seed: int,
    report: Report = lambda done, every: None,
) -> Collected:
    """Play every profile on the same episodes, and return the empirical game.

    Args:
        table: The scenario.
        users: Policies by name.
        assistants: Policies by name.
        episodes: Conversations a profile.
        seed: Seed of the episodes.
        report: Told after every profile.
    """
    table.seed(seed)
    found: dict[Profile, Results] = {}
    every = len(users) * len(assistants)
    for user, asks in users.items():
        for assistant, answers in assistants.items():
            results: Results = {}
            for episode in range(episodes):
                talk = table.open(episode)
                fault = play(talk, asks, answers)
                results[seed, episode] = talk.returns if fault is None else None
            found[user, assistant] = results
            report(len(found), every)
    return collect(found, table.specs[0].name)


def read_profiles(logs: Iterable[str], table: Table, digest: str) -> Collected:
    """Return the empirical game of logged conversations.

    Args:
        logs: Run folders of `gtalign run`, which name their policies; or transcripts with them, as
            ``USER,ASSISTANT=FILE.jsonl``. Several logs of one profile are put together.
        table: The scenario that they must have been played on.
        digest: Its hash, all its prices included.

    Raises:
        RunError: A log is no such thing, of another scenario or price, or holds an episode that
            another log of its profile holds with another result; or a profile is missing.
    """
    found: dict[Profile, Results] = {}
    for log in logs:
        names, equals, file = log.rpartition("=")
        if equals:
            user, comma, assistant = names.partition(",")
            if not (user and comma and assistant):
                raise RunError(
                    f"transcripts come as USER,ASSISTANT=FILE.jsonl, or as a run folder; got {log!r}"
                )
            profile, results = (user, assistant), _transcripts(Path(file), table)
        else:
            profile, results = _run_folder(Path(log), digest)
        known = found.setdefault(profile, {})
        for key in known.keys() & results.keys():
            if known[key] != results[key]:
                raise RunError(
                    f"{log}: episode {key[1]} of seed {key[0]} was played by {profile[0]} and "
                    f"{profile[1]} in another log too, with another result"
                )
        known |= results
    return collect(found, table.specs[0].name)


def _transcripts(file: Path, table: Table) -> Results:
    digests = {spec.digest for spec in table.specs}
    results: Results = {}
    if not file.is_file():
        raise RunError(f"{file}: there is no such file of transcripts")
    for number, told in enumerate(read_transcripts(file), start=1):
        if told.digest not in digests:
            raise RunError(
                f"{file}:{number}: played on {told.scenario} under {told.regime}, which is another "
                f"scenario or price than {table.specs[0].name} as it is now"
            )
        if told.ending is None:
            raise RunError(f"{file}:{number}: the conversation has no end; leave it out")
        results[told.seed, told.episode] = None if told.ending == "fault" else told.returns
    return results


def _run_folder(path: Path, digest: str) -> tuple[Profile, Results]:
    facts = RunFolder(path).read(RUN)
    if facts.get("digest") != digest:
        raise RunError(
            f"{path}: played on another scenario or price than the one asked for; give the same "
            "scenario and --pricing"
        )
    episodes = read_run(path).episodes
    return (facts["user"], facts["assistant"]), {
        (facts["seed"], index): None if one.fault is not None else (one.user, one.assistant)
        for index, one in episodes.items()
    }


def collect(found: Mapping[Profile, Results], name: str) -> Collected:
    """Return the empirical game of the results of all profiles.

    Args:
        found: Results by profile; every user must have met every assistant.
        name: What to call the game.

    Raises:
        RunError: A profile is missing, or has fewer than two results.
    """
    users = tuple(dict.fromkeys(user for user, _ in found))
    assistants = tuple(dict.fromkeys(assistant for _, assistant in found))
    grid = [(user, assistant) for user in users for assistant in assistants]
    missing = [f"{u} x {a}" for u, a in grid if (u, a) not in found]
    if missing:
        raise RunError(f"every user must have met every assistant; missing: {', '.join(missing)}")
    for profile in grid:
        count = sum(result is not None for result in found[profile].values())
        if count < 2:
            raise RunError(
                f"{profile[0]} x {profile[1]} has {count} episodes with a result; "
                "every profile needs at least 2"
            )
    keys = [sorted(found[profile]) for profile in grid]
    longest = max(len(one) for one in keys)
    samples = np.full((len(users), len(assistants), longest, 2), np.nan)
    for index, (profile, episodes) in enumerate(zip(grid, keys, strict=True)):
        cell = samples[index // len(assistants), index % len(assistants)]
        for place, key in enumerate(episodes):
            result = found[profile][key]
            if result is not None:
                cell[place] = result
    game = EmpiricalGame(
        samples, users, assistants, paired=all(one == keys[0] for one in keys), name=name
    )
    faults = {
        profile: sum(result is None for result in found[profile].values()) for profile in grid
    }
    return Collected(game, faults)


def analyse(
    collected: Collected,
    table: Table,
    *,
    epsilon: float,
    seed: int,
    confidence: float = 0.95,
    looks: int = 1,
    sure: bool = False,
) -> dict[str, Any]:
    """Return all that the episodes say, as plain JSON data.

    Args:
        collected: The episodes.
        table: The scenario, for the range of its payoffs.
        epsilon: Gain by which a profile may miss being an equilibrium, points.
        seed: Of the bootstrap resamples.
        confidence: Of intervals and of settled verdicts.
        looks: How often the verdict will be looked at while episodes come in.
        sure: Whether intervals are the wide ones that hold for any payoffs.

    Raises:
        RunError: Sure intervals are asked for where nothing bounds the payoffs.
        SolverError: The mean game is too large for its equilibria to be enumerated.
    """
    game = collected.game
    ranges = payoff_ranges(table.specs)
    intervals = (
        game.sure_intervals(bounds_of(table), confidence) if sure else game.intervals(confidence)
    )
    rng = np.random.default_rng(np.random.SeedSequence([seed, 7]))
    found = verdicts(game, epsilon, rng, confidence=confidence, looks=looks, ranges=ranges)
    means = game.mean_game
    equilibria = nash_equilibria(means)
    return {
        "scenario": game.name,
        "pricing": [spec.regime.name for spec in table.specs],
        "users": list(game.user_plans),
        "assistants": list(game.assistant_plans),
        "paired": game.paired,
        "faults": sum(collected.faults.values()),
        "epsilon": epsilon,
        "confidence": confidence,
        "looks": looks,
        "intervals": "bernstein" if sure else "student",
        "ranges": None if ranges is None else {"user": ranges[0], "assistant": ranges[1]},
        "profiles": _profiles(collected, found, intervals),
        "payoffs": {"user": means.user.tolist(), "assistant": means.assistant.tolist()},
        "equilibria": [
            {
                "user": list(one.user),
                "assistant": list(one.assistant),
                "payoffs": list(one.payoffs),
            }
            for one in equilibria.found
        ],
    }


def bounds_of(table: Table) -> tuple[float, float]:
    """Return the ranges of both payoffs, points, on which sure intervals rest.

    Args:
        table: The scenario.

    Raises:
        RunError: Nothing bounds them.
    """
    ranges = payoff_ranges(table.specs)
    if ranges is None:
        raise RunError(
            f"sure intervals need bounded payoffs, and a length or a type of "
            f"{table.specs[0].name!r} is continuous; leave out --sure"
        )
    return ranges


def _profiles(
    collected: Collected, found: Verdicts, intervals: np.ndarray[Any, np.dtype[np.float64]]
) -> list[dict[str, Any]]:
    game, means, counts = collected.game, collected.game.means, collected.game.counts
    rows = []
    for i, user in enumerate(game.user_plans):
        for j, assistant in enumerate(game.assistant_plans):
            needed = {
                "normal": _whole(found.needed_normal[i, j]),
                "hoeffding": _whole(found.needed_hoeffding[i, j]),
            }
            played = int(counts[i, j])
            rows.append(
                {
                    "user": user,
                    "assistant": assistant,
                    "episodes": played,
                    "faults": collected.faults[user, assistant],
                    "payoffs": {
                        seat: {
                            "mean": float(means[i, j, k]),
                            "low": float(intervals[i, j, k, 0]),
                            "high": float(intervals[i, j, k, 1]),
                        }
                        for k, seat in enumerate(("user", "assistant"))
                    },
                    "regret": float(found.regret[i, j]),
                    "equilibrium": bool(found.holds[i, j]),
                    "probability": float(found.probability[i, j]),
                    "needed": needed,
                    "further": {
                        bound: None if n is None else max(0, n - played)
                        for bound, n in needed.items()
                    },
                }
            )
    return rows


def _whole(episodes: float) -> int | None:
    return int(episodes) if math.isfinite(episodes) else None


def named(names: str, make: Callable[[str], Any]) -> dict[str, Any]:
    """Return policies by name, from names with commas between them.

    Args:
        names: The names.
        make: Makes a policy by name.

    Raises:
        RunError: A name is there twice, or there is none.
    """
    listed: Sequence[str] = [name.strip() for name in names.split(",") if name.strip()]
    if not listed or len(set(listed)) != len(listed):
        raise RunError(f"policies are named once each, at least one; got {names!r}")
    return {name: make(name) for name in listed}
