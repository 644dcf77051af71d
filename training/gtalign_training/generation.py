"""Batched sampling from a Hugging Face model, for evaluation."""

from __future__ import annotations

from typing import Any

from gtalign_training.chat import Tokens
from gtalign_training.rollouts import Generate


def sampler(
    model: Any, tokenizer: Any, *, turn_tokens: int, temperature: float, seed: int, batch: int = 256
) -> Generate:
    """Return a function that continues batches of sequences.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        turn_tokens: Longest continuation, tokens.
        temperature: Of sampling; 0 is greedy.
        seed: Seed of the sampling; the process's own random state is left alone.
        batch: Most sequences at once.
    """
    import torch

    generator_state = torch.Generator().manual_seed(seed).get_state()

    def generate(sequences: list[Tokens]) -> list[Tokens]:
        nonlocal generator_state
        out: list[Tokens] = []
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            torch.set_rng_state(generator_state)
            if devices:  # a CUDA generator has its own state: each call's seed is drawn from ours
                torch.cuda.manual_seed(_drawn_seed())
            for start in range(0, len(sequences), batch):
                out += _continue(
                    model, tokenizer, sequences[start : start + batch], turn_tokens, temperature
                )
            torch.rand(1)  # a batch of nothing still moves on
            generator_state = torch.get_rng_state()
        return out

    return generate


def _continue(
    model: Any, tokenizer: Any, sequences: list[Tokens], turn_tokens: int, temperature: float
) -> list[Tokens]:
    import torch

    longest = max(len(sequence) for sequence in sequences)
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(s)) + s for s in sequences])
    attention = torch.tensor([[0] * (longest - len(s)) + [1] * len(s) for s in sequences])
    sampling = (
        {"do_sample": True, "temperature": temperature, "top_k": 0}
        if temperature
        else {"do_sample": False}
    )
    training = model.training
    model.eval()
    written = model.generate(
        input_ids=ids.to(model.device),
        attention_mask=attention.to(model.device),
        max_new_tokens=turn_tokens,
        pad_token_id=pad,
        eos_token_id=tokenizer.eos_token_id,
        **sampling,
    )[:, longest:].tolist()
    model.train(training)
    return [_until_end(row, tokenizer.eos_token_id) for row in written]


def _drawn_seed() -> int:
    """Return a seed drawn from the process's generator: another one at every call."""
    import torch

    return int(torch.randint(2**62, (1,)))


def _until_end(tokens: Tokens, end: int) -> Tokens:
    return tokens[: tokens.index(end) + 1] if end in tokens else tokens
