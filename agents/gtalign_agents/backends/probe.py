"""What a model server can do, found by asking it: each thing with one call or a few.

That a server accepts a parameter says nothing, as many ignore what they do not know. So each call
has an answer that only a server that heeds the parameter gives.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, NamedTuple

from gtalign_agents.backends.chat import Completion, Fault, FaultKind, Message, Request, Sampling
from gtalign_agents.backends.openai_http import OpenAIHttp


class Ability(NamedTuple):
    """One thing that a server can or cannot do."""

    name: str
    holds: bool
    detail: str
    """What it said."""
    fix: str = ""
    """What to do where it cannot."""


FIXES: dict[FaultKind, str] = {
    "connect": "start the server, or correct host and port; the address ends in /v1",
    "timeout": "wait until it has loaded its model, or give it more time with --deadline",
    "rate": "wait, or lower --at-once",
    "server": "read the server's own log",
    "refused": "check the model's name, and the key in OPENAI_API_KEY",
    "bad_json": "the address leads to something else than a model server; it ends in /v1",
    "schema": "it speaks another protocol than chat completions; look at its address",
    "truncated": "look for a proxy between here and the server",
    "out_of_range": "update the server: its usage is wrong, so nothing could be billed by it",
}
"""What to do about a server that fails so."""

GRAMMAR = 'root ::= "violet" | "ochre"'
GRAMMAR_PARAMETERS: dict[str, dict[str, Any]] = {
    "structured_outputs (vLLM)": {"structured_outputs": {"grammar": GRAMMAR}},
    "guided_grammar (older vLLM)": {"guided_grammar": GRAMMAR},
    "ebnf (SGLang)": {"ebnf": GRAMMAR},
    "grammar (llama.cpp)": {"grammar": GRAMMAR},
}
"""How servers are given a grammar; no standard says how."""

SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["violet", "ochre"]}},
    "required": ["colour"],
    "additionalProperties": False,
}

_GREEDY = Sampling(max_tokens=32, temperature=0.0)


def probe(model: OpenAIHttp) -> list[Ability]:
    """Return what a server can do, the needed things first; one that does not answer ends it.

    Args:
        model: The server and the model there.
    """
    outcome = _ask(model, "Say hello.")
    if isinstance(outcome, Fault):
        return [Ability("answers", False, outcome.message, FIXES.get(outcome.kind, ""))]
    text = outcome.text if len(outcome.text) <= 40 else f"{outcome.text[:40]} ..."
    return [
        Ability("answers", True, f"{outcome.model}: {text!r}"),
        _usage(outcome),
        _continues(model),
        _schema(model),
        _grammar(model),
    ]


def _ask(model: OpenAIHttp, text: str, **changes: Any) -> Completion | Fault:
    request = replace(Request((Message("user", text),), _GREEDY), **changes)
    return model.complete([request])[0]


def _usage(answered: Completion) -> Ability:
    if answered.usage_source == "server":
        used = answered.usage
        return Ability("usage", True, f"counts tokens: {used.input} in, {used.output} out")
    fix = "tokens are estimated; under --budget-cap each call counts with its worst case"
    return Ability("usage", False, "does not say how many tokens a call used", fix)


def _continues(model: OpenAIHttp) -> Ability:
    begun = "Counting from 1 to 9: 1 2 3 4 5"
    outcome = _ask(replace(model, continues=True), "Count from 1 to 9, in one line.", prefix=begun)
    fix = "--steer needs a server that knows continue_final_message, such as vLLM or SGLang"
    if isinstance(outcome, Fault):
        return Ability("continues a turn", False, outcome.message, fix)
    # one that begins anew says 1 again
    if outcome.text.split()[:1] == ["6"]:
        return Ability("continues a turn", True, f"went on with {outcome.text.strip()[:20]!r}")
    return Ability("continues a turn", False, f"went on with {outcome.text[:20]!r}", fix)


def _schema(model: OpenAIHttp) -> Ability:
    outcome = _ask(model, "Write a short poem about the sea.", schema=SCHEMA)
    fix = "judges fall back on their last line; use a server with structured outputs"
    if isinstance(outcome, Fault):
        return Ability("JSON schema", False, outcome.message, fix)
    try:
        answer = json.loads(outcome.text)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and answer.get("colour") in ("violet", "ochre"):
        return Ability("JSON schema", True, f"kept to it: {outcome.text.strip()[:30]}")
    return Ability("JSON schema", False, "ignores it", fix)


def _grammar(model: OpenAIHttp) -> Ability:
    for name, parameter in GRAMMAR_PARAMETERS.items():
        outcome = _ask(replace(model, extra=parameter), "Write a short poem about the sea.")
        if isinstance(outcome, Completion) and outcome.text.strip() in ("violet", "ochre"):
            return Ability("grammar", True, f"by {name}")
    fix = "four-block turns are checked after they are written; malformed ones are counted"
    return Ability("grammar", False, "heeds none of the known parameters", fix)
