"""`Utterance`: a space that accepts whatever a person or a model writes.

`gymnasium.spaces.Text` refuses every character outside a fixed alphabet, and its asynchronous
vectors return stale strings; a text environment needs neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector.utils import iterate

MAX_MESSAGE = 1_000_000
"""Longest message, characters."""

_WORDS = (
    "yes", "no", "thanks", "the", "planet", "what", "is", "it", "I", "mean", "Do", "you", "?", ".",
    "über", "naïve", "東京", "🙂", "<b>", "{x}", "42", "\n",
)  # fmt: skip


class _Text(Space[str]):
    """A space of texts, by which the vectors of other tools can take a batch apart."""


@iterate.register(_Text)
def _iterate_texts(space: _Text, items: Iterable[str]) -> Iterator[str]:  # type: ignore[misc]  # `Space` is generic there
    # Registered for the parent only: SuperSuit finds it through the order of inheritance, while
    # Gymnasium's own vectors take a tuple of spaces that are registered themselves for another
    # kind of batch.
    return iter(items)


class Utterance(_Text):
    """Any string of at most ``max_length`` characters, the empty one and odd Unicode included.

    Args:
        max_length: Longest text, characters.
        seed: Seed of the space's own sampling.
    """

    def __init__(
        self, max_length: int = MAX_MESSAGE, seed: int | np.random.Generator | None = None
    ) -> None:
        if max_length < 1:
            raise ValueError(f"max_length is at least 1 character; got {max_length}")
        self.max_length = max_length
        super().__init__(dtype=str, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: text does not flatten to a fixed number of numbers."""
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:
        """Return a random short text.

        Args:
            mask: Not used: any text is legal to say, and the game reads a legal move off it.
            probability: Not used, likewise.
        """
        count = int(self.np_random.integers(0, 12))
        picks = self.np_random.integers(0, len(_WORDS), size=count)
        return " ".join(_WORDS[i] for i in picks)[: self.max_length]

    def contains(self, x: Any) -> bool:
        """Return whether ``x`` is a string that is short enough."""
        return isinstance(x, str) and len(x) <= self.max_length

    def to_jsonable(self, sample_n: Iterable[str]) -> list[str]:
        """Return the texts as a list."""
        return list(sample_n)

    def from_jsonable(self, sample_n: list[Any]) -> list[str]:
        """Return the texts read back from JSON."""
        return [str(text) for text in sample_n]

    def __repr__(self) -> str:
        return f"Utterance(max_length={self.max_length})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Utterance) and other.max_length == self.max_length

    def __hash__(self) -> int:
        return hash(("Utterance", self.max_length))
