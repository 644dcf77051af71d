"""The published checker's wrong acceptances and their relatives; the cost of hostile text."""

from __future__ import annotations

import itertools
import time

import pytest

from gtalign_agents.fourblock import PAYOFF_KEYS, RULES, FourBlock, parse, render
from gtalign_env.errors import FormatError

CELLS = {key: {"LLM": 1.5, "user": 2.0} for key in PAYOFF_KEYS}
GOOD = render(FourBlock("Hm.", CELLS, "VQ_CQ", "Do you mean this?"))
BLOCKS = ("thinking", "payoff", "analyze", "response")
TAGS = [f"<{slash}{name}>" for name in BLOCKS for slash in ("", "/")]
NUMBERS = (
    "NaN", "nan", "-NaN", "Infinity", "-Infinity", "+Infinity", "1e999", "-1e999", "1e400", "true",
    "false", "null", '"1.5"', "[1.5]", "{}", "9" * 4_000, "-" + "9" * 4_000, "0." + "1" * 4_000,
    "01", "+1", ".5", "5.", "0x10", "1_000", "１", "1,5", "1 5", "--1", "1e", "9007199254740993",
)  # fmt: skip


def relatives() -> dict[str, str]:
    """Return texts that are wrong in the ways that were let pass, by what is wrong with them."""
    out: dict[str, str] = {}
    for number, (side, at) in itertools.product(NUMBERS, (("LLM", 0), ("LLM", 3), ("user", 5))):
        cell = f'"{PAYOFF_KEYS[at]}": {{"LLM": 1.5, "user": 2.0}}'
        was = "1.5" if side == "LLM" else "2.0"
        out[f"number {number[:12]} {side} {at}"] = GOOD.replace(cell, cell.replace(was, number))
    for tag, block in itertools.product(TAGS, BLOCKS):
        out[f"{tag} in {block}"] = GOOD.replace(f"<{block}>", f"<{block}>{tag}", 1)
    for tag in TAGS:
        out[f"without {tag}"] = GOOD.replace(tag, "", 1)
        out[f"twice {tag}"] = GOOD.replace(tag, tag + tag, 1)
        out[f"upper {tag}"] = GOOD.replace(tag, tag.upper(), 1)
        out[f"spaced {tag}"] = GOOD.replace(tag, tag.replace(">", " >"), 1)
        out[f"full-width {tag}"] = GOOD.replace(tag, tag.replace("<", "＜"), 1)
    for name in BLOCKS:
        begin = GOOD.index(f"<{name}>")
        end = GOOD.index(f"</{name}>") + len(name) + 3
        block = GOOD[begin:end]
        out[f"{name} left out"] = GOOD.replace(block, "")
        out[f"{name} twice"] = GOOD.replace(block, f"{block}\n{block}")
        out[f"{name} first"] = block + GOOD.replace(block, "") if name != "thinking" else "x" + GOOD
        out[f"text after {name}"] = GOOD.replace(block, f"{block}\nand so")
        out[f"no-break space after {name}"] = GOOD.replace(block, f"{block}\u00a0")
    for key in PAYOFF_KEYS:
        again = f'"{key}": {{"LLM": 1.5, "user": 2.0}}'
        out[f"{key} repeated"] = GOOD.replace("}}</payoff>", "}, " + again + "}</payoff>")
        out[f"{key} missing"] = GOOD.replace(again + ", ", "").replace(", " + again, "")
        out[f"{key} lower"] = GOOD.replace(f'"{key}"', f'"{key.lower()}"')
        out[f"{key} half"] = GOOD.replace(again, f'"{key}": {{"LLM": 1.5}}')
        out[f"{key} more"] = GOOD.replace(again, f'"{key}": {{"LLM": 1, "user": 1, "joint": 2}}')
        out[f"{key} side twice"] = GOOD.replace(
            again, f'"{key}": {{"LLM": 1, "user": 1, "LLM": 2}}'
        )
    for label, json in (("list", "[]"), ("string", '"x"'), ("two", "{}{}"), ("fence", "```{}```")):
        begin, end = GOOD.index("<payoff>") + 8, GOOD.index("</payoff>")
        out[f"payoff is a {label}"] = GOOD[:begin] + json + GOOD[end:]
    out["trailing"] = GOOD + "\n\nI hope this helps!"
    out["twice"] = GOOD + GOOD
    return out


RELATIVES = relatives()


def test_there_are_200_relatives() -> None:
    assert len(RELATIVES) >= 200
    assert len(set(RELATIVES.values())) >= 200
    assert parse(GOOD).response == "Do you mean this?"


@pytest.mark.parametrize("name", RELATIVES)
def test_no_relative_is_accepted_and_its_rule_and_place_are_told(name: str) -> None:
    text = RELATIVES[name]
    assert text != GOOD
    with pytest.raises(FormatError) as refused:
        parse(text)
    assert refused.value.rule in RULES
    assert 0 <= refused.value.offset <= len(text)
    assert refused.value.rule in str(refused.value)


def seconds(text: str) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        with pytest.raises(FormatError):
            parse(text)
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.slow  # absolute times are for a machine that is not busy
@pytest.mark.parametrize(
    "unit", ["<thinking>", "<thinking></thinking>", "<payoff>{", "</", "<thinking>\n<payoff>", " "]
)
def test_a_megabyte_of_soup_takes_a_fifth_of_a_second_and_grows_as_it_does(unit: str) -> None:
    sizes = [1 << 18, 1 << 19, 1 << 20]
    times = [seconds(unit * (size // len(unit)) + "x") for size in sizes]
    assert times[-1] <= 0.2
    # twice the text: twice the time; 2 ms are noise
    for less, more in itertools.pairwise(times):
        assert more <= 2.5 * less + 0.002
