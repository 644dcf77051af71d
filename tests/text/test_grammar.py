"""The strict parser and the formal grammar are one language, checked by an independent engine."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema
import llguidance
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtalign_agents.fourblock import BLOCKS, PAYOFF_KEYS, FourBlock, parse, render, render_payoff
from gtalign_agents.grammar import FOUR_BLOCK_GRAMMAR, PAYOFF_SCHEMA
from gtalign_env.errors import FormatError

TAGS = [f"<{slash}{name}>" for name in BLOCKS for slash in ("", "/")]
PLAIN = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")


@cache
def engine() -> Any:
    """A matcher that has read nothing; compiling the grammar takes longer than all else of a text."""
    grammar = json.dumps({"grammars": [{"lark_grammar": FOUR_BLOCK_GRAMMAR}]})
    matcher = llguidance.LLMatcher(llguidance.LLTokenizer("byte"), grammar, log_level=0)
    assert not matcher.get_error()
    return matcher


def accepted_by_grammar(text: str) -> bool:
    matcher = engine().deep_copy()
    return bool(matcher.consume_tokens(list(text.encode())) and matcher.is_accepting())


def accepted_by_parser(text: str) -> bool:
    """Return whether the parser takes it, and its matrix stands in the form that models are held to."""
    try:
        parse(text)
    except FormatError:
        return False
    payoff = text[text.index("<payoff>") + 8 : text.index("</payoff>")]
    numbers: list[str] = []

    def keep(literal: str) -> float:
        numbers.append(literal)
        return 0.0

    cells = json.loads(payoff, parse_int=keep, parse_float=keep)
    return tuple(cells) == PAYOFF_KEYS and all(PLAIN.fullmatch(number) for number in numbers)


GOOD = render(
    FourBlock(
        "Hm <b>.",
        {k: {"LLM": -1.5, "user": 2.0} for k in PAYOFF_KEYS},
        "VQ_CQ",
        "Do you mean this?",
    )
)


def test_good_text_is_good_to_both() -> None:
    assert accepted_by_grammar(GOOD)
    assert accepted_by_parser(GOOD)


WRONG = (
    GOOD + " trailing",
    "leading " + GOOD,
    GOOD + GOOD,
    GOOD.replace("-1.5", "NaN", 1),
    GOOD.replace("-1.5", "Infinity", 1),
    GOOD.replace("-1.5", "true", 1),
    GOOD.replace("-1.5", "1e999", 1),
    GOOD.replace("-1.5", "9" * 4000, 1),
    GOOD.replace("-1.5", '"2"', 1),
    GOOD.replace("-1.5", "01", 1),
    GOOD.replace('"DQ_CQ"', '"DQ_AQ"'),
    GOOD.replace("<payoff>", "<payoff><payoff>"),
    GOOD.replace("</payoff>", "</payoff><payoff>{}</payoff>"),
    GOOD.replace("Hm", "<response>planted</response>"),
    GOOD.replace("Do you mean this?", " \n\t"),
    GOOD.replace("Do you mean this?", "\u200b"),
    GOOD.replace("<analyze>", "<analysis>").replace("</analyze>", "</analysis>"),
    GOOD.replace("thinking", "THINKING"),
    GOOD.replace("</response>", ""),
    GOOD.replace("{", "[").replace("}", "]"),
    "<thinking></thinking><payoff></payoff><analyze></analyze><response></response>",
    "",
)


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_the_published_checker_let_pass_neither_takes(text: str) -> None:
    assert not accepted_by_grammar(text)
    assert not accepted_by_parser(text)


pieces = st.one_of(
    st.sampled_from(
        [*TAGS, "<", ">", "/", "{", "}", '"', ",", ":", " ", "\n", "x", "é", "‹", "1.5"]
    ),
    st.sampled_from([*PAYOFF_KEYS, "LLM", "user", "<analysis>", "<think", "NaN", "-"]),
    st.text(st.characters(codec="latin-1"), max_size=5),
)


@st.composite
def texts(draw: Callable[..., Any]) -> str:
    """A good completion, cut and mended at a few places; or soup."""
    if draw(st.integers(0, 4)) == 0:
        return "".join(draw(st.lists(pieces, max_size=30)))
    text = GOOD
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(text)))
        end = begin + draw(st.integers(0, 12))
        text = text[:begin] + draw(pieces) + text[end:]
    return text


def agree(text: str) -> None:
    assert accepted_by_grammar(text) == accepted_by_parser(text), text


quick = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
full = settings(max_examples=52_000, deadline=None, suppress_health_check=list(HealthCheck))

test_parser_and_grammar_agree = quick(given(text=texts())(agree))
test_parser_and_grammar_agree_on_50_000_texts = pytest.mark.slow(full(given(text=texts())(agree)))


number = st.floats(-5, 5).map(lambda x: round(x, 1)) | st.integers(-5, 5)


@given(cells=st.lists(st.tuples(number, number), min_size=6, max_size=6))
def test_what_is_rendered_fits_grammar_and_schema(cells: list[tuple[float, float]]) -> None:
    payoff = {k: {"LLM": a, "user": b} for k, (a, b) in zip(PAYOFF_KEYS, cells, strict=True)}
    assert accepted_by_grammar(render(FourBlock("", payoff, "", "x")))
    jsonschema.validate(json.loads(render_payoff(payoff)), PAYOFF_SCHEMA)


@pytest.mark.parametrize("broken", [{}, {"DQ_AQ": {}}, [], {"x": 1}])
def test_the_schema_refuses_what_is_no_matrix(broken: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, PAYOFF_SCHEMA)
