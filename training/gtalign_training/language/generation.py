"""Batched sampling from a Hugging Face model, for evaluation; with its matrices edited, if asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gtalign_agents.steering import Edit, steer
from gtalign_training.language.chat import Tokens
from gtalign_training.language.rollouts import Generate

MATRIX_END = "</payoff>"
"""Where a turn is halted whose matrix is to be edited."""


def sampler(
    model: Any,
    tokenizer: Any,
    *,
    turn_tokens: int,
    temperature: float,
    seed: int,
    batch: int = 256,
    edit: Edit | None = None,
) -> Generate:
    """Return a function that continues batches of sequences.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        turn_tokens: Longest continuation, tokens.
        temperature: Of sampling; 0 is greedy.
        seed: Seed of the sampling; the process's own random state is left alone.
        batch: Most sequences at once.
        edit: Halt every turn at its matrix, and let it go on from the edited one; see
            `gtalign_agents.steering`. An edit by nothing is the control: halted, and unchanged.
    """
    import torch

    write = partial(_continue, model, tokenizer, turn_tokens=turn_tokens, temperature=temperature)
    if edit is not None:
        write = partial(_steered, write, tokenizer, edit)

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
                out += write(sequences[start : start + batch])
            torch.rand(1)  # a batch of nothing still moves on
            generator_state = torch.get_rng_state()
        return out

    return generate


def _steered(
    write: Callable[..., list[Tokens]], tokenizer: Any, edit: Edit, sequences: list[Tokens]
) -> list[Tokens]:
    out: list[Tokens] = []
    for begun in write(sequences, until=MATRIX_END):
        text = tokenizer.decode(begun, skip_special_tokens=False)
        halted, end, _ = text.partition(MATRIX_END)
        if end and begun[-1] == tokenizer.eos_token_id:  # where it stands for padding too
            begun = begun[:-1]
        steered = steer(halted + end, edit).text if end else text
        # what no edit has changed keeps its tokens, whichever way its text would be cut anew
        out.append(
            begun if steered == text else tokenizer.encode(steered, add_special_tokens=False)
        )
    live = [i for i, row in enumerate(out) if not row or row[-1] != tokenizer.eos_token_id]
    if live:
        rest = write([sequences[i] + out[i] for i in live])
        for i, row in zip(live, rest, strict=True):
            out[i] = out[i] + row
    return out


def _continue(
    model: Any,
    tokenizer: Any,
    sequences: list[Tokens],
    *,
    turn_tokens: int,
    temperature: float,
    until: str | None = None,
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
        stopping_criteria=None if until is None else [_written(until, tokenizer, longest)],
        **sampling,
    )[:, longest:].tolist()
    model.train(training)
    return [_until_end(row, tokenizer.eos_token_id, pad) for row in written]


def _written(mark: str, tokenizer: Any, begin: int) -> Any:
    """Return what stops a sequence once it has written a mark.

    Transformers' own criterion (``stop_strings``) cannot read the vocabulary of every tokenizer.

    Args:
        mark: The mark.
        tokenizer: Reads the tokens.
        begin: Where what is written begins, tokens.
    """
    import torch
    from transformers import StoppingCriteria

    class Written(StoppingCriteria):  # type: ignore[misc]  # no types there
        def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Any:
            # a token is a byte at least, and the mark may end inside the last one
            latest = input_ids[:, max(begin, input_ids.shape[1] - len(mark.encode()) - 1) :]
            texts = tokenizer.batch_decode(latest, skip_special_tokens=False)
            return torch.tensor([mark in text for text in texts], device=input_ids.device)

    return Written()


def _drawn_seed() -> int:
    """Return a seed drawn from the process's generator: another one at every call."""
    import torch

    return int(torch.randint(2**62, (1,)))


def _until_end(tokens: Tokens, end: int, pad: int) -> Tokens:
    if end in tokens:
        return tokens[: tokens.index(end) + 1]
    while tokens and tokens[-1] == pad:  # halted earlier than others of the batch
        tokens = tokens[:-1]
    return tokens
