"""An evaluation over rows of files (`gtalign data evaluate`): answers, verdicts, prices, sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from gtalign_training.data.evaluation.plan import ROWS
from gtalign_training.data.evaluation.records import ANSWERS, VERDICTS, Kept, read_kept
from gtalign_training.report.judged import judged_parts
from gtalign_training.report.parts import Data, Folder, Part, Talks
from gtalign_training.report.plain import dig, rows_of
from gtalign_training.report.readers.files import attempt, read_object, read_rows, version_problem
from gtalign_training.report.talks import talk_record, with_unique_keys
from gtalign_training.report.words import count, plural
from gtalign_training.runs.folder import RUN, SUMMARY

_SHOWN = {
    *("schema", "files", "rows", "assistant", "format", "pricing", "told", "steer", "scenario"),
    *("persona", "judge", "welfare", "seed", "temperature", "answers", "faults", "conditions"),
    *("differences", "models", "ledger_pico_usd", "rescored"),
}
"""Entries of a summary that have a place on the page; any other is shown as it stands."""


def matches(path: Path) -> bool:
    """Return whether a folder is such an evaluation's."""
    return (path / ANSWERS).exists() or (path / VERDICTS).exists()


def read(path: Path, name: str) -> Folder:
    """Return what an evaluation over rows says, whatever has happened to it.

    Args:
        path: The folder.
        name: What to call it.
    """
    problems: list[str] = []
    told = read_object(path / RUN, problems)
    kept = read_kept(path)
    problems += [f"{note}." for note in kept.notes]
    summary: dict[str, Any] = {}
    if (path / SUMMARY).exists():
        summary = read_object(path / SUMMARY, problems)
    else:
        problems.append(
            f"There is no summary yet: {plural(len(kept.answers), 'answer')} and "
            f"{plural(len(kept.verdicts), 'verdict')} are there (the evaluation is "
            f"{told.get('status', 'of unknown state')}); gtalign data evaluate … --resume finishes it."
        )
    problems += version_problem(told.get("gtalign-env"))
    said: list[str] = []
    problems += attempt(partial(_left_out, summary), said, f"{SUMMARY}: what failed", problems)
    parts: list[Part] = judged_parts(summary, problems, SUMMARY)
    parts += [
        Data(str(key).replace("_", " ").capitalize(), value)
        for key, value in summary.items()
        if key not in _SHOWN
    ]
    records: list[dict[str, Any]] = []
    make = partial(_records, path, told, summary, kept, problems)
    records = attempt(make, records, "The answers", problems)
    return Folder(
        name,
        "data",
        _title(told, summary),
        _about(told, summary, kept),
        tuple(problems),
        parts=tuple(parts),
        talks=tuple(_by_source(name, records)),
    )


def _by_source(name: str, records: Sequence[dict[str, Any]]) -> Iterator[Talks]:
    """Yield the answers, source by source, so that they can be told apart."""
    sources = list(dict.fromkeys(one["end"]["source"] for one in records))
    for source in sources:
        own = [one for one in records if one["end"]["source"] == source]
        yield Talks(f"{name}: {source}" if len(sources) > 1 else name, with_unique_keys(own), {})


def _left_out(summary: Mapping[str, Any]) -> list[str]:
    """Return a sentence about what failed, by seat."""
    faults = summary.get("faults") or {}
    return [
        f"Faults of the {seat}, left out of all numbers: "
        + ", ".join(f"{kind} {count(n)}" for kind, n in kinds.items())
        + "."
        for seat, kinds in faults.items()
        if kinds
    ]


def _conditions(told: Mapping[str, Any], summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return regime and arm of each condition, in order."""
    known = rows_of(summary, "conditions")
    return known or [{"regime": dig(one, "name")} for one in rows_of(told, "pricing")]


def _records(
    path: Path,
    told: Mapping[str, Any],
    summary: Mapping[str, Any],
    kept: Kept,
    problems: list[str],
) -> list[dict[str, Any]]:
    """Return every answer as a conversation of one exchange, with what the judge said of it."""
    rows = read_rows(path / ROWS, problems)
    conditions = _conditions(told, summary)
    records = []
    for (row, index), answer in sorted(kept.answers.items()):
        question: Mapping[str, Any] = rows[row] if row < len(rows) else {}
        condition: Mapping[str, Any] = conditions[index] if index < len(conditions) else {}
        arm = condition.get("arm")
        regime = str(condition.get("regime", "unknown"))
        verdict = kept.verdicts.get((row, index))
        turns: list[dict[str, Any]] = [{"seat": "user", "text": str(question.get("question", ""))}]
        if answer.fault is None:
            turns.append(
                {
                    "seat": "assistant",
                    "text": answer.text,
                    "written": answer.written,
                    "labels": list(answer.labels),
                    "steered": answer.steered,
                }
            )
        end = {
            "row": row,
            "source": str(question.get("source", "unknown")),
            "references": question.get("references"),
            "label": question.get("label"),
            "verdict": None if verdict is None else verdict.to_data(),
        }
        fault = answer.fault or (None if verdict is None else verdict.fault)
        records.append(
            talk_record(
                turns,
                end,
                back=None,
                episode=row,
                regime=regime if arm in (None, "unsteered") else f"{regime}, {arm}",
                persona=str(summary.get("persona") or "none"),
                ending=_said(verdict),
                fault=None if fault is None else fault.__dict__,
                welfare=[None, None, None],
                charged=None,
                cost=None,
            )
        )
    return records


def _said(verdict: Any) -> str:
    if verdict is None:
        return "not judged"
    if verdict.fault is not None:
        return "judge failed"
    return "abstained" if verdict.score is None else f"score {verdict.score:g}"


def _title(told: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    who = told.get("assistant", summary.get("assistant", "an assistant that is lost"))
    files = ", ".join(str(one.get("name")) for one in rows_of(told, "files")) or "rows of files"
    return f"{who} on {files}"


def _names(values: Sequence[Any]) -> str:
    return ", ".join(str(dig(one, "name") or one) for one in values)


def _about(
    told: Mapping[str, Any], summary: Mapping[str, Any], kept: Kept
) -> tuple[tuple[str, str], ...]:
    prices = told.get("pricing", summary.get("pricing"))
    scenario = told.get("scenario", summary.get("scenario"))
    steer = summary.get("steer", told.get("steer"))
    facts: list[tuple[str, Any]] = [
        ("assistant", told.get("assistant", summary.get("assistant"))),
        (
            "files",
            ", ".join(
                f"{one.get('name')} ({one.get('rows')} rows)" for one in rows_of(told, "files")
            ),
        ),
        ("rows", summary.get("rows")),
        ("answers", count(len(kept.answers))),
        ("prices", _names(prices) if isinstance(prices, list) else None),
        ("price that is told", dig(summary, "told")),
        ("scenarios", dig(scenario, "name") or scenario),
        ("persona", summary.get("persona")),
        ("judge", told.get("judge", summary.get("judge"))),
        ("welfare", summary.get("welfare")),
        ("format", summary.get("format")),
        ("temperature", summary.get("temperature")),
        ("steering", None if steer is None else f"{steer}"),
        ("seed", summary.get("seed", told.get("seed"))),
        *((key, told.get(key)) for key in ("status", "began", "command")),
        ("scenario hash", told.get("digest")),
        ("rows hash", told.get("rows_digest")),
        ("gtalign-env", told.get("gtalign-env")),
        ("Python", told.get("python")),
    ]
    return tuple((name, str(value)) for name, value in facts if value not in (None, ""))
