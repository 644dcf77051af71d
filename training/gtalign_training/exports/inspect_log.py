"""A run as a log of Inspect AI, which its viewer opens: every conversation with both welfares.

The log is JSON of the format's version 2, written without the library. A conversation is a sample,
what was said its messages, the two welfares and their joint welfare its scores; a fault is an error
and has none.

References:
    UK AI Security Institute, Inspect AI, "Log Files" (inspect.aisi.org.uk/eval-logs.html).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

from gtalign_env import __version__
from gtalign_env.money import format_money
from gtalign_training.exports.told import Call, Story, Told, ToldTurn, tokens_of

VERSION = 2
"""Of the format."""

SCORES = {
    "user": "U, what the user got, points",
    "assistant": "L, what the assistant got, points",
    "joint": "W(U, L), the scenario's joint welfare, points",
}
"""What a sample is scored by, in the order in which the viewer shows it."""

NO_MODEL = "none/scripted"


def inspect_log(story: Story) -> dict[str, Any]:
    """Return a run as Inspect's log, plain JSON data.

    Args:
        story: The run.
    """
    told = story.conversations
    first = told[0]
    ids = [_sample_id(one) for one in told]
    models = sorted({call.model for one in told for turn in one.turns for call in turn.calls})
    valid = [one for one in told if one.fault is None and one.ending is not None]
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": _id(story, "eval"),
            "run_id": _id(story, "run"),
            "task_id": _id(story, "task"),
            "created": story.began,
            "task": first.scenario,
            "task_version": 0,
            "task_attribs": {},
            "task_args": {**_seats(story), "seed": first.seed},
            "dataset": {
                "name": first.scenario,
                "samples": len(told),
                "sample_ids": ids,
                "shuffled": False,
            },
            "model": models[0] if models else NO_MODEL,
            "model_args": {},
            "config": {"epochs": 1, "fail_on_error": False},
            "packages": {"gtalign-env": __version__},
            "metadata": {"run": story.name, "scenario_digest": first.digest},
        },
        "plan": {"name": "conversation", "steps": [], "config": {}},
        "results": {
            "total_samples": len(told),
            "completed_samples": len(valid),
            "scores": [_mean(name, valid) for name in SCORES],
        },
        "stats": {
            "started_at": story.began,
            "completed_at": story.began,
            "model_usage": _usage(
                call for one in told for turn in one.turns for call in turn.calls
            ),
        },
        "samples": [_sample(story, one) for one in told],
    }


def file_name(story: Story) -> str:
    """Return what a log's file must be called for Inspect's viewer to list it.

    Args:
        story: The run.
    """
    stamp = story.began.replace(":", "-")
    return f"{stamp}_{story.conversations[0].scenario.replace('_', '-')}_{_id(story, 'task')}.json"


def _sample_id(one: Told) -> int | str:
    return one.name if one.group else one.episode  # the viewer sorts numbers as numbers


def _seats(story: Story) -> dict[str, str]:
    seats = {"user": story.user, "assistant": story.assistant}
    return {seat: name for seat, name in seats.items() if name}


def _id(story: Story, what: str) -> str:
    """Return an id that the same run has every time it is exported."""
    told = story.conversations
    content = f"{what}/{story.name}/{told[0].digest}/{told[0].seed}/{len(told)}"
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:22]


def _value(one: Told, score: str) -> float:
    values = {"user": one.user, "assistant": one.assistant, "joint": one.welfare}
    value = values[score]
    assert value is not None, "a conversation without a fault has a welfare"
    return value


def _mean(score: str, valid: Sequence[Told]) -> dict[str, Any]:
    mean = math.fsum(_value(one, score) for one in valid) / len(valid) if valid else None
    metrics = {} if mean is None else {"mean": {"name": "mean", "value": mean, "params": {}}}
    return {
        "name": score,
        "scorer": score,
        "scored_samples": len(valid),
        "params": {},
        "metrics": metrics,
        "metadata": {"meaning": SCORES[score]},
    }


def _sample(story: Story, one: Told) -> dict[str, Any]:
    messages = [_message(one, index, turn) for index, turn in enumerate(one.turns)]
    opening = next((_content(turn) for turn in one.turns), "")
    sample: dict[str, Any] = {
        "id": _sample_id(one),
        "epoch": 1,
        "input": opening,
        "target": "",
        "messages": messages,
        "output": _output(one),
        "metadata": {
            "group": one.group,
            "scenario": one.scenario,
            "scenario_digest": one.digest,
            "seed": one.seed,
            "episode": one.episode,
            "regime": one.regime,
            "persona": one.persona,
            **_seats(story),
            "ending": one.ending or "unfinished",
            "charged_pico_usd": one.charged,
            "charged": format_money(one.charged),
            "cost_pico_usd": one.cost,
            "labels": sorted({label for turn in one.turns for label in turn.labels}),
        },
        "store": {},
        "events": [],
        "model_usage": _usage(call for turn in one.turns for call in turn.calls),
        "role_usage": {
            seat: _sum(calls)
            for seat in ("user", "assistant")
            if (calls := [c for turn in one.turns if turn.seat == seat for c in turn.calls])
        },
        "attachments": {},
    }
    if one.fault is not None:
        about = f"{one.fault.kind}: {one.fault.message}"
        if one.fault.attempts:
            about = f"{one.fault.seat}'s seat, {one.fault.attempts} tries: {about}"
        sample["error"] = {"message": about, "traceback": about, "traceback_ansi": about}
    elif one.ending is not None:
        sample["scores"] = {
            name: {"value": _value(one, name), "explanation": meaning, "metadata": {}}
            for name, meaning in SCORES.items()
        }
    return sample


def _message(one: Told, index: int, turn: ToldTurn) -> dict[str, Any]:
    content: Any = _content(turn)
    message: dict[str, Any] = {"id": f"{one.name}-{index}", "role": turn.seat}
    if turn.written is not None and turn.written != turn.text:
        content = [
            {"type": "reasoning", "reasoning": turn.written, "redacted": False},
            {"type": "text", "text": content},
        ]
    if turn.calls:
        message |= {"source": "generate"}
        if turn.seat == "assistant":
            message |= {"model": turn.calls[-1].model}
    return message | {
        "content": content,
        "metadata": {
            "move": turn.move,
            "charge_pico_usd": turn.charge,
            "user_reward": turn.rewards[0],
            "assistant_reward": turn.rewards[1],
            "labels": list(turn.labels),
        },
    }


def _content(turn: ToldTurn) -> str:
    """Return what was said, or the move where nothing was."""
    return turn.text if turn.text else f"[{turn.move}]"


def _output(one: Told) -> dict[str, Any]:
    said = [turn for turn in one.turns if turn.seat == "assistant"]
    model = next((call.model for turn in reversed(said) for call in turn.calls), NO_MODEL)
    if not said:
        return {"model": model, "choices": []}
    last = {"role": "assistant", "content": _content(said[-1])}
    choice = {"message": last, "stop_reason": "stop"}
    return {"model": model, "choices": [choice], "completion": _content(said[-1])}


def _usage(calls: Iterable[Call]) -> dict[str, Any]:
    """Return the tokens of all calls, by model."""
    of: dict[str, list[Call]] = {}
    for call in calls:
        of.setdefault(call.model, []).append(call)
    return {model: _sum(ones) for model, ones in of.items()}


def _sum(calls: Sequence[Call]) -> dict[str, int]:
    sent, cached, written, hidden = tokens_of(calls)
    return {
        "input_tokens": sent - cached,
        "output_tokens": written + hidden,
        "total_tokens": sent + written + hidden,
        "input_tokens_cache_read": cached,
        "reasoning_tokens": hidden,
    }
