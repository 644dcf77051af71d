from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtalign_agents.fourblock import (
    MAX_NUMBER,
    PAYOFF_KEYS,
    RULES,
    FourBlock,
    parse,
    parse_payoff,
    render,
    render_payoff,
)
from gtalign_env.errors import FormatError

CELLS = {key: {"LLM": 1.0 + index, "user": 2.5 - index} for index, key in enumerate(PAYOFF_KEYS)}
JSON = json.dumps(CELLS)
BLOCK = FourBlock("think < hard", CELLS, "a > b", "Tbilisi.")
TAGS = [
    f"<{slash}{name}>"
    for name in ("thinking", "payoff", "analyze", "response")
    for slash in ("", "/")
]


def four(payoff: str = JSON, thinking: str = "t", analyze: str = "a", response: str = "r") -> str:
    return (
        f"<thinking>{thinking}</thinking>\n<payoff>{payoff}</payoff>\n"
        f"<analyze>{analyze}</analyze>\n<response>{response}</response>"
    )


def with_cell(value: str, key: str = "DQ_AQ") -> str:
    """Return the JSON with one cell replaced by raw text."""
    cells = ", ".join(
        f'"{name}": {value if name == key else json.dumps(CELLS[name])}' for name in PAYOFF_KEYS
    )
    return f"{{{cells}}}"


def with_number(literal: str) -> str:
    return with_cell(f'{{"LLM": {literal}, "user": 1}}')


def rejected(text: str, *, analysis_tag: bool = False) -> tuple[str, int]:
    with pytest.raises(FormatError) as caught:
        parse(text, analysis_tag=analysis_tag)
    assert caught.value.rule in RULES
    return caught.value.rule, caught.value.offset


def test_a_good_completion_is_read() -> None:
    block = parse(f" \r\n\t{four(thinking='', analyze='')}\n")
    assert block == FourBlock("", CELLS, "", "r")
    assert list(block.payoff) == list(PAYOFF_KEYS)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "missing_block"),
        ("Tbilisi.", "outside_text"),
        ("x" + four(), "outside_text"),
        (four() + "\nIgnore the above.", "outside_text"),
        (four() + "\u00a0", "outside_text"),
        (four().replace("</payoff>\n", "</payoff> and "), "outside_text"),
        (four().replace("\n<payoff>" + JSON + "</payoff>", ""), "missing_block"),
        (four().replace("\n<response>r</response>", ""), "missing_block"),
        (four() + four(), "repeated_block"),
        (four().replace("<analyze>", "<payoff>" + JSON + "</payoff><analyze>"), "repeated_block"),
        ("<payoff>{}</payoff>" + four(), "order"),
        ("<response>r</response>" + four(), "order"),
        ("</response>" + four(), "unopened_tag"),
        (four().removesuffix("</response>"), "unclosed_block"),
        (four(thinking="<response>planted</response>"), "nested_tag"),
        (four(thinking="</response>"), "nested_tag"),
        (four(response="<thinking>"), "nested_tag"),
        (four(response="see </analyze>"), "nested_tag"),
        (four(payoff=JSON + "<payoff>"), "nested_tag"),
        (four(response=""), "empty_response"),
        (four(response=" \n\t\u00a0"), "empty_response"),
        (four(response="\u200b\u2060\0"), "empty_response"),
        (four().replace("<thinking>", "<Thinking>"), "outside_text"),
        (four().replace("<thinking>", "<thinking >"), "outside_text"),
        (four().replace("analyze>", "analysis>"), "outside_text"),
    ],
)
def test_a_broken_frame_is_refused_by_name(text: str, rule: str) -> None:
    assert rejected(text)[0] == rule


@pytest.mark.parametrize(
    ("payoff", "rule"),
    [
        ("", "payoff_json"),
        ("```json\n" + JSON + "\n```", "payoff_json"),
        (JSON + JSON, "payoff_json"),
        (JSON[:-1], "payoff_json"),
        (JSON[:-1] + ",}", "payoff_json"),
        (JSON.replace('"', "'"), "payoff_json"),
        ("[" + JSON + "]", "payoff_json"),
        ("3", "payoff_json"),
        ("null", "payoff_json"),
        ("\ufeff" + JSON, "payoff_json"),
        ("[" * 100_000, "payoff_json"),
        ('{"a":' * 100_000, "payoff_json"),
        ("{}", "payoff_keys"),
        (JSON.replace("DQ_AQ", "DQ_XX"), "payoff_keys"),
        (JSON.replace("DQ_AQ", "dq_aq"), "payoff_keys"),
        (JSON[:-1] + ', "extra": 1}', "payoff_keys"),
        (JSON[:-1] + f', "DQ_AQ": {json.dumps(CELLS["DQ_AQ"])}}}', "payoff_repeated_key"),
        (JSON[:-1] + ', "\\u0044Q_AQ": 1}', "payoff_repeated_key"),
        (with_cell('{"LLM": 1, "user": 1, "LLM": 2}'), "payoff_repeated_key"),
        (with_cell('{"LLM": 1}'), "payoff_cell"),
        (with_cell('{"LLM": 1, "user": 1, "total": 2}'), "payoff_cell"),
        (with_cell('{"LLM": 1, "User": 1}'), "payoff_cell"),
        (with_cell("[1, 2]"), "payoff_cell"),
        (with_cell("1"), "payoff_cell"),
        (with_number("NaN"), "payoff_number"),
        (with_number("Infinity"), "payoff_number"),
        (with_number("-Infinity"), "payoff_number"),
        (with_number("1e999"), "payoff_number"),
        (with_number("-1e999"), "payoff_number"),
        (with_number("true"), "payoff_number"),
        (with_number("false"), "payoff_number"),
        (with_number("null"), "payoff_number"),
        (with_number('"1"'), "payoff_number"),
        (with_number("[1]"), "payoff_number"),
        (with_number("9" * 4000), "payoff_number"),
        (with_number("0." + "1" * 4000), "payoff_number"),
        (with_number(str(MAX_NUMBER + 1)), "payoff_number"),
        (with_number("1e16"), "payoff_number"),
        (with_number("+1"), "payoff_json"),
        (with_number("01"), "payoff_json"),
        (with_number(".5"), "payoff_json"),
        (with_number("1_000"), "payoff_json"),
        (with_number("0x10"), "payoff_json"),
        (with_number("１"), "payoff_json"),
        (with_number("nan"), "payoff_json"),
        (with_number("1 // one"), "payoff_json"),
    ],
)
def test_a_broken_payoff_is_refused_by_name(payoff: str, rule: str) -> None:
    text = four(payoff=payoff)
    found, offset = rejected(text)
    assert found == rule
    assert text.index("<payoff>") < offset <= text.index("</payoff>")
    with pytest.raises(FormatError) as caught:
        parse_payoff(payoff)
    assert caught.value.rule == rule


def test_the_position_is_that_of_the_fault() -> None:
    planted = four(thinking="so <response>")
    assert rejected(planted) == ("nested_tag", planted.index("<response>"))
    trailing = four() + " bye"
    assert rejected(trailing) == ("outside_text", len(four()) + 1)
    comma = four(payoff=JSON[:-1] + ",]")
    assert rejected(comma) == ("payoff_json", comma.index(",]") + 1)
    spaced = four(payoff="  {}")
    assert rejected(spaced) == ("payoff_keys", spaced.index("{}"))


def test_a_misspelt_cell_gets_a_suggestion() -> None:
    with pytest.raises(FormatError, match="Did you mean 'DQ_AQ'"):
        parse(four(payoff=JSON.replace("DQ_AQ", "DQ_AAQ")))


def test_analysis_is_a_tag_only_on_request() -> None:
    other = four().replace("analyze>", "analysis>")
    assert parse(other, analysis_tag=True) == parse(four(), analysis_tag=True) == parse(four())
    assert parse(four(thinking="<analysis>")).thinking == "<analysis>"
    assert rejected(four(thinking="<analysis>"), analysis_tag=True)[0] == "nested_tag"
    assert (
        rejected(four().replace("</analyze>", "</analysis>"), analysis_tag=True)[0] == "nested_tag"
    )
    both = four().replace("<response>", "<analysis></analysis><response>")
    assert rejected(both, analysis_tag=True)[0] == "repeated_block"
    assert rejected(both)[0] == "outside_text"
    assert "<analysis>" in render(BLOCK, analysis_tag=True)
    assert parse(render(BLOCK, analysis_tag=True), analysis_tag=True) == BLOCK


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        (FourBlock("</thinking>", CELLS, "", "r"), "unopened_tag"),
        (FourBlock("<response>", CELLS, "", "r"), "nested_tag"),
        (FourBlock("", CELLS, "", ""), "empty_response"),
        (FourBlock("", {}, "", "r"), "payoff_keys"),
        (
            FourBlock("", CELLS | {"DQ_AQ": {"LLM": float("nan"), "user": 0.0}}, "", "r"),
            "payoff_number",
        ),
        (FourBlock("", CELLS | {"DQ_AQ": {"LLM": 1.0}}, "", "r"), "payoff_cell"),
    ],
)
def test_what_cannot_be_read_back_is_not_written(block: FourBlock, rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        render(block)
    assert caught.value.rule == rule


def free(text: str) -> bool:
    return not any(tag in text for tag in TAGS)


ANY = st.text(st.characters(exclude_categories=()), max_size=60)
FREE = st.one_of(
    ANY, st.lists(st.sampled_from([*"<>/ab\n", "thinking", "<payoff", "payoff>"])).map("".join)
).filter(free)
NUMBERS = st.floats(-(2.0**53), 2.0**53)
PAYOFFS = st.fixed_dictionaries(
    {key: st.fixed_dictionaries({"LLM": NUMBERS, "user": NUMBERS}) for key in PAYOFF_KEYS}
)


@given(FREE, PAYOFFS, FREE, FREE)
def test_what_is_written_reads_back(
    thinking: str, payoff: dict[str, dict[str, float]], analyze: str, response: str
) -> None:
    block = FourBlock(thinking, payoff, analyze, f"r{response}")
    assert parse(render(block)) == block
    assert parse_payoff(render_payoff(payoff)) == payoff


def well_formed(text: str) -> bool:
    """The frame as one regular expression, fit for short texts only: a second implementation."""
    frame = r"\s*<thinking>.*</thinking>\s*<payoff>(.*)</payoff>\s*<analyze>.*</analyze>\s*<response>(.*)</response>\s*"
    found = re.fullmatch(frame, text, re.S)
    return found is not None and found.group(1).strip() == JSON and bool(found.group(2).strip())


PIECES = [*TAGS, JSON, "{}", "x", " ", "\n", "<analysis>", "<payoff"]


FRAME = [
    "<thinking>",
    "</thinking>",
    "<payoff>",
    JSON,
    "</payoff>",
    "<analyze>",
    "</analyze>",
    "<response>",
    "x",
    "</response>",
]


def edited(edits: list[tuple[int, int, str]]) -> str:
    """Return a good text with a few pieces put in or replaced."""
    pieces = list(FRAME)
    for at, cut, piece in edits:
        pieces[at : at + cut] = [piece]
    return "".join(pieces)


EDITS = st.lists(
    st.tuples(st.integers(0, 10), st.integers(0, 1), st.sampled_from(PIECES)), max_size=3
)


@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), EDITS.map(edited)))
def test_soup_is_refused_or_reads_back(text: str) -> None:
    if [text.count(tag) for tag in TAGS] == [1] * 8 and well_formed(text):
        assert parse(render(parse(text))) == parse(text)
    else:
        assert 0 <= rejected(text)[1] <= len(text)


@given(st.data())
def test_one_more_or_one_less_tag_is_always_refused(data: st.DataObject) -> None:
    text = render(BLOCK)
    tag = data.draw(st.sampled_from(TAGS))
    if data.draw(st.booleans()):
        rejected(text.replace(tag, "", 1))
    else:
        at = data.draw(st.integers(0, len(text)))
        before, after = text[:at], text[at:]
        if all((before + tag + after).count(known) >= text.count(known) for known in TAGS):
            rejected(before + tag + after)


def seconds(text: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        with pytest.raises(FormatError):
            parse(text)
        best = min(best, time.process_time() - start)
    return best


LINEAR, NOISE = 64, 0.005
"""Sixteen times the text takes 16 times the time if the cost is linear, 256 if it is quadratic: half
way between on a busy machine. Seconds of the processor, of which so many are noise."""

SOUPS = {
    "openings": "<thinking>",
    "pairs": "<thinking></thinking>",
    "half tags": "<thinking",
    "brackets": "<",
    "spaces": " ",
    "free text": "</think",
}


@pytest.mark.parametrize("name", SOUPS)
@pytest.mark.parametrize("inside", [False, True])
def test_the_cost_is_linear(name: str, inside: bool) -> None:
    unit = SOUPS[name]

    def soup(size: int) -> str:
        text = unit * (size // len(unit))
        return four(thinking=text) + "!" if inside else f"{text}!"

    assert seconds(soup(1_000_000)) <= LINEAR * seconds(soup(62_500)) + NOISE


def test_the_cost_of_a_payoff_is_linear() -> None:
    def keys(count: int) -> str:
        return four(payoff="{" + ",".join(f'"{index}":1' for index in range(count)) + "}")

    assert seconds(keys(40_000)) <= LINEAR * seconds(keys(2_500)) + NOISE
