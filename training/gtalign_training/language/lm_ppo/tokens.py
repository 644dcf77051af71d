"""Played conversations as tensors of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gtalign_training.language.conversations import Batch, Conversations
from gtalign_training.language.rollouts import Rollout

if TYPE_CHECKING:
    from torch import Tensor


class Tokens(NamedTuple):
    """A batch as tensors, each of shape ``(B, T)``, padded on the right.

    Attributes:
        ids: The tokens of prompt and conversation.
        attention: 1 where there is one.
        mask: 1 where the model wrote it; 0 throughout for a faulted conversation.
        rewards: Paid at a token, points.
    """

    ids: Tensor
    attention: Tensor
    mask: Tensor
    rewards: Tensor


def tokens_of(batch: Batch, conversations: Conversations, device: Any) -> Tokens:
    """Return a batch as tensors, each of shape ``(B, T)``.

    The reward is paid at the last of the model's tokens; with credit by turn, what each turn gained
    at its last token.

    Args:
        batch: Played conversations.
        conversations: What played them.
        device: Where to.
    """
    import torch

    turns = conversations.recipe.lm_ppo.credit == "turn" and conversations.recipe.reward != "random"
    rows = [rollout.prompt_ids + rollout.completion_ids for rollout in batch.rollouts]
    longest = max(len(row) for row in rows)
    shape = (len(rows), longest)
    ids = np.zeros(shape, dtype=np.int64)
    attention, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
    rewards = np.zeros(shape, dtype=np.float32)
    for i, (rollout, row, reward) in enumerate(
        zip(batch.rollouts, rows, batch.rewards, strict=True)
    ):
        ids[i, : len(row)] = row
        attention[i, : len(row)] = 1
        if reward is None:
            continue
        mask[i, len(rollout.prompt_ids) : len(row)] = rollout.mask
        gains = rollout.turn_rewards(conversations.welfare(rollout)) if turns else None
        ends = _turn_ends(rollout)
        for end, gain in zip(ends, gains or [0.0] * (len(ends) - 1) + [reward], strict=True):
            rewards[i, end] = gain
    return Tokens(*(torch.from_numpy(part).to(device) for part in (ids, attention, mask, rewards)))


def _turn_ends(rollout: Rollout) -> list[int]:
    """Return the place of every turn's last token, counted from the prompt's first."""
    own = np.flatnonzero(rollout.mask) + len(rollout.prompt_ids)
    lengths = np.cumsum([turn.tokens for turn in rollout.turns])
    return [int(own[end - 1]) for end in lengths]
