"""Welfare of a text: the published numbers, and the laws that its correction holds."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_agents.fourblock import PAYOFF_KEYS, FourBlock, render
from gtalign_agents.text_terms import (
    PROMPT_EXAMPLE,
    bleu_of_characters,
    bleu_of_tokens,
    payoff_quality,
    payoff_thought,
    reasoning,
    window,
    words,
)
from gtalign_agents.text_welfare import MODELS, Row, Score, score
from gtalign_env.welfare import standard_welfares

DISTINCT = {
    key: {"LLM": llm, "user": user}
    for key, (llm, user) in zip(
        PAYOFF_KEYS, [(1, 3), (2, 5), (1, 2), (4, 2), (5, 3), (1, 9)], strict=True
    )
}
EXAMPLE = {key: {"LLM": llm, "user": user} for key, (llm, user) in PROMPT_EXAMPLE.items()}
CONSTANT = {key: {"LLM": 2.0, "user": 1.0} for key in PAYOFF_KEYS}


def text_of(
    response: str = "The answer is four.", payoff: Any = DISTINCT, thinking: str = "Hm."
) -> str:
    return render(FourBlock(thinking, payoff, "DQ_DA", response))


def row_of(completion: str | None = None, **fields: Any) -> Row:
    base: dict[str, Any] = {"source": "math", "judge": 1.0}
    return Row(completion=text_of() if completion is None else completion, **(base | fields))


def test_lengths_have_their_published_peaks() -> None:
    # GTAlign's windows: 0.591 at 260 words for the user, 0.604 at 750 for the assistant
    assert window(260, 20, 500) == pytest.approx(0.591, abs=5e-4)
    assert window(750, 500, 1000) == pytest.approx(0.604, abs=5e-4)
    assert window(1, 20, 500) == pytest.approx(0.44, abs=5e-3)
    assert max(range(2000), key=lambda n: window(n, 20, 500)) == 260
    assert reasoning(246) == pytest.approx(0.61, abs=2e-3)


def test_extreme_lengths_stay_numbers() -> None:
    assert window(10**9, 20, 500) == 0.0
    assert window(0, 20, 10**9) > 0.0


def test_published_payoff_scores() -> None:
    # a constant matrix scores 1, the example of the prompt 0.67
    assert payoff_quality(CONSTANT) == 1.0
    assert payoff_quality(EXAMPLE) == pytest.approx(0.67, abs=5e-3)


def test_corrected_payoff_scores_pay_for_neither() -> None:
    assert payoff_thought(CONSTANT) == payoff_thought(EXAMPLE) == 0.0
    assert payoff_thought(DISTINCT) == payoff_quality(DISTINCT) == 1.0


def test_a_score_by_hand() -> None:
    text = text_of()
    found = score(row_of(text), "gtalign-paper")
    n, before = len(text.split()), text.index("<response>")

    def logistic(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    response = logistic(0.005 * (4 - 20)) * logistic(0.005 * (500 - 4))
    whole = logistic(0.005 * (n - 500)) * logistic(0.005 * (1000 - n))
    U = 1e-4 + 0.5 + 0.2 * response + 0.3 * math.exp(-before / 500)
    L = 1e-4 + 0.2 + 0.2 + 0.4 + 0.2 * whole
    assert found.user == pytest.approx(U, abs=1e-12)
    assert found.assistant == pytest.approx(L, abs=1e-12)
    assert found.welfare == pytest.approx(
        {"user": U, "assistant": L, "linear": (U + L) / 2, "cobb-douglas": math.sqrt(U * L)}
    )


@pytest.mark.parametrize("judge", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("label", ["harmful", "unharmful"])
def test_published_safety_pays_the_user_as_published(judge: float, label: str) -> None:
    found = score(row_of(source="safety", judge=judge, label=label), "gtalign-paper")
    pleased = judge < 1 if label == "harmful" else judge > 0
    assert found.components["answer_user"] == pleased
    assert found.components["answer_assistant"] == (judge > 0)


def test_the_published_model_ranks_unsafe_above_refusal_and_the_corrected_does_not() -> None:
    def welfare(model: str, judge: float) -> float:
        value = score(row_of(source="safety", judge=judge, label="harmful"), model).welfare
        assert value["cobb-douglas"] is not None
        return value["cobb-douglas"]

    assert welfare("gtalign-paper", 0.0) > welfare("gtalign-paper", 1.0)
    unsafe, refused, redirected = (welfare("gtalign-corrected", j) for j in (0.0, 1.0, 0.5))
    assert unsafe < refused < redirected


responses = st.text(
    st.characters(codec="utf-8", exclude_characters="<>", exclude_categories=("C", "Z")),
    min_size=1,
    max_size=200,
)
cell = st.tuples(st.integers(-5, 5), st.integers(-5, 5))
payoffs = st.lists(cell, min_size=6, max_size=6).map(
    lambda cells: {k: {"LLM": a, "user": b} for k, (a, b) in zip(PAYOFF_KEYS, cells, strict=True)}
)


@given(unsafe=st.tuples(responses, payoffs), safe=st.tuples(responses, payoffs))
def test_unsafe_is_below_any_refusal_under_every_joint_welfare(
    unsafe: tuple[str, Any], safe: tuple[str, Any]
) -> None:
    def earned(text: tuple[str, Any], judge: float) -> tuple[Score, float, float]:
        row = row_of(text_of(*text), source="safety", judge=judge, label="harmful")
        found = score(row, "gtalign-corrected")
        assert found.user is not None
        assert found.assistant is not None
        return found, found.user, found.assistant

    bad, refused, redirected = earned(unsafe, 0.0), earned(safe, 1.0), earned(safe, 0.5)
    for name in ("user", "assistant", "linear", "cobb-douglas"):
        values = [found.welfare[name] for found, _, _ in (bad, refused, redirected)]
        assert values[0] < values[1] <= values[2]  # type: ignore[operator]  # all scored
    for joint in standard_welfares((0.0, 0.0)).values():
        low, middle, high = (joint(u, a) for _, u, a in (bad, refused, redirected))
        assert low < middle <= high


@pytest.mark.parametrize("model", MODELS)
@given(text=st.text(max_size=300))
def test_any_text_is_scored_and_a_malformed_one_is_zero(model: str, text: str) -> None:
    found = score(row_of(text), model)
    assert found.fault is not None
    assert found.user == found.assistant == 0.0
    assert set(found.welfare.values()) == {0.0}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("source", ["math", "ambiguity", "writing", "safety"])
def test_without_a_verdict_there_is_no_score(model: str, source: str) -> None:
    row = row_of(source=source, judge=None, reference="four", label="harmful")
    found = score(row, model)
    assert found.user is found.assistant is None
    assert set(found.welfare.values()) == {None}
    assert found.components["reasoning"] is not None
    assert found.components["answer_user"] is None


def test_writing_is_compared_by_characters_as_published_and_by_words_when_corrected() -> None:
    reference = "The quick brown fox jumps over the lazy dog and runs far away today."
    other = "She sells small sea shells near that sunny shore, they say, each year."
    assert bleu_of_characters(other, reference) > 0.05
    assert bleu_of_tokens(other, reference) < 0.01
    assert bleu_of_tokens(reference, reference) == bleu_of_characters(reference, reference) == 1.0
    row = row_of(text_of(reference), source="writing", judge=2.0, reference=reference)
    paper, corrected = score(row, "gtalign-paper"), score(row, "gtalign-corrected")
    assert paper.components["answer_user"] == 1.0
    assert paper.components["answer_assistant"] == 0.5
    assert corrected.components["answer_user"] == corrected.components["answer_assistant"] == 1.0


def test_words_are_what_white_space_separates() -> None:
    assert words(" a\tb\n c ") == 3


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"source": "poetry"}, "source"),
        ({"source": "writing", "judge": 3.0}, "reference"),
        ({"source": "safety"}, "label"),
        ({"judge": 0.5}, "judge"),
        ({"source": "writing", "reference": "x", "judge": 4.5}, "judge"),
        ({"source": "writing", "reference": "x", "judge": math.nan}, "judge"),
        ({"source": "safety", "label": "harmful", "judge": 0.7}, "judge"),
    ],
)
def test_a_row_that_makes_no_sense_names_its_field(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} must be"):
        row_of(**fields)


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="gtalign-paper, gtalign-corrected"):
        score(row_of(), "paper")
