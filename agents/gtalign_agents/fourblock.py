"""The four-block completion: strict parser and writer.

Grammar: ``<thinking>``, ``<payoff>``, ``<analyze>``, ``<response>``, each once, in this order, each
closed before the next, nothing but white space outside, no tag inside. The payoff is one JSON
object with exactly the six keys of `PAYOFF_KEYS`, each ``{"LLM": number, "user": number}``; numbers
are finite, at most 2^53 in size, never booleans or text, and no key is repeated. Thinking and
analyze may be empty, the response not.

The text is scanned for tags once, so the cost is linear in its length. Only the first fault, from
left to right, is reported.

References:
    GTAlign (2025), arXiv:2510.08872, for the blocks and the six cells.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from gtalign_env.errors import FormatError, suggest

BLOCKS = ("thinking", "payoff", "analyze", "response")

PAYOFF_KEYS = ("DQ_AQ", "DQ_CQ", "DQ_DA", "VQ_AQ", "VQ_CQ", "VQ_DA")
"""One cell per user query and assistant move, in the published order."""

SIDES = ("LLM", "user")

RULES = (
    "outside_text",
    "missing_block",
    "repeated_block",
    "order",
    "unopened_tag",
    "unclosed_block",
    "nested_tag",
    "payoff_json",
    "payoff_repeated_key",
    "payoff_keys",
    "payoff_cell",
    "payoff_number",
    "empty_response",
)
"""Every value of `FormatError.rule`."""

MAX_NUMBER = 2**53
"""Largest size of a payoff: beyond it, doubles skip integers."""

_LITERAL = 64  # characters of a number; reading more is neither needed nor linear
_WHITE = " \t\r\n"
_NOT_WHITE = re.compile(r"[^ \t\r\n]")
_TAG = re.compile(r"<(/?)(thinking|payoff|analyze|response)>")
_TAG_EITHER = re.compile(r"<(/?)(thinking|payoff|analyze|analysis|response)>")

Payoff = dict[str, dict[str, float]]


@dataclass(frozen=True)
class FourBlock:
    """The blocks of a completion, as written.

    Attributes:
        thinking: Free text, may be empty.
        payoff: Cell to side to payoff, points as the model sees them; keys in canonical order.
        analyze: Free text, may be empty.
        response: What the user sees; holds something visible.
    """

    thinking: str
    payoff: Payoff
    analyze: str
    response: str


def parse(text: str, *, analysis_tag: bool = False) -> FourBlock:
    """Return the blocks of a completion.

    Args:
        text: The whole completion, any string.
        analysis_tag: Also accept ``<analysis>`` in place of ``<analyze>``; both are tags then.

    Raises:
        FormatError: The text breaks the grammar; it carries the rule and the position.
    """
    spans = _spans(text, _TAG_EITHER if analysis_tag else _TAG)
    (thinking, payoff, analyze, response) = (text[start:end] for start, end in spans)
    cells = _read_payoff(payoff, spans[1][0])
    visible = response.strip()
    if not any(mark.isprintable() and not mark.isspace() for mark in visible):
        raise FormatError("empty_response", spans[3][0], "<response> must hold visible text")
    return FourBlock(thinking, cells, analyze, response)


def parsed(text: str) -> FourBlock | None:
    """Return the blocks of a completion; None where it is malformed.

    Args:
        text: The whole completion, any string.
    """
    try:
        return parse(text)
    except FormatError:
        return None


def render(block: FourBlock, *, analysis_tag: bool = False) -> str:
    """Return the text of a completion: ``parse(render(block)) == block``.

    Args:
        block: The blocks; integers among the payoffs are written as such.
        analysis_tag: Write ``<analysis>`` in place of ``<analyze>``.

    Raises:
        FormatError: A block holds what the grammar forbids there, at that position of the text.
    """
    third = "analysis" if analysis_tag else "analyze"
    text = "\n".join(
        (
            f"<thinking>{block.thinking}</thinking>",
            f"<payoff>{render_payoff(block.payoff)}</payoff>",
            f"<{third}>{block.analyze}</{third}>",
            f"<response>{block.response}</response>",
        )
    )
    parse(text, analysis_tag=analysis_tag)
    return text


def render_payoff(payoff: Mapping[str, Mapping[str, float]]) -> str:
    """Return the JSON of a payoff matrix, cells and sides in canonical order.

    Args:
        payoff: Cell to side to payoff.

    Raises:
        FormatError: It is not a payoff matrix; positions count from the start of the JSON.
    """
    try:
        text = json.dumps(payoff, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FormatError(
            "payoff_number", 0, f"a payoff must be a finite number: {error}"
        ) from error
    _read_payoff(text, 0)
    return json.dumps({key: {side: payoff[key][side] for side in SIDES} for key in PAYOFF_KEYS})


def parse_payoff(text: str) -> Payoff:
    """Return the payoff matrix of the JSON that stands between the payoff tags.

    Args:
        text: What the block holds, any string.

    Raises:
        FormatError: It is not such a matrix; positions count from the start of the text.
    """
    return _read_payoff(text, 0)


def _spans(text: str, pattern: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return where the content of each block starts and ends, in order."""
    spans: list[tuple[int, int]] = []
    inside: re.Match[str] | None = None
    position = 0
    for tag in pattern.finditer(text):
        closing, name, at = bool(tag.group(1)), _name(tag), tag.start()
        if inside is not None:
            if not closing or tag.group(2) != inside.group(2):
                raise FormatError(
                    "nested_tag",
                    at,
                    f"no tag may stand inside <{inside.group(2)}>; got {tag.group()}",
                )
            spans.append((inside.end(), at))
            inside = None
        else:
            _check_outside(text, position, at)
            done = BLOCKS[: len(spans)]
            if closing:
                raise FormatError("unopened_tag", at, f"{tag.group()} closes no open block")
            if name in done:
                raise FormatError("repeated_block", at, f"<{name}> may stand only once")
            due = BLOCKS[len(spans)]
            if name != due:
                later = any(_name(other) == due for other in pattern.finditer(text, tag.end()))
                rule = "order" if later else "missing_block"
                raise FormatError(rule, at, f"<{due}> must come next; got {tag.group()}")
            inside = tag
        position = tag.end()
    if inside is not None:
        raise FormatError("unclosed_block", inside.start(), f"{inside.group()} is never closed")
    _check_outside(text, position, len(text))
    if len(spans) < len(BLOCKS):
        raise FormatError("missing_block", len(text), f"<{BLOCKS[len(spans)]}> must follow")
    return spans


def _name(tag: re.Match[str]) -> str:
    return "analyze" if tag.group(2) == "analysis" else tag.group(2)


def _check_outside(text: str, start: int, end: int) -> None:
    stray = _NOT_WHITE.search(text, start, end)
    if stray is not None:
        raise FormatError(
            "outside_text",
            stray.start(),
            f"only white space may stand outside the blocks; got {text[stray.start()]!a}",
        )


class _RefusedError(Exception):
    """A fault inside the JSON, whose place the JSON reader does not tell."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def _refuse(rule: str, message: str) -> NoReturn:
    raise _RefusedError(rule, message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            _refuse("payoff_repeated_key", f"a key may stand once; {key[:40]!a} is repeated")
        found[key] = value
    return found


def _number(convert: Callable[[str], float]) -> Callable[[str], float]:
    def read(literal: str) -> float:
        if len(literal) > _LITERAL:
            _refuse("payoff_number", f"a number must be at most {_LITERAL} characters")
        value = convert(literal)
        if not math.isfinite(value) or abs(value) > MAX_NUMBER:
            _refuse("payoff_number", f"a payoff must be at most 2^53 in size; got {literal}")
        return value

    return read


def _constant(literal: str) -> NoReturn:
    _refuse("payoff_number", f"a payoff must be a finite number; got {literal}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_number(int),
    parse_float=_number(float),
    parse_constant=_constant,
)


def _read_payoff(text: str, offset: int) -> Payoff:
    lead = len(text) - len(text.lstrip(_WHITE))
    start = offset + lead
    try:
        raw = _DECODER.decode(text)
    except _RefusedError as refused:
        raise FormatError(refused.rule, start, str(refused)) from None
    except json.JSONDecodeError as error:
        raise FormatError(
            "payoff_json", offset + error.pos, f"<payoff> must hold one JSON object: {error.msg}"
        ) from None
    except RecursionError:
        raise FormatError("payoff_json", start, "<payoff> is nested too deeply") from None
    if not isinstance(raw, dict):
        raise FormatError("payoff_json", start, "<payoff> must hold one JSON object")
    for key in raw:
        if key not in PAYOFF_KEYS:
            message = f"unknown cell {key[:40]!a}.{suggest(key[:40], PAYOFF_KEYS)}"
            raise FormatError("payoff_keys", start, message)
    for key in PAYOFF_KEYS:
        if key not in raw:
            raise FormatError("payoff_keys", start, f"cell {key!r} is missing")
    return {key: _read_cell(key, raw[key], start) for key in PAYOFF_KEYS}


def _read_cell(key: str, cell: Any, start: int) -> dict[str, float]:
    if not isinstance(cell, dict) or set(cell) != set(SIDES):
        raise FormatError(
            "payoff_cell", start, f'cell {key!r} must be {{"LLM": number, "user": number}}'
        )
    for side in SIDES:
        value = cell[side]
        # bool is an int to Python, never a number here
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FormatError(
                "payoff_number", start, f"{key}.{side} must be a number; got {type(value).__name__}"
            )
    return {side: float(cell[side]) for side in SIDES}
