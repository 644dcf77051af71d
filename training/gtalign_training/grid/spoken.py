"""Episodes of a language model that was trained here, asked exactly as it was in training."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from gtalign_agents.prompts import system_message
from gtalign_env.envs.dialogue_aec import TalkTable
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import Scenario
from gtalign_training.game import instructions_of, open_talk
from gtalign_training.grid.contenders import recipe_of_run
from gtalign_training.language.chat import ChatTokens
from gtalign_training.language.generation import sampler
from gtalign_training.language.models import load_assistant, require_train_extra
from gtalign_training.language.rollouts import Rollout, play
from gtalign_training.language.tiny.language import UNKNOWN
from gtalign_training.recipe import TinyModel
from gtalign_training.runs.episode import Fault
from gtalign_training.runs.events import from_events
from gtalign_training.runs.folder import Plan
from gtalign_training.runs.record import Played, record
from gtalign_training.runs.seats import user_seat

BLOCK = 64
"""Most conversations that are generated together."""


def unread(name: str, folder: Path, games: Iterable[Scenario]) -> Iterator[str]:
    """Yield a line for every price that a tiny model has no words for.

    Args:
        name: What the assistant is called.
        folder: Its training run.
        games: What it is to play.
    """
    recipe = recipe_of_run(folder)
    if not isinstance(recipe.model, TinyModel):
        return
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "model" / "tokenizer.json"))
    instructions = instructions_of(recipe)
    priced = {
        what.description: game.with_pricing(what) for game in games for _, what in game.schedule
    }
    for spec in map(compile_scenario, priced.values()):
        count = tokenizer.encode(system_message(spec, instructions)).tokens.count(UNKNOWN)
        if count:
            yield (
                f"{name}: {count} words of the price {spec.regime.name} are not in the tiny model's "
                f"language, which is made of its recipe's own prices ({', '.join(recipe.game.pricing)}): "
                "expect malformed turns. A price that a model is measured under without learning under "
                "it belongs in the recipe's game.pricing and game.held_out"
            )


def play_rollouts(plan: Plan, episodes: Sequence[int], folder: Path) -> Generator[list[Played]]:
    """Yield the records of episodes, block by block, in the order of the episodes.

    A block is generated as a whole, whatever is wanted of it, and with its own seed: a run that was
    broken off, or is lengthened, goes on to what it would have been.

    Args:
        plan: What is played.
        episodes: Which of it, ascending.
        folder: The training run whose model is the assistant.

    Raises:
        RunError: The folder holds no model that can be loaded.
        MissingExtraError: The libraries of the extra ``train`` are not installed.
    """
    require_train_extra("evaluating a language model")
    import torch

    torch.set_num_threads(1)  # a model this small is slower on two threads than on one
    recipe = recipe_of_run(folder)
    assistant = load_assistant(folder / "model")
    table = TalkTable(
        plan.scenario,
        tasks=recipe.game_files.tasks,
        covered_only=isinstance(recipe.model, TinyModel),
    )
    table.keyed_by = plan.keyed_by
    table.seed(plan.seed)
    user = user_seat(plan.user)
    size = min(BLOCK, recipe.evaluation.batch_size)
    for index, block in groupby(episodes, key=lambda episode: episode // size):
        wanted = set(block)
        whole = range(index * size, (index + 1) * size)
        talks = [(episode, open_talk(table, episode)) for episode in whole]
        generate = sampler(
            assistant.model,
            assistant.tokenizer,
            turn_tokens=recipe.language.turn_tokens,
            temperature=1.0,
            seed=plan.seed + index,
            batch=size,
        )
        chat = ChatTokens(assistant.tokenizer)
        rollouts = play(
            talks,
            user,
            chat,
            generate,
            instructions_of(recipe),
            blocks=recipe.format == "four-blocks",
        )
        yield [_played(one, plan.seed) for one in rollouts if one.seed in wanted]


def _played(rollout: Rollout, seed: int) -> Played:
    """Return the record of a rollout; a malformed turn costs its conversation all welfare."""
    fault = None
    if rollout.fault is not None:
        fault = Fault(rollout.fault, "assistant", 1)
    played = record(rollout.talk.conversation, fault, seed=seed, episode=rollout.seed)
    *turns, last = played.events
    texts = iter(rollout.talk.messages)
    written = iter(rollout.turns)
    told: list[dict[str, Any]] = []
    for turn in turns:
        text = next(texts, None)
        more = {} if text is None else {"text": text.text}
        if turn["seat"] == "assistant" and (own := next(written, None)) is not None:
            more["written"] = own.text
        told.append({**turn, **more})
    told.append({**last, "welfare": rollout.welfare})
    return Played(from_events(told), tuple(told))
