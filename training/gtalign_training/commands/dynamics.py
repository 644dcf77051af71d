"""`gtalign dynamics`: where evolution or learning leads in a game."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from gtalign_env.errors import ScenarioError, SolverError
from gtalign_env.games.alpharank import alpha_rank, alpha_rank_population
from gtalign_env.games.dynamics import Dynamic, attractors, is_symmetric
from gtalign_env.games.dynamics_rest import RestPoint, rest_points
from gtalign_env.games.learning import Learned, fictitious_play, regret_matching
from gtalign_env.games.normal_form import FloatArray, NormalFormGame
from gtalign_training.commands.options import Folders, Json, Pricing, check_ending
from gtalign_training.commands.solve import read_target
from gtalign_training.console import out, print_json, safe
from gtalign_training.repeated.cooperation import cooperation_or_none
from gtalign_training.repeated.learning import (
    STEP_SIZES,
    LearnerSettings,
    LearningRun,
    learn_together,
)

EXAMPLES = (
    "gtalign dynamics prisoners_dilemma",
    "gtalign dynamics quick_question --kind logit --temperature 0.05",
    "gtalign dynamics prisoners_dilemma --kind q_learning --plot curves.png",
    "gtalign dynamics prisoners_dilemma --kind alpharank --one-population --json",
)

CONTINUOUS = ("replicator", "logit", "best_response")
LEARNERS = ("q_learning", "reinforce")


class Kind(StrEnum):
    """What changes the plans."""

    replicator = "replicator"
    logit = "logit"
    best_response = "best_response"
    fictitious = "fictitious"
    regret_matching = "regret_matching"
    alpharank = "alpharank"
    q_learning = "q_learning"
    reinforce = "reinforce"


def dynamics(
    target: Annotated[str, typer.Argument(help="A scenario or matrix game, by name or file.")],
    kind: Annotated[Kind, typer.Option(help="What changes the plans.")] = Kind.replicator,
    one_population: Annotated[
        bool,
        typer.Option(
            "--one-population", help="Both seats draw from one mixture (symmetric games)."
        ),
    ] = False,
    starts: Annotated[
        int, typer.Option(help="Starts for the basins of replicator, logit, best_response.", min=1)
    ] = 500,
    horizon: Annotated[
        float | None,
        typer.Option(help="Time to follow them: 1 / points, or revisions [1000 / spread, or 60]."),
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="Rounds of fictitious, regret_matching and the learners.", min=1)
    ] = 100_000,
    temperature: Annotated[float, typer.Option(help="Noise of the logit choice, points.")] = 0.1,
    alpha: Annotated[float, typer.Option(help="Selection of alpharank, 1 / points.", min=0)] = 1.0,
    population: Annotated[int, typer.Option(help="Individuals of alpharank.", min=2)] = 50,
    discount: Annotated[
        float, typer.Option(help="Weight of the next round to the learners.", min=0)
    ] = 0.95,
    seed: Annotated[int, typer.Option(help="Fixes all chance.", min=0)] = 0,
    pricing: Pricing = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the paths or curves: PNG, SVG or HTML.", metavar="FILE"),
    ] = None,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Follow evolution or learning in a game: rest points, basins, shares.

    Replicator, logit and best_response are populations in continuous time; fictitious and
    regret_matching two players who learn; alpharank a finite population with rare mutants;
    q_learning and reinforce two learners in the repeated game with one round of memory.
    """
    if kind is Kind.alpharank and plot is not None:
        raise ScenarioError("alpharank gives shares, not paths: leave out --plot")
    check_ending(plot, "--plot")
    found = read_target(target, pricing, path=path or ())
    game, rng = found.game, np.random.default_rng(seed)
    try:
        if kind in CONTINUOUS:
            dynamic = Dynamic(game, kind.value, one_population, temperature)  # type: ignore[arg-type]  # one of the three
            data = _continuous(dynamic, starts, horizon, rng, plot)
        elif kind is Kind.alpharank:
            data = _ranked(game, one_population, alpha, population)
        elif kind in LEARNERS:
            data = _taught(game, kind.value, rounds, discount, seed, plot)
        else:
            data = _learned(game, kind.value, rounds, rng, plot)
    except ValueError as error:
        raise ScenarioError(str(error)) from error
    if json:
        print_json({"game": game.name, "kind": kind.value, **data})
        return
    console = out()
    console.print(safe(f"{found.title}: {kind.value.replace('_', ' ')}", "bold"))
    for line in _lines(data):
        console.print(safe(line))
    if plot is not None:
        console.print(safe(f"wrote {plot}"))


def _continuous(
    dynamic: Dynamic,
    starts: int,
    horizon: float | None,
    rng: np.random.Generator,
    plot: Path | None,
) -> dict[str, Any]:
    points: tuple[RestPoint, ...] = ()
    if dynamic.kind == "replicator":
        points = rest_points(dynamic)
    ends = attractors(dynamic, starts, rng, horizon)
    if plot is not None:
        from gtalign_training.plots.dynamics import dynamic_picture

        dynamic_picture(dynamic, plot, rng, points=points, horizon=horizon)
    return {
        "one_population": dynamic.one_population,
        "horizon": dynamic.horizon if horizon is None else horizon,
        "rest_points": [
            {
                **_mixtures(dynamic, point.state),
                "stability": point.stability,
                "eigenvalues": [[value.real, value.imag] for value in point.eigenvalues.tolist()],
            }
            for point in points
        ],
        "basins": [
            {**_mixtures(dynamic, end.state), "share": end.share, "settled": end.settled}
            for end in ends
        ],
    }


def _ranked(
    game: NormalFormGame, one_population: bool, alpha: float, population: int
) -> dict[str, Any]:
    if not one_population:
        shares = alpha_rank(game, alpha, population)
        cells = {
            f"{game.user_plans[i]} x {game.assistant_plans[j]}": float(shares[i, j])
            for i, j in np.ndindex(*game.shape)
        }
        return {"alpha": alpha, "population": population, "shares": cells}
    if not is_symmetric(game):
        raise SolverError(f"one population plays symmetric games; {game.name!r} is none")
    ranked = alpha_rank_population(game.user, alpha, population)
    named = _named(game.user_plans, ranked)
    return {"alpha": alpha, "population": population, "shares": named}


def _learned(
    game: NormalFormGame, kind: str, rounds: int, rng: np.random.Generator, plot: Path | None
) -> dict[str, Any]:
    if kind == "fictitious":
        learned: Learned = fictitious_play(game, rounds)
    else:
        learned = regret_matching(game, rounds, rng)
    if plot is not None:
        from gtalign_training.plots.dynamics import shares_picture
        from gtalign_training.plots.flow import title_of

        names = (game.user_plans, game.assistant_plans)
        shares_picture(learned.user, learned.assistant, names, plot, title_of(kind, game.name))
    gap_user, gap_assistant = learned.gaps[-1].tolist()
    return {
        "rounds": rounds,
        "user": _named(game.user_plans, learned.user[-1]),
        "assistant": _named(game.assistant_plans, learned.assistant[-1]),
        "joint": learned.joint.tolist(),
        "payoffs": [float((learned.joint * own).sum()) for own in (game.user, game.assistant)],
        "regret": [gap_user, gap_assistant],
    }


def _taught(
    game: NormalFormGame, kind: str, rounds: int, discount: float, seed: int, plot: Path | None
) -> dict[str, Any]:
    settings = LearnerSettings(kind, rounds, discount, STEP_SIZES[kind])  # type: ignore[arg-type]  # one of the two
    cooperation = cooperation_or_none(game)
    run: LearningRun = learn_together(game, settings, seed, cooperation)
    if plot is not None:
        from gtalign_training.plots.dynamics import learning_picture
        from gtalign_training.plots.flow import title_of

        learning_picture(run, plot, title_of(kind, game.name))
    last = run.cooperation[-1].tolist()
    return {
        "rounds": rounds,
        "discount": discount,
        "seed": seed,
        "payoffs": run.payoffs[-1].tolist(),
        "cooperation": None if cooperation is None else last,
        "exact": list(run.exact),
        "policies": {
            seat: _policy(game, kind, seat, policy.outputs)
            for seat, policy in zip(("user", "assistant"), run.policies, strict=True)
        },
    }


def _policy(
    game: NormalFormGame, kind: str, seat: str, outputs: FloatArray
) -> dict[str, dict[str, float]]:
    """Return the probabilities of a learner's plans, by the cell of the last round."""
    plans = game.user_plans if seat == "user" else game.assistant_plans
    last = [f"{user} x {other}" for user in game.user_plans for other in game.assistant_plans]
    rows = list(zip(["first round", *last], outputs, strict=True))
    # Q-learning has one long episode, so what it did in the first round is no habit.
    known = rows if kind == "reinforce" else rows[1:]
    return {state: _named(plans, row) for state, row in known}


def _mixtures(dynamic: Dynamic, state: FloatArray) -> dict[str, dict[str, float]]:
    m = dynamic.game.shape[0]
    users = _named(dynamic.game.user_plans, state[:m])
    if dynamic.one_population:
        return {"population": users}
    return {"user": users, "assistant": _named(dynamic.game.assistant_plans, state[m:])}


def _named(plans: tuple[str, ...], shares: FloatArray) -> dict[str, float]:
    return {plan: float(share) for plan, share in zip(plans, shares, strict=True)}


def _lines(data: dict[str, Any]) -> list[str]:
    """Return the result as sentences."""
    if "basins" in data:
        lines = [
            f"rest point {_mix(point)}: {point['stability']}"
            for point in data["rest_points"]
            if point["stability"] != "unstable"
        ]
        unstable = sum(point["stability"] == "unstable" for point in data["rest_points"])
        lines += [f"and {unstable} unstable rest points"] if unstable else []
        return lines + [
            f"{end['share']:.1%} of the starts end at {_mix(end)}"
            if end["settled"]
            else f"{end['share']:.1%} of the starts still move at the end: a cycle, or too short a "
            f"time (try --horizon {_longer(data['horizon'])})"
            for end in data["basins"]
        ]
    if "shares" in data:
        ranked = sorted(data["shares"].items(), key=lambda item: -item[1])
        return [f"{share:7.2%}  {name}" for name, share in ranked]
    user, assistant = data["payoffs"]
    lines = [f"mean payoffs: user {user:.4g}, assistant {assistant:.4g}"]
    if "joint" in data:
        lines += [f"shares of plans: {_mix(data)}"]
        most = max(data["regret"])
        return [*lines, f"a fixed plan would have earned at most {most:.3g} points a round more"]
    if data["cooperation"] is not None:
        lines.append("cooperation: user {:.0%}, assistant {:.0%}".format(*data["cooperation"]))
    lines.append(
        "end policies, exact discounted payoffs: user {:.4g}, assistant {:.4g}".format(
            *data["exact"]
        )
    )
    for seat, policy in data["policies"].items():
        for state, plans in policy.items():
            lines.append(f"  {seat} after {state}: {_plans(plans)}")
    return lines


def _longer(horizon: float) -> str:
    """Return a time well beyond those that `attractors` tries by itself."""
    return f"{float(f'{20 * horizon:.1g}'):g}"


def _mix(data: dict[str, Any]) -> str:
    seats = [data[key] for key in ("population", "user", "assistant") if key in data]
    return " x ".join(_plans(plans) for plans in seats)


def _plans(plans: dict[str, float]) -> str:
    played = [(share, plan) for plan, share in plans.items() if share >= 5e-4]
    if len(played) == 1:
        return played[0][1]
    return "(" + " + ".join(f"{share:.3f} {plan}" for share, plan in played) + ")"
