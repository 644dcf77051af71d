"""The few errors of this package: one class per boundary, and the did-you-mean they share.

Messages say what must hold, what came, where, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GTAlignError(Exception):
    """Base of every error raised on purpose by this package."""


class ScenarioError(GTAlignError, ValueError):
    """An authored file, or a name that should lead to one, is not usable."""


class FormatError(GTAlignError, ValueError):
    """A four-block completion breaks the grammar.

    Attributes:
        rule: Short name of the broken rule, such as ``"order"`` or ``"payoff_json"``.
        offset: Position in the text, characters from 0.
    """

    def __init__(self, rule: str, offset: int, message: str) -> None:
        super().__init__(f"{message} (rule {rule!r}, at character {offset})")
        self.rule = rule
        self.offset = offset


class ModelError(GTAlignError):
    """A model, judge or server failed to give an answer: a fault, never a score.

    Attributes:
        kind: What failed, such as ``"timeout"`` or ``"bad_json"``.
        attempts: How often it was tried.
    """

    def __init__(self, message: str, *, kind: str, attempts: int = 1) -> None:
        super().__init__(message)
        self.kind = kind
        self.attempts = attempts


class SolverError(GTAlignError):
    """A game is outside a solver's domain, or a program has no solution."""


class EpisodeError(GTAlignError, RuntimeError):
    """An environment was used out of order, or an illegal move was made."""


class RunError(GTAlignError, RuntimeError):
    """A run folder, recipe or checkpoint cannot be used."""


class MissingExtraError(GTAlignError, ImportError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f'{feature} needs an optional dependency; run: pip install "gtalign-env[{extra}]"'
        )


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that a word is most like, or None where it is like none.

    Args:
        word: What came.
        choices: What is known.
    """
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return near[0] if near else None


def suggest(word: str, choices: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest choice, or an empty string.

    Args:
        word: What came.
        choices: What is known.
    """
    near = nearest(word, choices)
    return "" if near is None else f" Did you mean {near!r}?"
