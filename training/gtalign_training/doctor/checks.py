"""What an installation can do, and what to do about the rest: one finding a line."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from gtalign_env.errors import GTAlignError
from gtalign_training.doctor.packages import requirements, satisfies

Status = Literal["ok", "note", "problem"]
DISTRIBUTION = "gtalign-env"
LEFT_OUT = ("all", "dev")
"""Extras that nobody needs to use the package."""

EPISODES = 300
"""Conversations of every cell that the self-check plays: about a second for all of them."""

STANDARD_ERRORS = 4.5
"""How far a mean may lie from its exact value; the draws are fixed, so it never does by chance."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    name: str
    status: Status
    """``ok``; ``note``: something optional is missing; ``problem``: something is broken."""
    detail: str
    fix: str = ""
    """What to do; empty where nothing is to be done."""


def examine() -> Iterator[Finding]:
    """Yield what there is to say of this installation, check by check."""
    for name, check in CHECKS:
        try:
            yield from check()
        except Exception as error:  # whatever is broken is what this is here to tell
            yield Finding(name, "problem", f"{type(error).__name__}: {error}")


def _versions() -> Iterator[Finding]:
    (wanted,) = importlib.metadata.metadata(DISTRIBUTION).get_all("Requires-Python") or [""]
    python = platform.python_version()
    if satisfies(python, wanted):
        yield Finding("python", "ok", f"{python} on {platform.system()} {platform.machine()}")
    else:
        yield Finding("python", "problem", f"{python}; {DISTRIBUTION} needs {wanted}", "change it")
    yield Finding(DISTRIBUTION, "ok", importlib.metadata.version(DISTRIBUTION))
    for need in requirements(DISTRIBUTION):
        fits, detail = need.state()
        fix = f'pip install "{need.name}{need.wanted}"'
        yield Finding(need.name, "ok" if fits else "problem", detail, "" if fits else fix)


def _extras() -> Iterator[Finding]:
    distribution = importlib.metadata.metadata(DISTRIBUTION)
    for extra in distribution.get_all("Provides-Extra") or ():
        if extra in LEFT_OUT:
            continue
        states = {need.name: need.state() for need in requirements(DISTRIBUTION, extra)}
        lacking = [f"{name} {detail}" for name, (fits, detail) in states.items() if not fits]
        if lacking:
            fix = f'pip install "{DISTRIBUTION}[{extra}]"'
            yield Finding(f"extra {extra}", "note", ", ".join(lacking), fix)
        else:
            have = ", ".join(f"{name} {version}" for name, (_, version) in states.items())
            yield Finding(f"extra {extra}", "ok", have)


def _accelerator() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding("accelerator", "note", "torch is not installed, so none can be used")
        return
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        yield Finding("accelerator", "ok", ", ".join(names))
    else:
        yield Finding("accelerator", "note", "none; training runs on the CPU")


def _folders() -> Iterator[Finding]:
    places = {"working folder": Path.cwd(), "temporary folder": Path(tempfile.gettempdir())}
    for name, path in places.items():
        try:
            with tempfile.TemporaryFile(dir=path):
                yield Finding(name, "ok", f"{path} can be written")
        except OSError as error:
            fix = "go to a folder of yours, or give commands --out"
            yield Finding(name, "problem", f"{path} cannot be written: {error.strerror}", fix)


def _search_path() -> Iterator[Finding]:
    from gtalign_env.scenario.library import PATH_VARIABLE

    given = [one for one in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if one]
    if not given:
        yield Finding(PATH_VARIABLE, "ok", "not set: the bundled library alone is searched")
    for one in given:
        path = Path(one)
        if path.is_dir():
            files = sum(1 for _ in path.rglob("*.yaml"))
            yield Finding(PATH_VARIABLE, "ok", f"{one}: {files} files")
        else:
            fix = f"make the folder, or take it out of {PATH_VARIABLE}"
            yield Finding(PATH_VARIABLE, "problem", f"{one} is no folder", fix)


def _library() -> Iterator[Finding]:
    from gtalign_env.scenario.library import KINDS, list_entries
    from gtalign_env.scenario.loader import validate_file

    entries = list_entries()
    broken = 0
    for entry in entries:
        try:
            validate_file(entry.path)
        except GTAlignError as error:
            broken += 1
            fix = f"gtalign validate {entry.path}"
            yield Finding("library", "problem", str(error).splitlines()[0], fix)
    if not entries:
        yield Finding("library", "problem", "holds nothing", f"reinstall {DISTRIBUTION}")
    elif not broken:
        counts = {kind: sum(entry.kind == kind for entry in entries) for kind in KINDS}
        listed = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
        yield Finding("library", "ok", f"{len(entries)} files load ({listed})")


def _environments() -> Iterator[Finding]:
    import gymnasium
    import pettingzoo

    from gtalign_env.envs import ENVS, PARALLEL_ENVS

    for env_id, points in {**ENVS, **PARALLEL_ENVS}.items():
        registered = {
            *(("gymnasium",) if env_id in gymnasium.registry else ()),
            *(("AEC",) if env_id in pettingzoo.aec_registry else ()),
            *(("parallel",) if env_id in pettingzoo.parallel_registry else ()),
        }
        for point in points:
            module, _, name = point.partition(":")
            getattr(import_module(module), name)
        wanted = {"gymnasium", "AEC"} if env_id in ENVS else {"parallel", "AEC"}
        if wanted <= registered:
            yield Finding(env_id, "ok", ", ".join(sorted(registered)))
        else:
            lacking = ", ".join(sorted(wanted - registered))
            yield Finding(env_id, "problem", f"not registered: {lacking}", "import gtalign_env")


def _agents() -> Iterator[Finding]:
    from gtalign_agents.table import AGENTS, seated

    users, assistants = seated("user"), seated("assistant")
    for row in (*users, *assistants):
        row.make()
    repeated = sum("repeated" in row.traits.games for row in AGENTS.values())
    detail = f"{len(users)} users, {len(assistants)} assistants, {repeated} for repeated games"
    yield Finding("agents", "ok", detail)


def _self_check() -> Iterator[Finding]:
    worst, cells = self_check()
    detail = (
        f"{cells} exact payoffs against the means of {EPISODES} conversations each: "
        f"farthest {worst:.1f} standard errors"
    )
    if worst <= STANDARD_ERRORS:
        yield Finding("matrix = mean of play", "ok", detail)
    else:
        fix = f"reinstall {DISTRIBUTION}; this is a fault of it or of what it runs on"
        yield Finding("matrix = mean of play", "problem", detail, fix)


def self_check() -> tuple[float, int]:
    """Return how far means of play lie from the exact matrix, and how many payoffs were compared.

    The distance is the largest over both payoffs of all cells, in standard errors; infinite where
    play without chance gives another payoff.
    """
    from gtalign_env.core.exact import normal_form
    from gtalign_env.core.moves import AssistantMove
    from gtalign_env.core.plans import USER_PLANS
    from gtalign_env.core.policies import assistant_policy, user_policy
    from gtalign_env.envs.table import Table
    from gtalign_training.runs.record import play

    table = Table("quick_question")
    table.seed(0)
    game = normal_form(table.specs[0]).game
    worst = 0.0
    for i, opening in enumerate(USER_PLANS):
        for j, plan in enumerate(AssistantMove):
            user, assistant = user_policy(opening.label), assistant_policy(plan.label)
            returns = []
            for episode in range(EPISODES):
                conversation = table.open(episode)
                play(conversation, user, assistant)
                returns.append(conversation.returns)
            played = np.array(returns)
            error = played.std(axis=0, ddof=1) / np.sqrt(EPISODES)
            gap = np.abs(played.mean(axis=0) - (game.user[i, j], game.assistant[i, j]))
            distance = np.where(gap <= 1e-9, 0.0, gap / np.maximum(error, 1e-12))
            worst = max(worst, float(distance.max()))
    return worst, 2 * game.user.size


CHECKS: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("versions", _versions),
    ("extras", _extras),
    ("accelerator", _accelerator),
    ("folders", _folders),
    ("search path", _search_path),
    ("library", _library),
    ("environments", _environments),
    ("agents", _agents),
    ("self-check", _self_check),
)
"""What is looked at, in order."""
