"""Numbers agree with the word that they count."""

from __future__ import annotations

import pytest

from gtalign_env.words import plural


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1 point"),
        (1.0, "1 point"),
        (0, "0 points"),
        (0.5, "0.5 points"),
        (-1.0, "-1 points"),
        (1200, "1,200 points"),
    ],
)
def test_one_has_its_own_word(number: float, said: str) -> None:
    assert plural(number, "point") == said


def test_a_word_may_have_a_plural_of_its_own() -> None:
    assert plural(2, "move was", "moves were") == "2 moves were"
