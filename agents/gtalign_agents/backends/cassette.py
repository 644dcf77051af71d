"""Recorded calls: a cassette plays a run again with no server, a cache spares repeated calls.

Both are one SQLite file of JSON values (`call_store`). A call is known by everything that it depends
on: the model's name with its address and version, the whole chat, the sampling, the schema or
grammar, and which of several samples it is. Faults are never stored: what failed may succeed the
next time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from gtalign_agents.backends.call_store import CallStore
from gtalign_agents.backends.chat import ChatModel, Completion, Fault, Outcome, Request
from gtalign_env.errors import RunError
from gtalign_env.pricing import Usage

Mode = Literal["record", "replay", "cache"]
"""``record`` asks the model always and keeps the answers; ``replay`` never asks; ``cache`` asks for
what it does not have."""


class Cassette:
    """A model whose answers are kept, or one that only gives kept answers.

    Args:
        model: The model; None to replay.
        path: The SQLite file; made where it is missing, but for a replay.
        mode: What to do with what is stored.
        name: Name of the model that was recorded; needed to replay without it.

    Raises:
        RunError: The file cannot be opened, is no such file, or is of another format; or it is
            damaged, which a cache sets aside; or a replay has no name to look under.
    """

    def __init__(
        self, model: ChatModel | None, path: Path, mode: Mode = "cache", name: str = ""
    ) -> None:
        if model is None and mode != "replay":
            raise RunError(f"to {mode}, a model is needed; got none")
        self.name = name or (model.name if model is not None else "")
        if not self.name:
            raise RunError("to replay without a model, say the name of the one that was recorded")
        if mode == "replay" and not path.exists():
            raise RunError(f"{path}: there is no recording to replay")
        self.model, self.path, self.mode = model, path, mode
        self.store = CallStore(path, replace_damaged=mode == "cache")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.store.close()

    def __len__(self) -> int:
        return len(self.store)

    def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return one outcome for each request, in order; only what is missing is asked for."""
        keys = [request.key(self.name) for request in requests]
        known: dict[str, Outcome] = {} if self.mode == "record" else self._stored(keys)
        missing = [i for i, key in enumerate(keys) if key not in known]
        if self.model is None or self.mode == "replay":
            absent = Fault("unrecorded", f"no such call stands in {self.path.name}", 0)
            return [known.get(key, absent) for key in keys]
        fresh = self.model.complete([requests[i] for i in missing])
        outcomes = [known.get(key) for key in keys]
        for i, outcome in zip(missing, fresh, strict=True):
            outcomes[i] = outcome
        self.store.put(
            (keys[i], _dump(outcome))
            for i, outcome in zip(missing, fresh, strict=True)
            if isinstance(outcome, Completion)
        )
        return [outcome for outcome in outcomes if outcome is not None]

    def _stored(self, keys: list[str]) -> dict[str, Outcome]:
        return {key: _load(value) for key, value in self.store.get(keys).items()}


def _dump(completion: Completion) -> str:
    # how often it took is not part of the answer
    return json.dumps(asdict(replace(completion, attempts=1)), ensure_ascii=True)


def _load(text: str) -> Completion:
    data = json.loads(text)
    for name in ("token_ids", "logprobs"):
        if data[name] is not None:
            data[name] = tuple(data[name])
    return Completion(**(data | {"usage": Usage(*data["usage"])}))
