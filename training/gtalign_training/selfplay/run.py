"""A self-play run: rounds of turns, the pair measured after each, checkpoints, a result.

```
metrics.jsonl      one line a round, round 0 the start: welfares, gains, NashConv, first moves
selfplay/          checkpoints of learnt networks, by rounds done
model/             user.npz and assistant.npz, of the seats that learnt by a network
evaluation.json    the pair at the end, by regime, and all rounds
plots/             selfplay.png
```
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gtalign_env.core.oracle import require_solvable
from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import RunError
from gtalign_training.callbacks import Progress, silent
from gtalign_training.checkpoints import newest
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.runs.seats import assistant_mix_of, user_mix_of
from gtalign_training.selfplay.exact import respond
from gtalign_training.selfplay.measure import Measured, Pair, measure
from gtalign_training.tabular.model import own_randomness

STAGE = "selfplay"
SETTLED = 1e-9
"""NashConv below which computed responses have nothing left to change, points."""


def run(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
) -> RunFolder:
    """Let the seats learn in turns, and return the run folder.

    Args:
        recipe: The recipe.
        out: Where everything goes.
        resume: Whether to go on with an interrupted run. Computed responses are computed again,
            which leads to the same ones; learnt ones go on from the newest checkpoint that is whole.
        progress: Told after every round.
        say: Told what begins.

    Raises:
        RunError: The folder cannot be used, or the reward means nothing here.
        MissingExtraError: The learner's library is not installed.
        SolverError: The game is too long to be solved.
    """
    if recipe.reward == "random":
        raise RunError("selfplay needs a reward that depends on the conversation; got random")
    specs = recipe.game_files.specs
    for spec in specs:
        require_solvable(spec)
    folder = RunFolder.open(out, recipe, [spec.digest for spec in specs], resume=resume)
    if recipe.selfplay.learner == "exact":
        say("Best responses in turns, computed")
        _exact(recipe, specs, folder, progress)
    else:
        say("Best responses in turns, learnt by masked PPO")
        with own_randomness(recipe):
            _learnt(recipe, specs, folder, resume, progress)
    result = evaluation(recipe, specs, folder)
    write_json(folder / "evaluation.json", result)
    from gtalign_training.plots.selfplay import draw_selfplay

    (folder / "plots").mkdir(exist_ok=True)
    draw_selfplay(result, folder / "plots" / "selfplay.png")
    folder.mark(status="done")
    return folder


def _exact(recipe: Recipe, specs: list[GameSpec], folder: RunFolder, progress: Progress) -> None:
    section = recipe.selfplay
    folder.drop_metrics_after(STAGE, -1)
    start = user_mix_of(section.user), assistant_mix_of(section.assistant)
    pairs: list[Pair] = [start] * len(specs)
    found = [measure(recipe, spec, pair) for spec, pair in zip(specs, pairs, strict=True)]
    _log(recipe, specs, folder, 0, found, progress)
    for done in range(1, section.rounds + 1):
        if max(one.nash_conv for one in found) <= SETTLED:
            return
        for seat in section.learning:
            pairs = [
                respond(recipe, spec, seat, pair) for spec, pair in zip(specs, pairs, strict=True)
            ]
        found = [measure(recipe, spec, pair) for spec, pair in zip(specs, pairs, strict=True)]
        _log(recipe, specs, folder, done, found, progress)


def _learnt(
    recipe: Recipe, specs: list[GameSpec], folder: RunFolder, resume: bool, progress: Progress
) -> None:
    from gtalign_training.selfplay.learnt import Learners

    section = recipe.selfplay
    learners = Learners(recipe)
    known = newest(folder / STAGE, learners.read) if resume else None
    begun = 0
    if known is not None:
        learners.load(known[0])
        begun = known[1]
    folder.drop_metrics_after(STAGE, begun if known is not None else -1)
    if known is None:
        start = user_mix_of(section.user), assistant_mix_of(section.assistant)
        found = [measure(recipe, spec, start) for spec in specs]
        _log(recipe, specs, folder, 0, found, progress)
    for done in range(begun + 1, section.rounds + 1):
        told: dict[str, float] = {}
        for seat in section.learning:
            learnt = learners.learn(done - 1, seat)
            told |= {f"{seat}/{name}": value for name, value in learnt.items()}
        pair = learners.pair()
        found = [measure(recipe, spec, pair) for spec in specs]
        _log(recipe, specs, folder, done, found, progress, told)
        learners.save(folder / STAGE, done)  # after its line, so that none is ever missing
    (folder / "model").mkdir(exist_ok=True)
    for seat in section.learning:
        learners.policy(seat, greedy=True).save(folder / "model" / f"{seat}.npz")


def _log(
    recipe: Recipe,
    specs: list[GameSpec],
    folder: RunFolder,
    done: int,
    found: list[Measured],
    progress: Progress,
    more: dict[str, float] | None = None,
) -> None:
    n = len(found)
    metrics: dict[str, Any] = {
        "user_welfare": sum(one.value.user for one in found) / n,
        "assistant_welfare": sum(one.value.assistant for one in found) / n,
        "joint_welfare": sum(one.value.welfare for one in found) / n,
        "nash_conv": sum(one.nash_conv for one in found) / n,
        "exploitability": sum(one.nash_conv for one in found) / n / 2,
        "user_gain": sum(one.user_gain for one in found) / n,
        "assistant_gain": sum(one.assistant_gain for one in found) / n,
    }
    for spec, one in zip(specs, found, strict=True):
        name = spec.regime.name
        metrics |= {
            f"user_welfare/{name}": one.value.user,
            f"assistant_welfare/{name}": one.value.assistant,
            f"joint_welfare/{name}": one.value.welfare,
            f"nash_conv/{name}": one.nash_conv,
            f"user_gain/{name}": one.user_gain,
            f"assistant_gain/{name}": one.assistant_gain,
            **{f"opening/{name}/{move}": share for move, share in one.openings.items()},
            **{f"move/{name}/{move}": share for move, share in one.first_moves.items()},
        }
    metrics |= more or {}
    folder.log(STAGE, done, metrics)
    progress(STAGE, done, recipe.selfplay.rounds, metrics)


def evaluation(recipe: Recipe, specs: list[GameSpec], folder: RunFolder) -> dict[str, Any]:
    """Return the result of a run, from what it has logged.

    Args:
        recipe: The recipe.
        specs: The games, by regime.
        folder: The run folder.
    """
    rounds = folder.metrics(STAGE)
    last = rounds[-1]
    return {
        "kind": STAGE,
        "scenario": specs[0].name,
        "learner": recipe.selfplay.learner,
        "seat": recipe.selfplay.seat,
        "reward": recipe.reward,
        "exact": all(spec.is_exact for spec in specs),
        "nash_conv": last["nash_conv"],
        "rounds_done": last["step"],
        "by_regime": {spec.regime.name: _of_regime(last, spec.regime.name) for spec in specs},
        "rounds": [
            {
                "round": row["step"],
                **{
                    key: row[key]
                    for key in ("user_welfare", "assistant_welfare", "joint_welfare", "nash_conv")
                },
            }
            for row in rounds
        ],
    }


def _of_regime(row: dict[str, Any], regime: str) -> dict[str, Any]:
    def under(kind: str) -> dict[str, float]:
        before = f"{kind}/{regime}/"
        return {key.removeprefix(before): row[key] for key in row if key.startswith(before)}

    return {
        "user": row[f"user_welfare/{regime}"],
        "assistant": row[f"assistant_welfare/{regime}"],
        "welfare": row[f"joint_welfare/{regime}"],
        "nash_conv": row[f"nash_conv/{regime}"],
        "user_gain": row[f"user_gain/{regime}"],
        "assistant_gain": row[f"assistant_gain/{regime}"],
        "openings": under("opening"),
        "first_moves": under("move"),
    }
