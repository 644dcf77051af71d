"""The formulas of PPO on masked token sequences; plain functions of tensors.

Every tensor has the shape ``(B, T)``: conversations, tokens, padded on the right. ``mask`` is 1 at
the model's own tokens; what stands elsewhere, the user's words among them, counts nowhere. A value
belongs to the state in which its token was chosen.

References:
    Schulman et al. (2017), "Proximal policy optimization algorithms", eq. 7 (the clipped
    objective) and eq. 11 (advantages); Schulman et al. (2016), "High-dimensional continuous control
    using generalized advantage estimation", eq. 16. Huang et al. (2022), "The 37 implementation
    details of proximal policy optimization": details 7 (advantages normalised), 9 (value loss
    clipped), 11 (gradient norm clipped), 12 (what is logged). Ouyang et al. (2022), "Training
    language models to follow instructions with human feedback", sec. 3.5 (the price of leaving the
    start, token by token).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class PolicyLoss(NamedTuple):
    """The clipped objective, and how far the policy has moved.

    Attributes:
        loss: To be minimised, scalar.
        clip_fraction: Share of tokens whose ratio no longer counts, scalar.
        approx_kl: Estimate of KL(old, new) per token, nats, scalar.
    """

    loss: Tensor
    clip_fraction: Tensor
    approx_kl: Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the model's tokens, scalar; 0 where there are none.

    Args:
        values: Shape ``(B, T)``.
        mask: Shape ``(B, T)``.
    """
    return (values * mask).sum() / mask.sum().clamp(min=1.0)


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Return values with mean 0 and deviation 1 over the model's tokens, shape ``(B, T)``.

    Args:
        values: Shape ``(B, T)``.
        mask: Shape ``(B, T)``; the result is 0 outside it.
    """
    centred = values - masked_mean(values, mask)
    deviation = masked_mean(centred**2, mask).sqrt()
    return centred / (deviation + 1e-8) * mask


def advantages(
    rewards: Tensor, values: Tensor, mask: Tensor, discount: float, gae_lambda: float
) -> Tensor:
    """Return generalised advantage estimates, shape ``(B, T)``; 0 outside the mask.

    1. From the last token to the first, delta = r + discount * V(next) - V.
    2. A = delta + discount * lambda * A(next).

    *Next* is the model's next own token: the user's words between two turns take no time.

    Args:
        rewards: Paid at a token, shape ``(B, T)``, points.
        values: Expected at a token, shape ``(B, T)``, points.
        mask: Shape ``(B, T)``.
        discount: Per token.
        gae_lambda: 1 takes what was gained in the end, 0 trusts the next value.
    """
    out = values.new_zeros(values.shape)
    following = values.new_zeros(len(values))
    carried = values.new_zeros(len(values))
    for t in range(values.shape[1] - 1, -1, -1):
        own = mask[:, t].bool()
        delta = rewards[:, t] + discount * following - values[:, t]
        carried = (delta + discount * gae_lambda * carried).where(own, carried)
        following = values[:, t].where(own, following)
        out[:, t] = carried.where(own, out[:, t])
    return out


def policy_loss(
    logprobs: Tensor, old: Tensor, advantage: Tensor, mask: Tensor, clip: float
) -> PolicyLoss:
    """Return the clipped objective over the model's tokens.

    Args:
        logprobs: Of the tokens by the policy that learns, shape ``(B, T)``, nats.
        old: By the policy that wrote them, shape ``(B, T)``, nats.
        advantage: Shape ``(B, T)``.
        mask: Shape ``(B, T)``.
        clip: Largest change of a token's probability that counts, as a share.
    """
    log_ratio = (logprobs - old) * mask
    ratio = log_ratio.exp()
    bounded = ratio.clamp(1.0 - clip, 1.0 + clip)
    per_token = -(ratio * advantage).minimum(bounded * advantage)
    outside = ((ratio - 1.0).abs() > clip).to(ratio.dtype)
    return PolicyLoss(
        masked_mean(per_token, mask),
        masked_mean(outside, mask).detach(),
        masked_mean(ratio - 1.0 - log_ratio, mask).detach(),
    )


def value_loss(values: Tensor, old: Tensor, returns: Tensor, mask: Tensor, clip: float) -> Tensor:
    """Return half the squared error of the values, scalar; moves beyond ``clip`` do not pay.

    Args:
        values: By the critic that learns, shape ``(B, T)``, points.
        old: By the critic before this step, shape ``(B, T)``, points.
        returns: What was gained from a token on, shape ``(B, T)``, points.
        mask: Shape ``(B, T)``.
        clip: Furthest that a value may move, points.
    """
    bounded = old + (values - old).clamp(-clip, clip)
    worst = ((values - returns) ** 2).maximum((bounded - returns) ** 2)
    return 0.5 * masked_mean(worst, mask)


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """Return the share of the returns' variance that the values explain; 0 where there is none.

    Args:
        values: Shape ``(B, T)``, points.
        returns: Shape ``(B, T)``, points.
        mask: Shape ``(B, T)``.
    """
    own = mask.bool()
    kept, missed = returns[own], (returns - values)[own]
    variance = float(kept.var(unbiased=False)) if len(kept) else 0.0
    return 1.0 - float(missed.var(unbiased=False)) / variance if variance > 0.0 else 0.0
