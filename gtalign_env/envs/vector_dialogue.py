"""`gtalign/Dialogue-v0` as a vector environment: texts stay texts, and speakers are asked together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Condition
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from gtalign_env.envs.dialogue import DialogueEnv
from gtalign_env.envs.dialogue_aec import TextObservation
from gtalign_env.envs.vector import row_seeds

Speakers = Callable[[list[TextObservation]], Sequence[str]]
"""Seats that speak together: maps what each sees to what each says; `ModelError` is a fault of all."""


class DialogueVectorEnv(SyncVectorEnv):
    """Many talks at once, one seat each; the other seats may be asked in batches.

    ## Description
    As `gtalign/Dialogue-v0`, one environment a row.

    ## Action Space
    ``Tuple`` of ``Utterance``: a text a row.

    ## Observation Space
    ``Dict(observation: Box(-1, 1, (num_envs, 57)), action_mask: Box(0, 1, (num_envs, 7), int8),
    text: Tuple)``; texts are strings of any length.

    ## Rewards
    As the single environment, shape ``(num_envs,)``.

    ## Starting State
    As the single environment. ``reset(seed=s)`` seeds row i with ``s + i``, a list row by row.

    ## Episode End
    As `gymnasium.vector.SyncVectorEnv`, by ``autoreset_mode``.

    ## Arguments
    As the single environment, and: ``num_envs``. ``autoreset_mode``. ``speakers``: in place of
    ``opponent``, a callable that is handed what all waiting seats see and returns what each says, so
    that a model server gets one batch a turn and not one call after the other. With it
    ``autoreset_mode`` is "NextStep" or "Disabled".

    ## Version History
    v0: first version.
    """

    def __init__(
        self,
        num_envs: int = 1,
        speakers: Speakers | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        **arguments: Any,
    ) -> None:
        self._desk = None if speakers is None else _Desk(speakers, num_envs)
        if self._desk is not None:
            if arguments.get("opponent") is not None:
                raise ValueError("the other seats are played by speakers or by opponent, not both")
            if AutoresetMode(autoreset_mode) is AutoresetMode.SAME_STEP:
                raise ValueError("with speakers, autoreset_mode is 'NextStep' or 'Disabled'")
            arguments["opponent"] = self._desk.ask
        super().__init__(
            [lambda: _Ahead(DialogueEnv(**arguments))] * num_envs, autoreset_mode=autoreset_mode
        )

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every row, or in some; see `gymnasium.vector.SyncVectorEnv.reset`.

        Args:
            seed: Row i is seeded with ``seed + i``, or with its entry of a list.
            options: ``{"episode": n}`` begins the n-th episode; ``{"reset_mask": mask}``, shape
                ``(num_envs,)``, resets these rows only.
        """
        chosen = dict(options or {})
        if self._desk is not None:
            mask = chosen.get("reset_mask", np.ones(self.num_envs, np.bool_))
            rest = {name: value for name, value in chosen.items() if name != "reset_mask"}
            seeds = row_seeds(seed, self.num_envs)
            calls: dict[int, Callable[[], Any]] = {
                i: partial(env.unwrapped.reset, seed=seeds[i], options=rest)
                for i, env in enumerate(self.envs)
                if mask[i]
            }
            self._run(calls)
        return super().reset(seed=seed, options=chosen)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Say something in every row, and hear what the other seats say to it.

        Args:
            actions: A text a row, length ``num_envs``.
        """
        if self._desk is not None:
            said: dict[int, Callable[[], Any]] = {}
            for i, (env, action) in enumerate(zip(self.envs, actions, strict=True)):
                over = self._autoreset_envs[i]
                said[i] = env.unwrapped.reset if over else partial(env.unwrapped.step, action)
            self._run(said)
        return super().step(actions)

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of the threads."""
        if self._desk is not None:
            self._desk.close()
        super().close_extras(**kwargs)

    def _run(self, calls: dict[int, Callable[[], Any]]) -> None:
        """Make the calls of the rows side by side, ahead of Gymnasium's loop over them."""
        assert self._desk is not None
        results = self._desk.serve(list(calls.values()))
        for i, result in zip(calls, results, strict=True):
            env = self.envs[i]
            assert isinstance(env, _Ahead)
            env.result = result


class _Ahead(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment whose next call may have been made already."""

    result: Any = None

    def reset(self, **kwargs: Any) -> Any:
        return super().reset(**kwargs) if self.result is None else self._take()

    def step(self, action: Any) -> Any:
        return super().step(action) if self.result is None else self._take()

    def _take(self) -> Any:
        result, self.result = self.result, None
        return result


class _Desk:
    """Where rows that run side by side wait until all that will speak now can be asked together.

    Args:
        speakers: Who is asked.
        rows: How many rows there may be.
    """

    def __init__(self, speakers: Speakers, rows: int) -> None:
        self._speakers = speakers
        self._pool = ThreadPoolExecutor(rows)
        self._changed = Condition()
        self._waiting: list[tuple[TextObservation, Future[str]]] = []
        self._running = 0

    def ask(self, seen: TextObservation) -> str:
        """Return what a seat says: asked with the others, or alone outside a vector step."""
        answer: Future[str] = Future()
        with self._changed:
            together = self._running > 0
            if together:
                self._waiting.append((seen, answer))
                self._changed.notify()
        return answer.result() if together else self._speakers([seen])[0]

    def serve(self, calls: list[Callable[[], Any]]) -> list[Any]:
        """Return the results of calls that may ask; made side by side."""
        self._running = len(calls)
        futures = [self._pool.submit(self._call, call) for call in calls]
        while self._answer():
            pass
        return [future.result() for future in futures]

    def _call(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def _answer(self) -> bool:
        """Answer all rows once each of them waits or is done; return whether any goes on."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) == self._running)
            asked, self._waiting = self._waiting, []
        if not asked:
            return False
        try:
            texts = list(self._speakers([seen for seen, _ in asked]))
            if len(texts) != len(asked):
                raise ValueError(f"speakers return one text a seat, {len(asked)}; got {len(texts)}")
        except BaseException as error:
            for _, answer in asked:
                answer.set_exception(error)
        else:
            for (_, answer), text in zip(asked, texts, strict=True):
                answer.set_result(text)
        return True

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown()
