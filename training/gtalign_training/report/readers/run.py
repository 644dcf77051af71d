"""A run of conversations (`gtalign run`), by moves or in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gtalign_env.core.spec import GameSpec
from gtalign_env.envs.table import Table as GameTable
from gtalign_env.errors import GTAlignError
from gtalign_env.money import to_usd
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import Scenario, parse_scenario
from gtalign_training.report import measures
from gtalign_training.report.games import MOST_GAMES, exact_cells, game_part, matrices
from gtalign_training.report.parts import Data, Folder, Outcomes, Part, Talks
from gtalign_training.report.readers.files import read_object, version_problem
from gtalign_training.report.replayed import Replayed, bring_back
from gtalign_training.report.talks import talk_record, with_unique_keys
from gtalign_training.report.words import plural
from gtalign_training.report.written import written_parts
from gtalign_training.run_log import read_log
from gtalign_training.runs.episode import Episode
from gtalign_training.runs.events import attempts, from_events
from gtalign_training.runs.folder import EPISODES, EVENTS, RUN, SUMMARY, read_run

DEFAULT_USER = "default"
P_VAGUE = 0.5
"""How often the default user opens vaguely in a run."""

_SHOWN = {
    *("scenario", "digest", "pricing", "user", "assistant", "seed", "episodes", "finished"),
    *("valid", "faults", "welfare", "welfare_of_means", "moves", "first_moves", "endings"),
    *("exchanges", "tokens", "bill_usd", "total_pico_usd", "by_regime", "by_persona", "seats"),
    *("words", "matrices"),
}
"""Entries of a summary that the page has a place for; any other is shown as it stands."""

Logged = Mapping[int, list[dict[str, Any]]]


def matches(path: Path) -> bool:
    """Return whether a folder is a run's."""
    logs = (path / EVENTS).exists() or (path / EPISODES).exists()
    if (path / RUN).exists() and not logs and not (path / "recipe.json").exists():
        return '"gtalign/run/' in (path / RUN).read_text(encoding="utf-8", errors="replace")
    return logs


def read(path: Path, name: str) -> Folder:
    """Return what a run says, whatever has happened to it.

    Args:
        path: The folder.
        name: What to call it.
    """
    problems: list[str] = []
    told = read_object(path / RUN, problems)
    summary = read_object(path / SUMMARY, []) if (path / SUMMARY).exists() else {}
    logged, episodes = _read_logs(path, problems)
    problems += version_problem(told.get("gtalign-env"))
    scenario = _scenario(told, problems)
    seed = _seed(told)
    back = _bring_back(told, scenario, episodes, logged, problems)
    valid = [one for one in episodes.values() if one.fault is None]
    problems += _state(told, summary, episodes, valid)
    specs = _specs(scenario)
    games = _solved(specs, problems)
    parts: list[Part] = []
    if valid:
        parts += measures.run_parts(valid, back, seed)
        overall = measures.welfares(valid, seed)
        headline_of = (
            f"mean of {plural(len(valid), 'conversation')}, with 95\u202f% bootstrap intervals"
        )
    else:
        overall, headline_of = {}, ""
    parts += measures.fault_parts(list(episodes.values()))
    parts += measures.word_parts(list(episodes.values()), summary)
    parts += written_parts(summary)
    for regime, (spec, matrix) in games.items():
        here = [one for one in valid if one.regime == regime]
        played = [(name, measures.welfares(here, seed))] if here else []
        p_vague = P_VAGUE if told.get("user") == DEFAULT_USER else None
        parts.append(game_part(spec, matrix, p_vague=p_vague, played=played))
    unknown = {key: value for key, value in summary.items() if key not in _SHOWN}
    parts += [Data(_titled(key), value) for key, value in unknown.items()]
    records = [_record(one, logged.get(one.episode), back) for one in episodes.values()]
    cells = {regime: exact_cells(matrix) for regime, (_, matrix) in games.items()}
    return Folder(
        name,
        "run",
        _title(told, scenario),
        _about(told, scenario, episodes),
        tuple(problems),
        overall,
        headline_of,
        parts=tuple(parts),
        outcomes=(Outcomes(name, _conditions(told), _table(valid)),) if valid else (),
        talks=(Talks(name, with_unique_keys(records), cells),) if records else (),
    )


def talks_of(path: Path, name: str, problems: list[str]) -> tuple[Talks, dict[int, Episode]]:
    """Return the conversations of a run alone, to be read, and what they came to.

    Args:
        path: The folder of the run.
        name: What to call them.
        problems: Gets a sentence about each thing that is wrong.
    """
    told = read_object(path / RUN, problems)
    logged, episodes = _read_logs(path, problems)
    scenario = _scenario(told, problems)
    back = _bring_back(told, scenario, episodes, logged, problems)
    records = [_record(one, logged.get(one.episode), back) for one in episodes.values()]
    cells: dict[str, Mapping[str, tuple[float, float]]] = {}
    if any("blocks" in side for one in records for side in one["beside"]):
        games = _solved(_specs(scenario), problems)  # matrices that were written stand beside these
        cells = {regime: exact_cells(matrix) for regime, (_, matrix) in games.items()}
    return Talks(name, with_unique_keys(records), cells), episodes


def _seed(told: Mapping[str, Any]) -> int:
    return told["seed"] if isinstance(told.get("seed"), int) else 0


def _titled(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _read_logs(path: Path, problems: list[str]) -> tuple[Logged, dict[int, Episode]]:
    """Return the turns of each conversation and what it came to; events restore lost lines."""
    found = read_run(path)
    problems += [f"{note}." for note in found.notes]
    logged: dict[int, list[dict[str, Any]]] = {}
    restored: dict[int, Episode] = {}
    for events in attempts(read_log(path / EVENTS).records):
        try:
            one = from_events(events)
        except (KeyError, TypeError, ValueError):
            continue
        before = restored.get(one.episode)
        if before is None or before.fault is not None or one.fault is None:
            logged[one.episode], restored[one.episode] = events, one
    lost = [index for index in restored if index not in found.episodes]
    if lost:
        problems.append(
            f"{plural(len(lost), 'conversation')} of {EPISODES} restored from {EVENTS}."
        )
    untold = [index for index in found.episodes if index not in logged]
    if untold:
        problems.append(
            f"{EVENTS} lacks the turns of {plural(len(untold), 'conversation')}; their results are "
            "kept."
        )
    episodes = {**{index: restored[index] for index in lost}, **found.episodes}
    return logged, dict(sorted(episodes.items()))


def _scenario(told: Mapping[str, Any], problems: list[str]) -> Scenario | None:
    if "scenario" not in told:
        return None
    try:
        return parse_scenario(told["scenario"], source=RUN)
    except (GTAlignError, TypeError, ValueError) as error:
        first = str(error).splitlines()[0]
        problems.append(f"The scenario in {RUN} cannot be read by this version: {first}")
        return None


def _specs(scenario: Scenario | None) -> list[GameSpec]:
    if scenario is None:
        return []
    return [compile_scenario(scenario, start) for start, _ in scenario.schedule]


def _solved(specs: list[GameSpec], problems: list[str]) -> dict[str, Any]:
    regimes = {spec.regime.name for spec in specs}
    if len(regimes) > MOST_GAMES:
        problems.append(f"The games of the first {MOST_GAMES} of {len(regimes)} prices are shown.")
    try:
        return matrices(specs)
    except GTAlignError as error:
        problems.append(f"The exact game is not shown: {error}")
        return {}


def _bring_back(
    told: Mapping[str, Any],
    scenario: Scenario | None,
    episodes: Mapping[int, Episode],
    logged: Logged,
    problems: list[str],
) -> dict[int, Replayed]:
    """Return what the draws bring back of each conversation, and tell where it is not the bill."""
    if scenario is None:
        return {}
    table = GameTable(scenario)
    keyed_by = told.get("keyed_by")  # a cell of an evaluation draws as its scenario's file does
    table.keyed_by = keyed_by if isinstance(keyed_by, str) else None
    table.seed(_seed(told))
    back = {
        index: bring_back(table, index, logged[index][:-1], one.cost)
        for index, one in episodes.items()
        if index in logged
    }
    valid = [index for index in back if episodes[index].fault is None]
    other = sum(back[index].usage is None for index in valid)
    if other:
        problems.append(
            f"The bill of {plural(other, 'conversation')} does not follow from scenario and seed by "
            "this version: their tokens are not shown."
        )
    return back


def _state(
    told: Mapping[str, Any],
    summary: Mapping[str, Any],
    episodes: Mapping[int, Episode],
    valid: list[Episode],
) -> list[str]:
    """Return what is missing of a run."""
    out = []
    asked = told.get("episodes")
    if isinstance(asked, int) and len(episodes) < asked:
        status = told.get("status", "of unknown state")
        out.append(
            f"{len(episodes):,} of {plural(asked, 'conversation')} are there (the run is {status}); "
            "gtalign run … --resume plays the rest."
        )
    if not episodes:
        out.append("There is no conversation yet.")
    elif not valid:
        out.append("Every conversation failed, so nothing has a welfare; the faults are below.")
    elif len(valid) < len(episodes):
        failed = plural(len(episodes) - len(valid), "conversation")
        out.append(f"{failed} failed and left out of every number; gtalign run … --resume retries.")
    if summary and summary.get("finished") not in (None, len(episodes)):
        out.append(
            f"{SUMMARY} is of {summary['finished']} conversations, the logs of {len(episodes)}; "
            "this page is of the logs."
        )
    return out


def _title(told: Mapping[str, Any], scenario: Scenario | None) -> str:
    if scenario is None:
        return "a run whose scenario is lost"
    regimes = ", ".join(pricing.name for _, pricing in scenario.schedule)
    return f"{scenario.name} under {regimes}: {told.get('user')} × {told.get('assistant')}"


def _about(
    told: Mapping[str, Any], scenario: Scenario | None, episodes: Mapping[int, Episode]
) -> tuple[tuple[str, str], ...]:
    facts: list[tuple[str, object]] = []
    if scenario is not None:
        facts.append(("scenario", f"{scenario.name}: {scenario.description}"))
        facts += [
            (
                "price" if start == 0 else f"price from conversation {start:,}",
                f"{pricing.name}: {pricing.description}",
            )
            for start, pricing in scenario.schedule
        ]
    facts += [(seat, told[seat]) for seat in ("user", "assistant") if seat in told]
    facts.append(("conversations", f"{len(episodes):,}"))
    facts += [(key, told[key]) for key in ("seed", "status", "began", "command") if key in told]
    if isinstance(told.get("words"), dict):
        said = {key: value for key, value in told["words"].items() if value is not None}
        facts.append(("words", ", ".join(f"{key} {value}" for key, value in said.items())))
    facts.append(("scenario hash", told.get("digest", "unknown")))
    facts.append(("gtalign-env", told.get("gtalign-env", "unknown")))
    facts.append(("Python", told.get("python", "unknown")))
    return tuple((name, str(value)) for name, value in facts if value not in (None, ""))


def _conditions(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        "scenario hash": str(told.get("digest")),
        "seed": str(told.get("seed")),
        "version": str(told.get("gtalign-env")),
    }


def _table(valid: list[Episode]) -> dict[str, tuple[float, float, float, float]]:
    return {
        f"{one.regime} {one.episode}": (
            one.user,
            one.assistant,
            one.welfare or 0.0,
            to_usd(one.charged),
        )
        for one in valid
    }


def _record(
    one: Episode, events: list[dict[str, Any]] | None, back: Mapping[int, Replayed]
) -> dict[str, Any]:
    end = events[-1] if events is not None else one.to_data()
    return talk_record(
        events[:-1] if events is not None else [],
        end,
        back=back.get(one.episode),
        episode=one.episode,
        regime=one.regime,
        persona=one.persona,
        ending=one.ending,
        fault=None if one.fault is None else asdict(one.fault),
        welfare=[one.user, one.assistant, one.welfare],
        charged=one.charged,
        cost=one.cost,
    )
