"""What a learnt policy is worth, exactly: no sampling, beside the Bayes optimum of each regime.

The learnt policy maps the observations of a conversation so far to a move. The assistant's observation
holds public quantities only, so every information set has one (lengths at their means), and the
policy can be followed through the tree of all conversations.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtalign_env.core.moves import STYLES, AssistantMove
from gtalign_env.core.oracle import BayesOracle, Policy, bayes_oracle, evaluate_policy
from gtalign_env.core.plans import continue_plan
from gtalign_env.core.rules import State
from gtalign_env.core.spec import GameSpec
from gtalign_env.core.tree import assistant_outcomes, user_outcomes
from gtalign_env.core.views import AssistantView, InformationSet, assistant_view
from gtalign_env.envs.observe import Array, assistant_observation
from gtalign_env.envs.table import Table
from gtalign_env.persona import UserType
from gtalign_training.recipe import Recipe
from gtalign_training.run_folder import RunFolder, write_json
from gtalign_training.tabular.algorithms import Shares, move_shares
from gtalign_training.tabular.model import (
    build_model,
    first_places,
    load_parameters,
    own_randomness,
)


def public_view(spec: GameSpec, known: InformationSet) -> AssistantView:
    """Return what the assistant sees at an information set, by playing its public history again.

    Lengths that are random stand at their means. Who the user is makes no difference: nothing
    public depends on it, except by the conversation's end.

    Args:
        spec: The game.
        known: A history that ends with the user's move.
    """
    who = _anyone(known.style)
    _, opened = user_outcomes(spec, who, State(), known.user_moves[0])[0]
    state = opened.state
    for mine, theirs in zip(known.assistant_moves, known.user_moves[1:], strict=True):
        _, answered = assistant_outcomes(spec, who, state, mine)[0]
        _, followed = user_outcomes(spec, who, answered.state, theirs)[0]
        state = followed.state
    return assistant_view(spec, known, state)


def observations(spec: GameSpec, known: InformationSet, price: Any) -> Array:
    """Return what the assistant has seen up to an information set.

    Args:
        spec: The game.
        known: A history that ends with the user's move.
        price: What the environment's table says of the regime.

    Returns:
        Observations, shape ``(exchanges, len(ENTRIES))``.
    """
    seen = []
    for made in range(len(known.assistant_moves) + 1):
        prefix = known._replace(
            user_moves=known.user_moves[: made + 1], assistant_moves=known.assistant_moves[:made]
        )
        seen.append(assistant_observation(public_view(spec, prefix), price))
    return np.stack(seen)


def _anyone(style: int) -> UserType:
    """Return a user whose budget never runs out, and who is otherwise indifferent to all."""
    indifferent = dict.fromkeys(UserType._fields, 0) | {"budget": 2**62, "style": style}
    return UserType(**indifferent)


def evaluate_network(
    recipe: Recipe, model_path: Path, folder: RunFolder | None = None
) -> dict[str, Any]:
    """Return what a trained model is worth against the recipe's user, exactly.

    Args:
        recipe: What it was trained with.
        model_path: The file that `train_network` returned.
        folder: Where to save the result as ``evaluation.json``, if anywhere.

    Returns:
        See `evaluate_shares`; ``before`` is the network before training.

    Raises:
        MissingExtraError: Stable-Baselines3 is not installed.
        RunError: The file is missing, damaged, or of another recipe.
        SolverError: The game is too long for the oracle.
    """
    with own_randomness(recipe):
        untrained, _ = build_model(recipe, first_places(recipe))
        trained, _ = build_model(recipe, first_places(recipe))
        load_parameters(trained, model_path)
        result = evaluate_shares(
            recipe,
            after=lambda seen: move_shares(trained, seen),
            before=lambda seen: move_shares(untrained, seen),
        )
    if folder is not None:
        write_json(folder / "evaluation.json", result)
    return result


def evaluate_shares(recipe: Recipe, *, after: Shares, before: Shares) -> dict[str, Any]:
    """Return what a policy over observations is worth when it plays its likeliest move.

    Args:
        recipe: Names the game.
        after: The policy.
        before: What it began as; only its first moves are reported.

    Returns:
        JSON data. ``welfare``, ``share`` (of the optimum) and ``optimum.welfare`` are means over
        regimes. ``by_regime`` has, for each, the expected ``welfare`` (mean W), ``user`` and
        ``assistant`` of the policy, the exact ``optimum`` of W, the ``share`` of it, and the
        ``best_plan``, which makes the same first move to everybody. ``optimum.by_regime`` has the
        Bayes oracle's welfares. ``contexts`` has the first moves by regime, style and opening, as
        `gtalign_training.plots.move_mix` draws them.
    """
    files = recipe.game_files
    table = Table(files.scenario, files.pricing)
    by_regime, optimum, contexts = {}, {}, []
    for spec in table.specs:
        price = table.price(spec)

        def observe(known: InformationSet, spec: GameSpec = spec, price: Any = price) -> Array:
            return observations(spec, known, price)

        oracle = bayes_oracle(spec, recipe.game.p_vague)
        policy = _likeliest(observe, after)
        by_regime[spec.regime.name] = _regime(spec, oracle, recipe.game.p_vague, policy)
        optimum[spec.regime.name] = oracle.value._asdict()
        contexts += _contexts(spec, oracle, observe, after, before)
    shares = [row["share"] for row in by_regime.values()]
    return {
        "scenario": table.specs[0].name,
        "welfare": _mean([row["welfare"] for row in by_regime.values()]),
        "share": None if None in shares else _mean(shares),
        "by_regime": by_regime,
        "optimum": {
            "welfare": _mean([value["welfare"] for value in optimum.values()]),
            "by_regime": optimum,
        },
        "contexts": contexts,
    }


def _likeliest(observe: Callable[[InformationSet], Array], shares: Shares) -> Policy:
    return lambda known: AssistantMove(int(np.argmax(shares(observe(known)))))


def _regime(spec: GameSpec, oracle: BayesOracle, p_vague: float, policy: Policy) -> dict[str, Any]:
    learnt = evaluate_policy(spec, policy, p_vague)
    plans = {plan: evaluate_policy(spec, _plan(plan), p_vague) for plan in AssistantMove}
    best = max(plans, key=lambda plan: plans[plan].welfare)
    optimum = oracle.value.welfare
    return {
        **learnt._asdict(),
        "optimum": optimum,
        # a share of nothing, or of a loss, means nothing
        "share": learnt.welfare / optimum if optimum > 0 else None,
        "exact": spec.is_exact,
        "best_plan": {"plan": best.label, **plans[best]._asdict()},
    }


def _plan(plan: AssistantMove) -> Policy:
    return lambda known: continue_plan(plan, len(known.assistant_moves))


def _contexts(
    spec: GameSpec,
    oracle: BayesOracle,
    observe: Callable[[InformationSet], Array],
    after: Shares,
    before: Shares,
) -> list[dict[str, Any]]:
    out = []
    for known, decision in oracle.decisions.items():
        if known.assistant_moves:
            continue
        learnt = after(observe(known))
        out.append(
            {
                "regime": spec.regime.name,
                "style": STYLES[known.style],
                "opening": known.user_moves[0].label,
                "probability": decision.probability,
                "oracle": decision.move.label,
                "margin": decision.margin,
                "learnt": AssistantMove(int(np.argmax(learnt))).label,
                "before": _labelled(before(observe(known))),
                "after": _labelled(learnt),
            }
        )
    return out


def _labelled(shares: NDArray[np.float64]) -> dict[str, float]:
    return {move.label: float(shares[move]) for move in AssistantMove}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
