"""The terms that a text's welfare is made of: lengths, reasoning, payoff matrix, BLEU.

Each is a pure function of the text and has one unit; `text_welfare` weighs them. Lengths are
counted as the published code counts them: words are what white space separates.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping

from gtalign_agents.fourblock import PAYOFF_KEYS
from gtalign_env.errors import MissingExtraError

WINDOW_SLOPE = 0.005  # per word; GTAlign, recipe/gamellm/tasks/format.py
REASONING_SCALE = 500.0  # characters after which the reasoning term is 1/e; ibid.
LARGE_GAP = 0.1  # share of the larger size beyond which two payoffs of a cell clearly differ; ibid.

PROMPT_EXAMPLE: Mapping[str, tuple[float, float]] = {
    "DQ_AQ": (2.2, 1.9),
    "DQ_CQ": (3.1, 3.5),
    "DQ_DA": (4.2, 4.3),
    "VQ_AQ": (2.0, 2.1),
    "VQ_CQ": (1.3, 1.2),
    "VQ_DA": (2.0, 1.8),
}
"""The matrix (LLM, user) of the published prompt's worked example; copying it shows no thought."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


def words(text: str) -> int:
    """Return the number of words, as separated by white space."""
    return len(text.split())


def window(count: float, low: float, high: float) -> float:
    """Return how well a length fits between two bounds: σ(k(n − low))·σ(k(high − n)), in (0, 1).

    With these bounds and slopes it never reaches 1: 0.591 at best for (20, 500), 0.604 for
    (500, 1000).

    Args:
        count: The length n, words.
        low: Lower bound, words.
        high: Upper bound, words.

    References:
        GTAlign (2025), arXiv:2510.08872, public code, length regularisation.
    """
    return _logistic(WINDOW_SLOPE * (count - low)) * _logistic(WINDOW_SLOPE * (high - count))


def reasoning(characters: int) -> float:
    """Return what is left of the user's patience: exp(−characters / 500), in (0, 1].

    Args:
        characters: Written before ``<response>``.
    """
    return math.exp(-characters / REASONING_SCALE)


def payoff_quality(payoff: Mapping[str, Mapping[str, float]]) -> float:
    """Return the published score of a written matrix, in [0, 1].

    A twelfth for each of six cells whose two payoffs differ, and another where they differ by more
    than a tenth of the larger size. Nothing else is asked: a constant matrix scores 1.

    Args:
        payoff: Cell to side to payoff, as `fourblock.parse` returns it.
    """
    twelfths = 0
    for key in PAYOFF_KEYS:
        user, assistant = payoff[key]["user"], payoff[key]["LLM"]
        gap = abs(user - assistant) / max(abs(user), abs(assistant), 1e-8)
        twelfths += (user != assistant) + (gap > LARGE_GAP)
    return twelfths / 12


def payoff_thought(payoff: Mapping[str, Mapping[str, float]]) -> float:
    """Return the corrected score of a written matrix, in [0, 1].

    The published score, times the share of cells that tell something new: distinct cells beyond the
    first, over five. So a constant matrix scores 0, and so does the example of the prompt.

    Args:
        payoff: Cell to side to payoff, as `fourblock.parse` returns it.
    """
    cells = {key: (payoff[key]["LLM"], payoff[key]["user"]) for key in PAYOFF_KEYS}
    if cells == PROMPT_EXAMPLE:
        return 0.0
    return payoff_quality(payoff) * (len(set(cells.values())) - 1) / (len(PAYOFF_KEYS) - 1)


def bleu_of_characters(text: str, reference: str) -> float:
    """Return BLEU of two raw strings: NLTK then compares characters, as the published code does.

    Two unrelated articles of one length score about 0.4 so.

    Raises:
        MissingExtraError: nltk is not installed.
    """
    return _bleu(list(text), list(reference))


def bleu_of_tokens(text: str, reference: str) -> float:
    """Return BLEU of words and punctuation marks, lower case.

    Args:
        text: What was written.
        reference: What it is compared with.

    Raises:
        MissingExtraError: nltk is not installed.

    References:
        Papineni, Roukos, Ward and Zhu (2002), "BLEU: a method for automatic evaluation of machine
        translation".
    """
    return _bleu(_TOKEN.findall(text.lower()), _TOKEN.findall(reference.lower()))


def _bleu(text: list[str], reference: list[str]) -> float:
    try:
        from nltk.translate.bleu_score import sentence_bleu
    except ImportError as error:
        raise MissingExtraError("the welfare of writing", "text") from error
    with warnings.catch_warnings():
        # it warns where no 4-gram is shared; the score is then as good as 0, which is meant
        warnings.simplefilter("ignore", UserWarning)
        return float(sentence_bleu([reference], text))


def _logistic(x: float) -> float:
    # both forms are exact; each is used where its exponential cannot overflow
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    return math.exp(x) / (1.0 + math.exp(x))
