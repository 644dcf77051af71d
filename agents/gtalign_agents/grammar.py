"""The four blocks as a formal grammar, and the payoff matrix as a JSON Schema, for servers.

A server that can hold a model to a grammar takes `FOUR_BLOCK_GRAMMAR` (Lark, as llguidance and vLLM
read it). It is what a model should write: the parser of `fourblock` also takes the cells in any
order and numbers with an exponent. Whatever this grammar accepts, that parser accepts.

Holding a model to a form changes what it writes, so it is a setting, and a record says so.
"""

from __future__ import annotations

from typing import Any

from gtalign_agents.fourblock import BLOCKS, PAYOFF_KEYS, SIDES

_TAGS = "|".join(BLOCKS)

_CELLS = ' "," '.join(f'WS "\\"{key}\\"" WS ":" WS cell WS' for key in PAYOFF_KEYS)

_START = 'start: WS THINKING WS "<payoff>" WS payoff WS "</payoff>" WS ANALYZE WS RESPONSE WS'

_RULES = rf"""
payoff: "{{" {_CELLS} "}}"
cell: "{{" WS "\"{SIDES[0]}\"" WS ":" WS NUMBER WS "," WS "\"{SIDES[1]}\"" WS ":" WS NUMBER WS "}}"
    | "{{" WS "\"{SIDES[1]}\"" WS ":" WS NUMBER WS "," WS "\"{SIDES[0]}\"" WS ":" WS NUMBER WS "}}"
NUMBER: /-?(0|[1-9][0-9]{{0,14}})(\.[0-9]{{1,15}})?/
THINKING: "<thinking>" TEXT "</thinking>"
ANALYZE: "<analyze>" TEXT "</analyze>"
RESPONSE: "<response>" (TEXT & VISIBLE) "</response>"
TEXT: /(?s:.*)/ & ~/(?s:.*)<\/?({_TAGS})>(?s:.*)/
VISIBLE: /(?s:.*)[^\p{{C}}\p{{Z}}](?s:.*)/
WS: /[ \t\r\n]*/
"""

FOUR_BLOCK_GRAMMAR = f"\n{_START}{_RULES}"
"""Any text without the eight tags between them; one JSON object, cells in the published order; at
least one visible character in the response."""

AFTER_MATRIX_GRAMMAR = f"\nstart: WS ANALYZE WS RESPONSE WS{_RULES}"
"""What follows ``</payoff>`` in it, for a turn that goes on from there."""

PAYOFF_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        key: {
            "type": "object",
            "properties": {
                side: {"type": "number", "minimum": -(2**53), "maximum": 2**53} for side in SIDES
            },
            "required": list(SIDES),
            "additionalProperties": False,
        }
        for key in PAYOFF_KEYS
    },
    "required": list(PAYOFF_KEYS),
    "additionalProperties": False,
}
"""JSON Schema of the payoff matrix alone."""
