"""How much a result depends on who asks: the same conversations with other users, paired.

A family is a way to simulate a user: a script, a model that phrases what a policy decides, a model
that decides, a replayed log. Episode n is the same conversation for all of them (the same person,
question and chance), so differences are paired by episode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gtalign_agents.backends.named import is_model
from gtalign_agents.dialogue.replayed import is_replayed
from gtalign_env.errors import RunError
from gtalign_training.run_folder import RunFolder
from gtalign_training.runs.episode import Episode
from gtalign_training.runs.folder import RUN, differences, read_run
from gtalign_training.statistics import bootstrap

FAMILIES = {
    "scripted": "a policy of the table of agents, in bundled words",
    "phrased": "a policy decides what is said, a language model finds the words",
    "decided": "a language model decides and finds the words; its move is read off them",
    "replayed": "recorded users, message by message: replay@FOLDER",
}
"""Ways to simulate a user, and what each is."""

_STREAM = 11  # of a run's seed: the resamples of a comparison
_MEASURES = ("user", "assistant", "welfare")


def family_of(facts: Mapping[str, Any]) -> str:
    """Return which family the user of a run is of.

    Args:
        facts: The content of its ``run.json``.
    """
    user = str(facts["user"])
    if is_replayed(user):
        return "replayed"
    return str(facts["words"]["user_mode"]) if is_model(user) else "scripted"


def read_runs(folders: Sequence[Path]) -> tuple[dict[str, Any], dict[str, dict[int, Episode]]]:
    """Return what runs of one assistant with several users are, and their episodes.

    Args:
        folders: Their folders; the first one is what the others are compared with.

    Returns:
        What they share and the family of each (``families``), and the episodes of each by index; both
        by the user's name, with the folder's where users share a name.

    Raises:
        RunError: A folder is no run, or they differ in more than the user.
    """
    told = [RunFolder(path).read(RUN) for path in folders]
    first, *others = told
    # scripted seats play the same in words as by moves
    in_words = all(one.get("words") is not None for one in told)
    for path, other in zip(folders[1:], others, strict=True):
        changed = differences(*(_shared(one, in_words) for one in (first, other)))
        if changed:
            raise RunError(
                f"runs to compare differ in the user alone; {path} and {folders[0]} differ in "
                f"{'; '.join(changed)}"
            )
    users = [str(one["user"]) for one in told]
    names = [
        user if users.count(user) == 1 else f"{user} ({path})"
        for user, path in zip(users, folders, strict=True)
    ]
    if len(set(names)) < len(names):
        raise RunError("a run is compared with others, not with itself; a folder is named twice")
    shared = {key: first[key] for key in ("assistant", "seed", "digest")}
    shared["scenario"] = first["scenario"]["name"]
    shared["families"] = dict(zip(names, map(family_of, told), strict=True))
    episodes = {name: read_run(path).episodes for name, path in zip(names, folders, strict=True)}
    return shared, episodes


def _shared(facts: Mapping[str, Any], in_words: bool) -> dict[str, Any]:
    """Return what runs that are compared must have in common."""
    keys = ("schema", "gtalign-env", "scenario", "digest", "assistant", "seed")
    shared = {key: facts.get(key) for key in keys}
    if in_words:
        words = facts["words"]
        of_user = ("user_mode", "user_policy", "user_max_tokens", "user_rates", "log_digest")
        aside = (*of_user, "at_once")
        shared["words"] = {key: value for key, value in words.items() if key not in aside}
    return shared


def compare(runs: Mapping[str, Mapping[int, Episode]], seed: int) -> dict[str, Any]:
    """Return what users make of one assistant: each one's means, the worst beside their mean.

    Args:
        runs: The episodes of each user's run by index, by the user's name; the first is what the
            others are compared with. Faulted episodes are left out, and from a pair in both.
        seed: Of the intervals.

    Returns:
        Plain JSON data: ``users`` (name to means with 95 % intervals, points, and paired differences
        to the first), ``mean`` over users, ``worst`` (the least mean, and whose it is), and
        ``range``, by measure.

    Raises:
        ValueError: There is no run, or one without a valid episode.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM]))
    valid = {
        name: {i: one for i, one in episodes.items() if one.fault is None}
        for name, episodes in runs.items()
    }
    empty = [name for name, episodes in valid.items() if not episodes]
    if not runs or empty:
        raise ValueError(f"every user needs a conversation without a fault; none has {empty}")
    first = next(iter(valid.values()))
    users: dict[str, dict[str, Any]] = {}
    for name, episodes in valid.items():
        means = {
            key: bootstrap(np.array([getattr(one, key) for one in episodes.values()]), rng)
            for key in _MEASURES
        }
        both = [i for i in episodes if i in first]
        users[name] = {
            "episodes": len(episodes),
            "faults": len(runs[name]) - len(episodes),
            "user_error": _errors(episodes),
            **{key: mean._asdict() for key, mean in means.items()},
            "to_first": None
            if episodes is first or not both
            else {
                "pairs": len(both),
                **{key: _difference(episodes, first, both, key, rng) for key in _MEASURES},
            },
        }
    found: dict[str, dict[str, float]] = {
        key: {name: users[name][key]["mean"] for name in users} for key in _MEASURES
    }
    return {
        "users": users,
        "mean": {key: sum(by.values()) / len(by) for key, by in found.items()},
        "worst": {
            key: {"user": min(by, key=by.__getitem__), "mean": min(by.values())}
            for key, by in found.items()
        },
        "range": {key: max(by.values()) - min(by.values()) for key, by in found.items()},
    }


def _difference(
    episodes: Mapping[int, Episode],
    first: Mapping[int, Episode],
    both: list[int],
    key: str,
    rng: np.random.Generator,
) -> dict[str, float]:
    values = [getattr(episodes[i], key) - getattr(first[i], key) for i in both]
    return bootstrap(np.array(values), rng)._asdict()


def _errors(episodes: Mapping[int, Episode]) -> float:
    sides = [one.words[0] for one in episodes.values() if one.words is not None]
    return sum(side.wrong for side in sides) / max(1, sum(side.messages for side in sides))
