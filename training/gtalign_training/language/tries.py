"""Several tries at each conversation, ranked by reward: data for imitation and for preference.

The tries are made once and kept in the run folder, so a run that goes on learns from the same ones.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gtalign_env.core.policies import OracleSeat
from gtalign_training.callbacks import Progress
from gtalign_training.game import (
    instructions_of,
    open_talk,
    reward_welfare,
    training_table,
    user_of,
)
from gtalign_training.language.chat import ChatTokens, Tokens
from gtalign_training.language.conversations import Conversations
from gtalign_training.language.demonstrations import demonstrate
from gtalign_training.language.generation import sampler
from gtalign_training.language.models import Assistant
from gtalign_training.language.processes import Processes
from gtalign_training.recipe import Recipe
from gtalign_training.recipe.language import BestOfKModel, DpoModel
from gtalign_training.run_folder import RunFolder, write_text

FILE = "tries.jsonl"
AT_ONCE = 256
"""Rollouts played together."""

_SAMPLING, _ORACLE = 7, 8  # streams of a recipe's seed, apart from those of other trainers


class Try(NamedTuple):
    """One try at a conversation, as tokens.

    Attributes:
        conversation: Which of the training conversations.
        prompt_ids: Tokens before the first answer.
        completion_ids: All tokens after it, the user's among them.
        mask: 1 for a token of the model, as long as ``completion_ids``.
        reward: What it was worth, points.
        well_formed: Whether every turn kept to the grammar.
    """

    conversation: int
    prompt_ids: Tokens
    completion_ids: Tokens
    mask: list[int]
    reward: float
    well_formed: bool


def tries_together(
    recipe: Recipe,
    assistant: Assistant,
    folder: RunFolder,
    progress: Progress,
    processes: Processes,
) -> list[list[Try]]:
    """Return the tries at every conversation in every process; the first one makes them.

    Args:
        recipe: The recipe.
        assistant: Who tries, where the recipe does not say otherwise.
        folder: The run folder.
        progress: Told after every batch.
        processes: The processes of the run.

    Raises:
        RunError: Too many conversations of a batch faulted.
    """
    if processes.first:
        tries_of(recipe, assistant, folder, progress)
    processes.wait()
    return tries_of(recipe, assistant, folder, progress)


def tries_of(
    recipe: Recipe, assistant: Assistant, folder: RunFolder, progress: Progress
) -> list[list[Try]]:
    """Return the tries at every conversation; made once, then read from the run folder.

    Args:
        recipe: The recipe.
        assistant: Who tries, where the recipe does not say otherwise.
        folder: The run folder.
        progress: Told after every batch.

    Raises:
        RunError: Too many conversations of a batch faulted.
    """
    section = recipe.language
    assert isinstance(section, BestOfKModel | DpoModel)
    path = folder / FILE
    if not path.exists():
        oracle = isinstance(section, BestOfKModel) and section.source == "oracle"
        made = (
            _oracle_tries(recipe, section, assistant, progress)
            if oracle
            else _own_tries(recipe, section, assistant, folder, progress)
        )
        write_text(path, "".join(json.dumps(one._asdict()) + "\n" for one in made))
    lines = path.read_text(encoding="utf-8").splitlines()
    groups: dict[int, list[Try]] = {}
    for one in (Try(**json.loads(line)) for line in lines):
        groups.setdefault(one.conversation, []).append(one)
    return list(groups.values())


def _own_tries(
    recipe: Recipe,
    section: BestOfKModel | DpoModel,
    assistant: Assistant,
    folder: RunFolder,
    progress: Progress,
) -> list[Try]:
    conversations = Conversations(recipe, assistant.tokenizer)
    made: list[Try] = []
    at_once = max(1, AT_ONCE // section.tries)
    for number, begin in enumerate(range(0, section.conversations, at_once)):
        chosen = range(begin, min(begin + at_once, section.conversations))
        seed = np.random.SeedSequence([recipe.seed, _SAMPLING, number]).generate_state(1)[0]
        generate = sampler(
            assistant.model,
            assistant.tokenizer,
            turn_tokens=section.turn_tokens,
            temperature=section.temperature,
            seed=int(seed),
            batch=AT_ONCE,
        )
        indices = [index for index in chosen for _ in range(section.tries)]
        batch = conversations.batch(indices, generate, number)
        made += [
            Try(
                index,
                rollout.prompt_ids,
                rollout.completion_ids,
                rollout.mask,
                reward,
                rollout.well_formed,
            )
            for index, rollout, reward in zip(indices, batch.rollouts, batch.rewards, strict=True)
            if reward is not None
        ]
        folder.log("tries", chosen.stop, batch.metrics)
        progress("tries", chosen.stop, section.conversations, batch.metrics)
    return made


def _oracle_tries(
    recipe: Recipe, section: BestOfKModel | DpoModel, assistant: Assistant, progress: Progress
) -> list[Try]:
    table = training_table(recipe, knowing=True)
    chat, user, seat = (
        ChatTokens(assistant.tokenizer),
        user_of(recipe),
        OracleSeat(recipe.game.p_vague),
    )
    rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, _ORACLE]))
    made: list[Try] = []
    for index in range(section.conversations):
        for _ in range(section.tries):
            talk = open_talk(table, index)
            row = demonstrate(
                talk,
                user,
                seat,
                chat,
                rng,
                instructions_of(recipe),
                blocks=recipe.format == "four-blocks",
                read=recipe.reads_matrices,
            )
            welfare = reward_welfare(recipe, talk.conversation.spec)
            start = row.mask.index(1)
            made.append(
                Try(
                    index,
                    row.input_ids[:start],
                    row.input_ids[start:],
                    row.mask[start:],
                    welfare(*talk.conversation.returns),
                    True,
                )
            )
        progress("tries", index + 1, section.conversations, {})
    return made


def best_of(groups: Sequence[Sequence[Try]]) -> list[Try]:
    """Return the best well-formed try at every conversation; the earlier one of equals.

    A conversation without a well-formed try has none.

    Args:
        groups: The tries by conversation.
    """
    sound = [[one for one in group if one.well_formed] for group in groups]
    return [max(group, key=lambda one: one.reward) for group in sound if group]


def pairs_of(groups: Sequence[Sequence[Try]], margin: float) -> list[tuple[Try, Try]]:
    """Return the best and the worst try at every conversation whose rewards differ enough.

    Args:
        groups: The tries by conversation.
        margin: Least difference of reward, points; equal ones never make a pair.
    """
    out = []
    for group in groups:
        best = max(group, key=lambda one: one.reward, default=None)
        worst = min(group, key=lambda one: one.reward, default=None)
        if best is None or worst is None or not best.well_formed:
            continue
        difference = best.reward - worst.reward
        if difference > 0.0 and difference >= margin:
            out.append((best, worst))
    return out


def summary(groups: Sequence[Sequence[Try]]) -> dict[str, Any]:
    """Return the means of the tries and of the best ones, for the log.

    Args:
        groups: The tries by conversation.
    """
    every = [one.reward for group in groups for one in group]
    best = [one.reward for one in best_of(groups)]
    return {
        "tries": len(every),
        "mean_reward": math.fsum(every) / max(1, len(every)),
        "kept": len(best),
        "best_reward": math.fsum(best) / max(1, len(best)),
    }
