"""Measuring an assistant on held-out conversations, beside baselines and the exact optimum.

Everybody meets the same users with the same questions in the same order, so comparisons are
paired. The optimum is not sampled: it is the exact value of the Bayes oracle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gtalign_agents.steering import Edit
from gtalign_env.core.conversation import Conversation
from gtalign_env.core.moves import STYLES, AssistantMove
from gtalign_env.core.oracle import BayesOracle, bayes_oracle
from gtalign_env.core.policies import (
    AssistantSeat,
    OracleSeat,
    plan_seat,
    play_on,
    random_assistant,
)
from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_training.game import held_out_tables, instructions_of, open_talk, user_of
from gtalign_training.language.chat import ChatTokens
from gtalign_training.language.generation import sampler
from gtalign_training.language.models import Assistant
from gtalign_training.language.rollouts import Rollout, play
from gtalign_training.recipe import Recipe
from gtalign_training.statistics import bootstrap, distinct_payoffs, gap_closed

CLEAR_MARGIN = 0.05
"""Points of expected W by which the optimal move must lead for a direction to count."""

MALFORMED = "malformed"
"""First move of a model whose first turn breaks the grammar: none of the seven."""

Context = tuple[str, str, str]
"""Regime, style of the user, opening move: what an assistant can tell apart at first."""


class Played(NamedTuple):
    """What somebody got on the held-out conversations, all regimes one after another.

    Attributes:
        user: U, shape ``(n,)``, points.
        assistant: L, shape ``(n,)``, points.
        welfare: W, shape ``(n,)``; 0 where a model's turn was malformed. NaN after a fault.
        contexts: What could be told apart at first, n of them.
        first_moves: Labels, n of them; empty where the assistant never moved.
        well_formed: Share of conversations in which every turn kept to the grammar.
        distinct_payoffs: How many different matrices were written; None for who writes none.
        faults: Conversations in which something failed.
    """

    user: NDArray[np.float64]
    assistant: NDArray[np.float64]
    welfare: NDArray[np.float64]
    contexts: list[Context]
    first_moves: list[str]
    well_formed: float | None = None
    distinct_payoffs: int | None = None
    faults: int = 0


class Measured(NamedTuple):
    """A language model's held-out conversations, and what it got in them."""

    played: Played
    rollouts: list[Rollout]


def play_model(
    recipe: Recipe,
    assistant: Assistant,
    temperature: float = 1.0,
    edit: Callable[[GameSpec], Edit | None] = lambda spec: None,
) -> Measured:
    """Return what a language model says and gets.

    Args:
        recipe: The recipe.
        assistant: The model.
        temperature: Of sampling; 0 is greedy.
        edit: By how much the matrices written under a game are edited; None leaves them alone.
    """
    chat = ChatTokens(assistant.tokenizer)
    rollouts: list[Rollout] = []
    for index, table in enumerate(held_out_tables(recipe)):
        generate = sampler(
            assistant.model,
            assistant.tokenizer,
            turn_tokens=recipe.language.turn_tokens,
            temperature=temperature,
            seed=recipe.evaluation.seed + index,
            batch=recipe.evaluation.batch_size,
            edit=edit(table.specs[0]),
        )
        talks = [(i, open_talk(table, i)) for i in range(recipe.evaluation.conversations)]
        rollouts += play(
            talks,
            user_of(recipe),
            chat,
            generate,
            instructions_of(recipe),
            blocks=recipe.format == "four-blocks",
        )
    played = _gather([rollout.talk.conversation for rollout in rollouts])
    scores = [np.nan if rollout.welfare is None else rollout.welfare for rollout in rollouts]
    played = played._replace(
        welfare=np.array(scores),
        well_formed=sum(rollout.well_formed for rollout in rollouts) / len(rollouts),
        distinct_payoffs=distinct_payoffs(rollouts) if recipe.format != "none" else None,
        faults=sum(rollout.fault is not None for rollout in rollouts),
    )
    first = [
        MALFORMED if rollout.turns and rollout.turns[0].rule is not None else label
        for rollout, label in zip(rollouts, played.first_moves, strict=True)
    ]
    return Measured(played._replace(first_moves=first), rollouts)


def play_policy(recipe: Recipe, policy: AssistantSeat) -> Played:
    """Return what a scripted policy gets; it speaks in the bundled wordings, so words are left out.

    Args:
        recipe: The recipe.
        policy: The assistant.
    """
    user = user_of(recipe)
    conversations = []
    for table in held_out_tables(recipe):
        for index in range(recipe.evaluation.conversations):
            talk = table.open(index)
            play_on(talk, user, policy)
            conversations.append(talk)
    return _gather(conversations)


def _gather(conversations: Sequence[Conversation]) -> Played:
    returns = np.array([conversation.returns for conversation in conversations])
    return Played(
        user=returns[:, 0],
        assistant=returns[:, 1],
        welfare=np.array([c.spec.welfare(*c.returns) for c in conversations]),
        contexts=[
            (c.spec.regime.name, STYLES[c.who.style], c.user_moves[0].label) for c in conversations
        ],
        first_moves=[
            c.assistant_moves[0].label if c.assistant_moves else "" for c in conversations
        ],
    )


def baselines(recipe: Recipe) -> dict[str, AssistantSeat]:
    """Return the scripted assistants that a trained one is measured against, by name."""
    plans = (AssistantMove.DA_CONCISE, AssistantMove.DA_VERBOSE, AssistantMove.CQ)
    return {
        "random moves": random_assistant,
        **{f"always {plan.label}": plan_seat(plan) for plan in plans},
        "Bayes oracle": OracleSeat(recipe.game.p_vague),
    }


def oracles(recipe: Recipe, tables: Sequence[TalkTable]) -> dict[str, BayesOracle]:
    """Return the exact optimum of every regime, by its name."""
    return {
        table.specs[0].regime.name: bayes_oracle(table.specs[0], recipe.game.p_vague)
        for table in tables
    }


def report(recipe: Recipe, before: Played, after: Played) -> dict[str, Any]:
    """Return the whole comparison as plain data, for ``evaluation.json``.

    Args:
        recipe: The recipe.
        before: The warm-started model.
        after: The trained model.
    """
    solved = oracles(recipe, held_out_tables(recipe))
    optimum = float(np.mean([oracle.value.welfare for oracle in solved.values()]))
    played = {"before": before, "after": after}
    played |= {name: play_policy(recipe, policy) for name, policy in baselines(recipe).items()}
    rows = [_row(recipe, name, result, before, optimum) for name, result in played.items()]
    table = contexts(solved, before, after)
    return {
        "conversations": len(before.welfare),
        "seed": recipe.evaluation.seed,
        "optimum": {
            "welfare": optimum,
            "by_regime": {name: oracle.value._asdict() for name, oracle in solved.items()},
        },
        "rows": rows,
        "contexts": table,
        "directions": directions(table),
    }


def _row(
    recipe: Recipe, name: str, result: Played, before: Played, optimum: float
) -> dict[str, Any]:
    rng = np.random.default_rng(np.random.SeedSequence([recipe.evaluation.seed, 3]))
    valid = ~np.isnan(result.welfare) & ~np.isnan(before.welfare)
    share = None
    if result is not before:
        share = gap_closed(before.welfare[valid], result.welfare[valid], optimum, rng)
    regimes = [context[0] for context in result.contexts]
    return {
        "name": name,
        "user": bootstrap(result.user[valid], rng),
        "assistant": bootstrap(result.assistant[valid], rng),
        "welfare": bootstrap(result.welfare[valid], rng),
        "gap_closed": share,
        "by_regime": {
            regime: {
                field: float(getattr(result, field)[valid & (np.array(regimes) == regime)].mean())
                for field in ("user", "assistant", "welfare")
            }
            for regime in dict.fromkeys(regimes)
        },
        "moves": {regime: _shares(result, regime) for regime in dict.fromkeys(regimes)},
        "well_formed": result.well_formed,
        "distinct_payoffs": result.distinct_payoffs,
        "faults": result.faults,
    }


def _shares(
    played: Played, regime: str | None = None, context: Context | None = None
) -> dict[str, float]:
    moves = [
        move
        for move, seen in zip(played.first_moves, played.contexts, strict=True)
        if move and (regime is None or seen[0] == regime) and (context is None or seen == context)
    ]
    return {label: count / len(moves) for label, count in sorted(Counter(moves).items())}


def contexts(solved: dict[str, BayesOracle], before: Played, after: Played) -> list[dict[str, Any]]:
    """Return, per regime, style and opening, the optimal first move and what the model does.

    Args:
        solved: The exact optimum by regime.
        before: The warm-started model.
        after: The trained model.
    """
    out = []
    for regime, oracle in solved.items():
        for known, decision in oracle.decisions.items():
            if known.assistant_moves:
                continue
            context = (regime, STYLES[known.style], known.user_moves[0].label)
            out.append(
                {
                    "regime": regime,
                    "style": context[1],
                    "opening": context[2],
                    "oracle": decision.move.label,
                    "margin": decision.margin,
                    "before": _shares(before, context=context),
                    "after": _shares(after, context=context),
                }
            )
    return out


def directions(table: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return whether the move mix differs between regimes as the oracle's moves do.

    For two regimes of one style and opening whose optimal moves differ, both by a margin of at
    least `CLEAR_MARGIN`, the optimal move of the one should be more frequent there than in the
    other.

    Args:
        table: The result of `contexts`.
    """
    out = []
    for one in table:
        for other in table:
            same = one["style"] == other["style"] and one["opening"] == other["opening"]
            clear = min(one["margin"], other["margin"]) >= CLEAR_MARGIN
            if same and clear and one["oracle"] != other["oracle"]:
                here = one["after"].get(one["oracle"], 0.0)
                there = other["after"].get(one["oracle"], 0.0)
                out.append(
                    {
                        "style": one["style"],
                        "opening": one["opening"],
                        "move": one["oracle"],
                        "optimal_under": one["regime"],
                        "share": here,
                        "not_under": other["regime"],
                        "share_there": there,
                        "held": here > there,
                    }
                )
    return out
