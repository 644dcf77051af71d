"""The C loop of `conversation.c`, compiled by the machine's own compiler and filled with a game."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gtalign_env.core.moves import UserMove
from gtalign_env.core.rules import effort
from gtalign_env.core.spec import GameSpec
from gtalign_env.draws import stream_key
from gtalign_env.envs.observe import ENTRIES, INTERPRETATIONS_AT, PRICE_AT, regime_entries
from gtalign_env.persona import UserType

NAMES = [entry.name for entry in ENTRIES]
I64, D = ctypes.c_int64, ctypes.c_double


class Game(ctypes.Structure):
    """`Game` of the C source."""

    _fields_ = [
        ("price", I64 * 4), ("cost", I64 * 4), ("budget", I64), ("system", I64), ("reasoning", I64),
        ("comfort", I64), ("tolerance", I64), ("persistence", I64), ("limit", I64), ("style", I64),
        ("message", I64 * 6), ("output", I64 * 7), ("margin", D), ("retention", D), ("churn", D),
        ("p_correct", D), ("clarity", D), ("covers", D * 3), ("quality", D * 3), ("value", D),
        ("harm", D), ("conciseness", D), ("annoyance", D), ("effort", D * 6), ("sensitivity", D),
        ("discount", D), ("outside", D), ("p_vague", D), ("fixed", ctypes.c_float * 64),
        ("entries", I64), ("at_said", I64), ("at_answered", I64), ("at_informed", I64), ("at_style", I64),
        ("at_questions", I64),
    ]  # fmt: skip


def filled(spec: GameSpec, who: UserType) -> Game:
    """Return a game with one type and a price by the token as the C source reads it."""
    numbers, tariff, means = spec.numbers, spec.numbers.tariff, spec.means
    fixed = np.zeros(64, np.float32)
    fixed[PRICE_AT:INTERPRETATIONS_AT] = regime_entries(spec.regime)
    fixed[INTERPRETATIONS_AT] = 1.0 / spec.interpretations
    return Game(
        price=tuple(tariff[:4]), cost=tuple(numbers.cost), budget=who.budget,
        system=means.system, reasoning=means.reasoning, comfort=who.comfort_tokens,
        tolerance=who.tolerance, persistence=who.persistence, limit=spec.max_exchanges,
        style=who.style, message=means.messages, output=means.outputs,
        margin=numbers.margin_weight, retention=numbers.retention, churn=numbers.churn,
        p_correct=numbers.p_correct, clarity=numbers.reply_clarity, covers=numbers.covers,
        quality=numbers.quality, value=who.value, harm=who.harm, conciseness=who.conciseness,
        annoyance=who.annoyance, effort=tuple(effort(who, move) for move in UserMove),
        sensitivity=who.price_sensitivity, discount=who.discount, outside=who.outside_option,
        p_vague=0.5, fixed=tuple(fixed.tolist()), entries=len(ENTRIES),
        at_said=NAMES.index("user VQ"), at_answered=NAMES.index("assistant DA:concise"),
        at_informed=NAMES.index("informed"), at_style=NAMES.index("style plain"),
        at_questions=NAMES.index("questions"),
    )  # fmt: skip


class CLoop:
    """A batch of conversations stepped in C.

    Args:
        spec: A game with one type, constant lengths, and a price by the token.
        n: How many.
        seed: Of the first; the others follow.
    """

    def __init__(self, spec: GameSpec, n: int, seed: int = 0) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise SystemExit("the C loop needs a compiler `cc`")
        self._folder = tempfile.TemporaryDirectory()
        built = Path(self._folder.name) / "conversation.so"
        source = Path(__file__).with_name("conversation.c")
        flags = ["-O3", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, "-o", str(built), str(source), "-lm"], check=True)
        self._library = library = ctypes.CDLL(str(built))
        library.size_of_talk.restype = ctypes.c_int64
        ((_, who),) = spec.population.types(1)
        self._game, self._n = filled(spec, who), n
        self._talks = np.zeros(n * library.size_of_talk(), np.uint8)
        self.seen = np.zeros((n, len(ENTRIES)), np.float32)
        self.rewards = np.zeros(n)
        self.terminated, self.truncated = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        keys = np.array([stream_key(spec.digest, seed + i) for i in range(n)], np.uint64)
        library.start(
            ctypes.byref(self._game), at(self._talks), at(keys), at(self.seen), ctypes.c_int64(n)
        )

    def stepper(self, actions: list[np.ndarray]) -> Callable[[], int]:
        """Return a function that steps the batch once and returns how many steps that was."""
        calls = [
            (
                ctypes.byref(self._game), at(self._talks), at(moves), at(self.seen),
                at(self.rewards), at(self.terminated), at(self.truncated), ctypes.c_int64(self._n),
            )
            for moves in actions
        ]  # fmt: skip
        count, kept = 0, actions  # kept alive: the calls hold addresses only

        def step() -> int:
            nonlocal count
            self._library.step(*calls[count % len(kept)])
            count += 1
            return self._n

        return step


def at(array: np.ndarray) -> ctypes.c_void_p:
    """Return where an array lies."""
    return ctypes.c_void_p(array.ctypes.data)
