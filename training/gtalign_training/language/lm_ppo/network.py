"""Actor and critic: a causal language model, and a value of every state in which it writes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from gtalign_training.recipe.language import LmPpoModel

if TYPE_CHECKING:
    from torch import Tensor


class Judged(NamedTuple):
    """What actor and critic say of given tokens, each of shape ``(B, T)``; 0 outside the mask.

    Attributes:
        logprobs: Of the tokens, nats.
        entropy: Of the choice at each, nats.
        values: Expected reward to go before each, points.
    """

    logprobs: Tensor
    entropy: Tensor
    values: Tensor


class ActorCritic:
    """A language model and its critic.

    The critic is a second model, begun as a copy of the first, or a head on the first; its last
    layer begins at 0, so that nothing is expected before anything was seen.

    Args:
        model: The language model.
        ppo: The recipe's section.

    Attributes:
        model: The language model.
        head: From a state's vector to its value.
        backbone: The second model, or None where the critic is shared.
    """

    def __init__(self, model: Any, ppo: LmPpoModel) -> None:
        import torch

        self.model = model
        self.temperature = ppo.temperature
        self.backbone = copy.deepcopy(model.base_model) if ppo.critic == "separate" else None
        self.head = torch.nn.Linear(
            model.config.get_text_config().hidden_size, 1, device=model.device, dtype=torch.float32
        )
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def groups(self, ppo: LmPpoModel) -> list[dict[str, Any]]:
        """Return the parameters with their peak rates, for an optimiser."""
        critic = list(self.head.parameters())
        if self.backbone is not None:
            critic += list(self.backbone.parameters())
        return [
            {"params": list(self.model.parameters()), "lr": ppo.learning_rate},
            {"params": critic, "lr": ppo.critic_rate},
        ]

    def parts(self) -> dict[str, Any]:
        """Return the modules by name, for a checkpoint."""
        parts = {"policy": self.model, "head": self.head}
        return parts if self.backbone is None else {**parts, "critic": self.backbone}

    def judge(self, tokens: Tensor, attention: Tensor, mask: Tensor) -> Judged:
        """Return what actor and critic say of tokens.

        Only the states in which the model itself wrote are carried to the vocabulary.

        Args:
            tokens: Shape ``(B, T)``.
            attention: 1 where there is a token, shape ``(B, T)``.
            mask: 1 where the model wrote it, shape ``(B, T)``; never at the first.
        """
        own = mask[:, 1:].bool()
        states = self.model.base_model(
            input_ids=tokens, attention_mask=attention, use_cache=False
        ).last_hidden_state[:, :-1]
        chosen = states[own]
        logits = self.model.get_output_embeddings()(chosen).float() / self.temperature
        logprobs = logits.log_softmax(dim=-1)
        written = logprobs.gather(-1, tokens[:, 1:][own].unsqueeze(-1)).squeeze(-1)
        entropy = -(logprobs.exp() * logprobs).sum(dim=-1)
        if self.backbone is not None:
            chosen = self.backbone(
                input_ids=tokens, attention_mask=attention, use_cache=False
            ).last_hidden_state[:, :-1][own]
        values = self.head(chosen.float()).squeeze(-1)
        return Judged(*(_back(part, own) for part in (written, entropy, values)))

    def logprobs(self, tokens: Tensor, attention: Tensor, mask: Tensor) -> Tensor:
        """Return the log-probabilities of tokens alone, shape ``(B, T)``, nats."""
        return self.judge(tokens, attention, mask).logprobs


def _back(values: Tensor, own: Tensor) -> Tensor:
    """Return values of shape ``(B, T)`` at the places they were taken from; 0 elsewhere."""
    import torch

    inner = torch.zeros(own.shape, dtype=values.dtype, device=values.device)
    inner = inner.masked_scatter(own, values)
    return torch.nn.functional.pad(inner, (1, 0))
