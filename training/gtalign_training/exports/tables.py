"""A run as two tables: a row for every conversation, and a row for every exchange."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gtalign_env.errors import MissingExtraError
from gtalign_training.exports.told import Story, Told, ToldTurn, repaired, tokens_of
from gtalign_training.run_folder import whole_file, write_text
from gtalign_training.tables.csv import harmless

Kind = Literal["text", "whole", "real", "texts", "messages"]

KEY: dict[str, Kind] = {
    "run": "text",
    "group": "text",
    "episode": "whole",
    "scenario": "text",
    "scenario_digest": "text",
    "seed": "whole",
    "regime": "text",
    "persona": "text",
}
"""Columns that both tables begin with; together they name a conversation."""

EPISODES: dict[str, Kind] = KEY | {
    "user_seat": "text",
    "assistant_seat": "text",
    "ending": "text",
    "user_welfare": "real",
    "assistant_welfare": "real",
    "joint_welfare": "real",
    "charged_pico_usd": "whole",
    "cost_pico_usd": "whole",
    "exchanges": "whole",
    "questions": "whole",
    "user_moves": "texts",
    "assistant_moves": "texts",
    "labels": "texts",
    "model_calls": "whole",
    "model_input_tokens": "whole",
    "model_output_tokens": "whole",
    "fault_kind": "text",
    "fault_seat": "text",
    "fault_message": "text",
    "messages": "messages",
}
"""The columns of the conversations; welfares are points, and empty after a fault."""

EXCHANGES: dict[str, Kind] = KEY | {
    "exchange": "whole",
    "user_move": "text",
    "user_text": "text",
    "assistant_move": "text",
    "assistant_text": "text",
    "assistant_written": "text",
    "charge_pico_usd": "whole",
    "user_reward": "real",
    "assistant_reward": "real",
    "labels": "texts",
    "model_input_tokens": "whole",
    "model_cached_input_tokens": "whole",
    "model_output_tokens": "whole",
    "model_reasoning_tokens": "whole",
}
"""The columns of the exchanges. A last move that is no message, such as ACCEPT, has a row of its own."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """What an export has written.

    Attributes:
        files: The files, with their rows.
        repaired: Characters that were no valid Unicode, and were written as U+FFFD.
    """

    files: dict[str, int]
    repaired: int


def episode_rows(story: Story) -> Iterator[Row]:
    """Yield a row for every conversation.

    Args:
        story: The run.
    """
    for one in story.conversations:
        calls = [call for turn in one.turns for call in turn.calls]
        user = [turn for turn in one.turns if turn.seat == "user"]
        assistant = [turn for turn in one.turns if turn.seat == "assistant"]
        failed = one.fault is not None
        yield _key(story, one) | {
            "user_seat": story.user,
            "assistant_seat": story.assistant,
            "ending": one.ending or "unfinished",
            "user_welfare": None if failed else one.user,
            "assistant_welfare": None if failed else one.assistant,
            "joint_welfare": one.welfare,
            "charged_pico_usd": one.charged,
            "cost_pico_usd": one.cost,
            "exchanges": len(assistant),
            "questions": sum(turn.move == "CQ" or turn.move.startswith("AQ") for turn in assistant),
            "user_moves": [turn.move for turn in user],
            "assistant_moves": [turn.move for turn in assistant],
            "labels": [label for turn in one.turns for label in turn.labels],
            "model_calls": len(calls),
            "model_input_tokens": sum(call.input for call in calls),
            "model_output_tokens": sum(call.output + call.reasoning for call in calls),
            "fault_kind": one.fault.kind if one.fault else None,
            "fault_seat": one.fault.seat if one.fault else None,
            "fault_message": one.fault.message if one.fault else None,
            "messages": [
                {"role": turn.seat, "content": turn.text}
                for turn in one.turns
                if turn.text is not None
            ],
        }


def exchange_rows(story: Story) -> Iterator[Row]:
    """Yield a row for every exchange, and for every last move of a user that is no message.

    Args:
        story: The run.
    """
    for one in story.conversations:
        for index, turns in enumerate(_exchanges(one.turns)):
            user = next((turn for turn in turns if turn.seat == "user"), None)
            answer = next((turn for turn in turns if turn.seat == "assistant"), None)
            calls = [call for turn in turns for call in turn.calls]
            sums = tokens_of(calls)
            yield _key(story, one) | {
                "exchange": index,
                "user_move": user.move if user else None,
                "user_text": user.text if user else None,
                "assistant_move": answer.move if answer else None,
                "assistant_text": answer.text if answer else None,
                "assistant_written": answer.written if answer else None,
                "charge_pico_usd": sum(turn.charge for turn in turns),
                "user_reward": sum(turn.rewards[0] for turn in turns),
                "assistant_reward": sum(turn.rewards[1] for turn in turns),
                "labels": [label for turn in turns for label in turn.labels],
                "model_input_tokens": sums[0],
                "model_cached_input_tokens": sums[1],
                "model_output_tokens": sums[2],
                "model_reasoning_tokens": sums[3],
            }


def _exchanges(turns: Sequence[ToldTurn]) -> list[list[ToldTurn]]:
    found: list[list[ToldTurn]] = []
    for turn in turns:
        if turn.seat == "user" or not found:
            found.append([])
        found[-1].append(turn)
    return found


def _key(story: Story, one: Told) -> Row:
    return {
        "run": story.name,
        "group": one.group,
        "episode": one.episode,
        "scenario": one.scenario,
        "scenario_digest": one.digest,
        "seed": one.seed,
        "regime": one.regime,
        "persona": one.persona,
    }


def exchanges_file(file: Path) -> Path:
    """Return where the exchanges go that belong to a file of conversations.

    Args:
        file: Such as ``run.csv``.
    """
    return file.with_name(f"{file.stem}.exchanges{file.suffix}")


def write_csv(story: Story, file: Path) -> Written:
    """Write both tables as CSV: UTF-8, a header, and nothing that a spreadsheet would compute.

    A text that begins like a formula has a ``'`` before it. What there is none of is empty. Lists
    are joined with a blank; what was said is in the table of exchanges alone.

    Args:
        story: The run.
        file: The conversations' file; the exchanges go beside it.
    """
    episodes = {name: kind for name, kind in EPISODES.items() if kind != "messages"}
    done = {}
    broken = 0
    for path, columns, rows in (
        (file, episodes, episode_rows(story)),
        (exchanges_file(file), EXCHANGES, exchange_rows(story)),
    ):
        text = io.StringIO(newline="")
        # lines end in CR LF, as RFC 4180 has it, so that a CR in a text is quoted
        writer = csv.writer(text)
        writer.writerow(columns)
        count = 0
        for row in rows:
            writer.writerow([_cell(row[name], kind) for name, kind in columns.items()])
            count += 1
        shown, bad = repaired(text.getvalue())
        write_text(path, shown)
        done[str(path)] = count
        broken += bad
    return Written(done, broken)


def _cell(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind == "real":
        # what is no number is no measurement: it never stands in a table as one
        return repr(float(value)) if math.isfinite(value) else ""
    if kind == "whole":
        return str(value)
    text = " ".join(value) if kind == "texts" else str(value)
    return harmless(text)


def write_parquet(story: Story, file: Path) -> Written:
    """Write both tables as Parquet, with types; lists stay lists.

    Args:
        story: The run.
        file: The conversations' file; the exchanges go beside it.

    Raises:
        MissingExtraError: PyArrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("exporting Parquet", "studies") from None
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    types = {
        "text": pa.string(),
        "whole": pa.int64(),
        "real": pa.float64(),
        "texts": pa.list_(pa.string()),
        "messages": pa.list_(message),
    }
    done = {}
    broken = 0
    for path, columns, rows in (
        (file, EPISODES, list(episode_rows(story))),
        (exchanges_file(file), EXCHANGES, list(exchange_rows(story))),
    ):
        clean = []
        for row in rows:
            shown, bad = _whole_text(row)
            clean.append(shown)
            broken += bad
        schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
        with whole_file(path) as out:
            pq.write_table(pa.Table.from_pylist(clean, schema=schema), out)
        done[str(path)] = len(clean)
    return Written(done, broken)


def _whole_text(value: Any) -> tuple[Any, int]:
    """Return plain data with all its texts valid Unicode, and how many characters were not."""
    if isinstance(value, str):
        return repaired(value)
    if isinstance(value, dict):
        pairs = {key: _whole_text(one) for key, one in value.items()}
        return {key: one for key, (one, _) in pairs.items()}, sum(bad for _, bad in pairs.values())
    if isinstance(value, list):
        ones = [_whole_text(one) for one in value]
        return [one for one, _ in ones], sum(bad for _, bad in ones)
    if isinstance(value, float) and value - value != 0:
        return None, 0
    return value, 0
