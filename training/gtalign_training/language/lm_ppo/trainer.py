"""PPO of a language model in conversations with simulated users: the loop.

1. Play a batch of new conversations with the policy as it is.
2. Judge their tokens: log-probabilities, values, and those of the start if leaving it costs.
3. Pay each token: the reward at the end of the conversation or of each turn, less that cost.
4. Advantages (GAE), normalised; returns are advantages plus values.
5. Passes over the batch in mini-batches: clipped policy loss, clipped value loss, entropy bonus.

Everything that a step draws is seeded by its number, so a run that was killed and resumed ends, bit
for bit, where it would have ended. A faulted conversation counts nowhere.

Several processes each play and judge their part of a batch, get the others', and add up gradients
of their parts of every mini-batch: all take the same steps.

Deviations from the paper's setting (verl): one optimiser with a rate each for actor and critic;
the gradient norm is clipped for both together.

References:
    As for `gtalign_training.language.lm_ppo.objective`; Zhu et al. (2025), "GTAlign", sec. 4.
"""

from __future__ import annotations

import copy
import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gtalign_training.callbacks import Progress, tensorboard
from gtalign_training.checkpoints import newest
from gtalign_training.language.conversations import Batch, Conversations
from gtalign_training.language.generation import sampler
from gtalign_training.language.guards import require_finite
from gtalign_training.language.lm_ppo.checkpoint import (
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from gtalign_training.language.lm_ppo.network import ActorCritic
from gtalign_training.language.lm_ppo.objective import (
    advantages,
    explained_variance,
    masked_mean,
    policy_loss,
    value_loss,
    whiten,
)
from gtalign_training.language.lm_ppo.tokens import Tokens, tokens_of
from gtalign_training.language.models import Assistant
from gtalign_training.language.processes import Processes
from gtalign_training.recipe import Recipe
from gtalign_training.recipe.language import LmPpoModel
from gtalign_training.run_folder import RunFolder

if TYPE_CHECKING:
    from torch import Tensor

STAGE = "lm-ppo"
MOST_NORM = 1.0
"""Largest gradient norm; verl's and TRL's default."""

_SAMPLING, _ORDER = 5, 6  # streams of a recipe's seed, apart from those of other trainers


class Experience(NamedTuple):
    """A batch with what was thought of it when it was played, each of shape ``(B, T)``."""

    tokens: Tokens
    logprobs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor


def fine_tune(
    recipe: Recipe, assistant: Assistant, folder: RunFolder, progress: Progress
) -> Assistant:
    """Return the assistant after PPO, going on from a checkpoint if the folder has one.

    Args:
        recipe: The recipe.
        assistant: What to start from.
        folder: The run folder.
        progress: Told after every step.

    Raises:
        RunError: Too many conversations of a step faulted, or a gradient was not finite; the last
            checkpoint stays as it is.
    """
    import torch

    ppo, processes = recipe.lm_ppo, Processes()
    conversations = Conversations(recipe, assistant.tokenizer)
    network = ActorCritic(assistant.model, ppo)
    start = copy.deepcopy(assistant.model).eval() if ppo.kl else None
    reference = None if start is None else _frozen(network, start)
    optimizer = torch.optim.Adam(network.groups(ppo))
    peaks = [group["lr"] for group in optimizer.param_groups]
    found = newest(folder / STAGE, read_checkpoint)
    begun = 0 if found is None else found[1]
    if found is not None:
        load_checkpoint(found[0], network, optimizer)
    if processes.first:
        folder.drop_metrics_after(STAGE, begun)
    shown = tensorboard(folder, STAGE, begun) if processes.first else nullcontext()
    with shown as show:
        for step in range(begun, ppo.steps):
            share = rate_share(ppo, step)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * share
            batch = _play(recipe, conversations, assistant, step, processes)
            experience, paid = _experience(
                recipe, conversations, batch, network, reference, processes
            )
            losses = _learn(recipe, network, optimizer, experience, step, processes)
            if show is None:
                continue  # the first process writes
            given = [reward for reward in batch.rewards if reward is not None]
            metrics = {
                "reward": math.fsum(given) / len(given) if given else math.nan,
                "learning_rate": ppo.learning_rate * share,
                "explained_variance": explained_variance(
                    experience.values, experience.returns, experience.tokens.mask
                ),
                **paid,
                **losses,
                **batch.metrics,
            }
            folder.log(STAGE, step + 1, metrics)
            show(step + 1, metrics)
            if (step + 1) % ppo.save_every == 0 or step + 1 == ppo.steps:
                save_checkpoint(folder / STAGE, step + 1, network, optimizer)
            progress(STAGE, step + 1, ppo.steps, metrics)
    return assistant


def rate_share(ppo: LmPpoModel, step: int) -> float:
    """Return the share of the peak rate at a step: it rises in the warm-up, then falls.

    Args:
        ppo: The section.
        step: From 0.
    """
    warmup = round(ppo.warmup * ppo.steps)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, ppo.steps - warmup)
    if ppo.schedule == "linear":
        return 1.0 - done
    if ppo.schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    return 1.0


def _play(
    recipe: Recipe,
    conversations: Conversations,
    assistant: Assistant,
    step: int,
    processes: Processes,
) -> Batch:
    """Return the conversations of a step, each played by one of the processes."""
    prompts = recipe.lm_ppo.prompts
    indices = range(step * prompts, (step + 1) * prompts)
    part = processes.index if processes.count > 1 else None
    own = conversations.play(
        indices[processes.part(prompts)], _generate(recipe, assistant, step, part)
    )
    return conversations.rated(processes.gathered(own), step)


def _generate(recipe: Recipe, assistant: Assistant, step: int, part: int | None = None) -> Any:
    key = [recipe.seed, _SAMPLING, step] + ([] if part is None else [part])
    seed = np.random.SeedSequence(key).generate_state(1)[0]
    return sampler(
        assistant.model,
        assistant.tokenizer,
        turn_tokens=recipe.lm_ppo.turn_tokens,
        temperature=recipe.lm_ppo.temperature,
        seed=int(seed),
        batch=recipe.lm_ppo.prompts,
    )


def _frozen(network: ActorCritic, model: Any) -> ActorCritic:
    """Return the start, to compare with: it shares the critic's head, which is not asked."""
    frozen = copy.copy(network)
    frozen.model, frozen.backbone = model, None
    return frozen


def _experience(
    recipe: Recipe,
    conversations: Conversations,
    batch: Batch,
    network: ActorCritic,
    reference: ActorCritic | None,
    processes: Processes,
) -> tuple[Experience, dict[str, float]]:
    import torch

    ppo = recipe.lm_ppo
    tokens = tokens_of(batch, conversations, network.model.device)
    network.model.eval()
    own = Tokens(*(part[processes.part(ppo.prompts)] for part in tokens))
    parts = _parts(own, ppo.micro_batch or ppo.batch_size)
    with torch.no_grad():
        judged = [network.judge(*part) for part in parts]
        logprobs = processes.rows(torch.cat([part.logprobs for part in judged]))
        values = processes.rows(torch.cat([part.values for part in judged]))
        rewards, left = tokens.rewards, torch.zeros_like(logprobs)
        if reference is not None:
            there = processes.rows(torch.cat([reference.logprobs(*part) for part in parts]))
            left = (logprobs - there) * tokens.mask
            rewards = rewards - ppo.kl * left
        gained = advantages(rewards, values, tokens.mask, ppo.discount, ppo.gae_lambda)
        experience = Experience(
            tokens, logprobs, values, whiten(gained, tokens.mask), gained + values * tokens.mask
        )
    paid = {} if reference is None else {"kl": float(masked_mean(left, tokens.mask))}
    return experience, paid


def _parts(tokens: Tokens, size: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    ids, attention, mask, _ = tokens
    return [
        (ids[i : i + size], attention[i : i + size], mask[i : i + size])
        for i in range(0, len(ids), size)
    ]


def _learn(
    recipe: Recipe,
    network: ActorCritic,
    optimizer: Any,
    experience: Experience,
    step: int,
    processes: Processes,
) -> dict[str, float]:
    """Take the gradient steps of one batch; return the means of what was measured."""
    import torch

    ppo = recipe.lm_ppo
    rng = np.random.default_rng(np.random.SeedSequence([recipe.seed, _ORDER, step]))
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    seen: list[dict[str, Any]] = []
    network.model.train()
    for _ in range(ppo.epochs):
        order = rng.permutation(ppo.prompts)
        for begin in range(0, ppo.prompts, ppo.batch_size):
            chosen = order[begin : begin + ppo.batch_size]
            total = experience.tokens.mask[torch.from_numpy(chosen)].sum().clamp(min=1.0)
            optimizer.zero_grad(set_to_none=True)
            own = chosen[processes.part(len(chosen))]
            size = ppo.micro_batch or len(own)
            for inner in range(0, len(own), size):
                rows = torch.from_numpy(own[inner : inner + size])
                loss, measured = _loss(ppo, network, experience, rows)
                share = experience.tokens.mask[rows].sum() / total  # of a mean over all tokens
                (loss * share).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                seen.append({name: value * share for name, value in measured.items()})
            processes.add_up(p.grad for p in parameters if p.grad is not None)
            require_finite(parameters, step + 1)
            norm = torch.nn.utils.clip_grad_norm_(parameters, MOST_NORM)
            seen[-1]["grad_norm"] = norm.detach()
            optimizer.step()
    network.model.eval()
    updates = ppo.epochs * (ppo.prompts // ppo.batch_size)
    names = dict.fromkeys(name for measured in seen for name in measured)
    means = {n: float(sum(measured.get(n, 0.0) for measured in seen)) / updates for n in names}
    every = processes.gathered([means])
    return {
        name: mean if name == "grad_norm" else math.fsum(one[name] for one in every)
        for name, mean in means.items()
    }


def _loss(
    ppo: LmPpoModel, network: ActorCritic, experience: Experience, rows: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    tokens = Tokens(*(part[rows] for part in experience.tokens))
    judged = network.judge(tokens.ids, tokens.attention, tokens.mask)
    policy = policy_loss(
        judged.logprobs,
        experience.logprobs[rows],
        experience.advantages[rows],
        tokens.mask,
        ppo.clip,
    )
    value = value_loss(
        judged.values,
        experience.values[rows],
        experience.returns[rows],
        tokens.mask,
        ppo.value_clip,
    )
    entropy = masked_mean(judged.entropy, tokens.mask)
    weight = ppo.value_weight if ppo.critic == "shared" else 1.0
    loss = policy.loss - ppo.entropy * entropy + weight * value
    return loss, {
        "loss": loss.detach(),
        "policy_loss": policy.loss.detach(),
        "value_loss": value.detach(),
        "entropy": entropy.detach(),
        "clip_fraction": policy.clip_fraction,
        "approx_kl": policy.approx_kl,
    }
