"""A Hugging Face model in this process, on a GPU where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib.util import find_spec
from typing import Any

from gtalign_agents.backends.chat import Completion, Fault, Outcome, Request, Sampling
from gtalign_agents.backends.prompt_text import prompt_text, require_chat_template
from gtalign_agents.backends.weights import load_weights
from gtalign_env.errors import MissingExtraError
from gtalign_env.pricing import Usage

UNHELD = "a local model cannot be held to a schema or grammar; vllm: or a server can"


@dataclass  # not frozen: it keeps what it has loaded
class LocalModel:
    """A causal language model with a chat template.

    Requests that sample alike are generated together. Tokens drawn depend on the seed, on the
    requests and on which of them stand in one batch, and on nothing else.

    Attributes:
        path: Folder, or name on the hub.
        batch: Most requests in one batch.
    """

    path: str
    batch: int = 64

    @property
    def name(self) -> str:
        """Path and library version."""
        from transformers import __version__

        return f"local:{self.path}@transformers-{__version__}"

    @cached_property
    def loaded(self) -> tuple[Any, Any]:
        """Model and tokenizer; loaded when first asked for.

        Raises:
            MissingExtraError: torch or transformers is missing.
            RunError: There is no such model, or it has no chat template.
        """
        if any(find_spec(name) is None for name in ("torch", "transformers")):
            raise MissingExtraError("a local model", "train")
        model, tokenizer = load_weights(self.path)
        require_chat_template(tokenizer, self.path)
        return model.eval(), tokenizer

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome for each request, in order."""
        outcomes: dict[int, Outcome] = {}
        for sampling, members in _alike(requests):
            for start in range(0, len(members), self.batch):
                part = members[start : start + self.batch]
                fitting = [
                    i for i in part if requests[i].schema is None and not requests[i].grammar
                ]
                for i in set(part) - set(fitting):
                    outcomes[i] = Fault("refused", UNHELD, 0)
                if fitting:
                    chosen = [requests[i] for i in fitting]
                    outcomes |= zip(fitting, self._generate(chosen, sampling), strict=True)
        return [outcomes[i] for i in range(len(requests))]

    def _generate(self, requests: list[Request], sampling: Sampling) -> list[Outcome]:
        import torch

        model, tokenizer = self.loaded
        prompts = [prompt_text(request, tokenizer) for request in requests]
        inputs = tokenizer(prompts, add_special_tokens=False, padding=True, return_tensors="pt").to(
            model.device
        )
        length = inputs["input_ids"].shape[1]
        drawn: dict[str, Any] = {"do_sample": False}
        if sampling.temperature > 0:
            drawn = {
                "do_sample": True,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": 0,
            }
        if sampling.stop:
            drawn["stopping_criteria"] = [_StopAtText(tokenizer, sampling.stop, length)]
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            torch.manual_seed(_seed(requests, sampling))
            made = model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=sampling.max_tokens,
                pad_token_id=tokenizer.pad_token_id,
                return_dict_in_generate=True,
                output_logits=True,
                **drawn,
            )
        written = made.sequences[:, length:]
        logprobs = torch.stack(made.logits, dim=1).float().log_softmax(dim=-1)
        chosen = logprobs.gather(-1, written.unsqueeze(-1)).squeeze(-1)
        sent = inputs["attention_mask"].sum(dim=1).tolist()
        return [
            self._completion(tokens, values, used, sampling)
            for tokens, values, used in zip(written.tolist(), chosen.tolist(), sent, strict=True)
        ]

    def _completion(
        self, tokens: list[int], logprobs: list[float], sent: int, sampling: Sampling
    ) -> Completion:
        tokenizer = self.loaded[1]
        end = tokenizer.eos_token_id
        ended = end in tokens
        count = tokens.index(end) if ended else len(tokens)
        while not ended and count and tokens[count - 1] == tokenizer.pad_token_id:
            count -= 1  # a row that met a stop text is padded to the length of its batch
        text = tokenizer.decode(tokens[:count], skip_special_tokens=True)
        stopped = ended or any(stop in text for stop in sampling.stop)
        return Completion(
            text=text,
            finish="stop" if stopped else "length",
            usage=Usage(sent, 0, count, 0),
            usage_source="tokenizer",
            model=self.path,
            token_ids=tuple(tokens[:count]),
            logprobs=tuple(logprobs[:count]),
        )


class _StopAtText:
    """Halts each row at the first of some texts.

    The library's own stop texts need a tokenizer that can write any text; this one decodes what was
    written.
    """

    def __init__(self, tokenizer: Any, stop: tuple[str, ...], prompt: int) -> None:
        self.tokenizer, self.stop, self.prompt = tokenizer, stop, prompt
        # a token holds at least one byte, so this many tokens hold any of the texts and one more
        self.tail = max(len(text.encode()) for text in stop) + 1

    def __call__(self, ids: Any, scores: Any, **more: Any) -> Any:
        import torch

        tails = self.tokenizer.batch_decode(ids[:, max(self.prompt, ids.shape[1] - self.tail) :])
        met = [any(text in tail for text in self.stop) for tail in tails]
        return torch.tensor(met, device=ids.device)


def _alike(requests: Sequence[Request]) -> Iterator[tuple[Sampling, list[int]]]:
    groups: dict[Sampling, list[int]] = {}
    for i, request in enumerate(requests):
        groups.setdefault(request.sampling, []).append(i)
    yield from groups.items()


def _seed(requests: list[Request], sampling: Sampling) -> int:
    """Return a seed that depends on what is asked: two batches never share their draws."""
    named = "".join(request.key("") for request in requests)
    digest = blake2b(f"{sampling.seed}:{named}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
