"""A training run (`gtalign train`): curves, what it was worth before and after, conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gtalign_env import __version__
from gtalign_env.core.spec import GameSpec
from gtalign_env.errors import GTAlignError
from gtalign_env.money import to_usd
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training.report.games import exact_cells, game_part, matrices
from gtalign_training.report.parts import (
    Curve,
    Curves,
    Data,
    Folder,
    Game,
    Outcomes,
    Part,
    ShareRows,
    Table,
    Talks,
    WelfareRows,
    Welfares,
)
from gtalign_training.report.readers.files import read_object, read_rows, version_problem
from gtalign_training.report.talks import talk_record, with_unique_keys
from gtalign_training.report.words import general, number, percent
from gtalign_training.statistics import Interval

STAGES = {"grpo": "optimiser step", "ppo": "environment step", "sft": "optimiser step (warm start)"}
"""Stages of ``metrics.jsonl`` and what their axis counts; the first that is there comes first."""

WELFARES = (
    ("joint_welfare", "joint W", "joint"),
    ("user_welfare", "user’s U", "user"),
    ("assistant_welfare", "assistant’s L", "assistant"),
)
OTHERS = (
    ("well_formed", "Well-formed conversations", "share"),
    ("loss", "Loss", "nats"),
    ("entropy", "Entropy of the policy", "nats"),
    ("kl", "Divergence from the reference", "nats"),
    ("approx_kl", "Divergence of an update", "nats"),
    ("charge_usd", "Bill", "USD a conversation"),
)
"""More of what is logged, worth a curve: key, title, unit."""

ROW_NAMES = {"before": "before training", "after": "after training"}

_SHOWN = {
    *("scenario", "welfare", "share", "by_regime", "optimum", "contexts", "rows"),
    *("conversations", "seed", "directions"),
}


def matches(path: Path) -> bool:
    """Return whether a folder is a training run's."""
    return (path / "recipe.json").exists() or (path / "metrics.jsonl").exists()


def read(path: Path, name: str) -> Folder:
    """Return what a training run says.

    Args:
        path: The folder.
        name: What to call it.
    """
    problems: list[str] = []
    recipe = read_object(path / "recipe.json", problems)
    told = read_object(path / "run.json", problems)
    metrics = read_rows(path / "metrics.jsonl", problems)
    result: dict[str, Any] = {}
    if (path / "evaluation.json").exists():
        result = read_object(path / "evaluation.json", problems)
    else:
        problems.append(
            f"There is no evaluation yet (the run is {told.get('status', 'of unknown state')}); "
            "gtalign train … --resume finishes it."
        )
    version = _get(told, "versions", "gtalign-env")
    problems += version_problem(version)
    specs = _specs(recipe, told, problems)
    games = matrices(specs)
    optimum = _number(_get(result, "optimum", "welfare"))
    rows = _rows(result)
    parts: list[Part] = []
    if rows:
        parts.append(
            WelfareRows(
                "Welfare on held-out conversations", rows, optimum, note=_welfare_note(result)
            )
        )
    parts += _exact_parts(result)
    parts += _curve_parts(metrics, optimum)
    parts += _context_parts(result)
    p_vague = _number(_get(recipe, "game", "p_vague"))
    parts += [
        _with_played(game_part(spec, matrix, p_vague=p_vague), result, regime)
        for regime, (spec, matrix) in games.items()
    ]
    parts += [
        Data(key.replace("_", " ").capitalize(), value)
        for key, value in result.items()
        if key not in _SHOWN
    ]
    cells = {regime: exact_cells(matrix) for regime, (_, matrix) in games.items()}
    talks, outcomes = _talks(path, name, cells, str(version), problems)
    after = next((welfares for row, _, welfares in rows if row == ROW_NAMES["after"]), {})
    return Folder(
        name,
        "training",
        _title(recipe),
        _about(recipe, told, result),
        tuple(problems),
        after or _exact_headline(result),
        "after training, on held-out conversations" if after else "exact, mean over prices",
        tuple(parts),
        tuple(outcomes),
        tuple(talks),
    )


def _get(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _specs(
    recipe: Mapping[str, Any], told: Mapping[str, Any], problems: list[str]
) -> list[GameSpec]:
    """Return the games of a recipe, if its files are still those that were trained on."""
    game = recipe.get("game")
    if not isinstance(game, Mapping):
        return []
    try:
        scenario = load_scenario(str(game.get("scenario")))
        specs = [
            compile_scenario(scenario.with_pricing(load_pricing(str(name))))
            for name in game.get("pricing", ())
        ]
    except GTAlignError as error:
        problems.append(f"The exact games are not shown: {str(error).splitlines()[0]}")
        return []
    if told.get("digests") not in (None, [spec.digest for spec in specs]):
        problems.append(
            "The exact games are not shown: scenario or pricing files have changed since the "
            "training (their hashes differ)."
        )
        return []
    return specs


def _interval(value: Any) -> Interval | None:
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 3:
        numbers = [_number(one) for one in value]
        if all(one is not None for one in numbers):
            return Interval(*(one for one in numbers if one is not None))
    one = _number(value)
    return None if one is None else Interval(one, one, one)


def _welfares(row: Mapping[str, Any]) -> Welfares:
    found = {key: _interval(row.get(field)) for key, field in _FIELDS}
    return {key: one for key, one in found.items() if one is not None}


_FIELDS = (("user", "user"), ("assistant", "assistant"), ("joint", "welfare"))


def _rows(result: Mapping[str, Any]) -> tuple[tuple[str, int, Welfares], ...]:
    """Return the assistants that were measured side by side."""
    rows = result.get("rows")
    out = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and (welfares := _welfares(row)):
            n = result.get("conversations")
            named = ROW_NAMES.get(str(row.get("name")), str(row.get("name")))
            out.append((named, n if isinstance(n, int) else 0, welfares))
    return tuple(out)


def _welfare_note(result: Mapping[str, Any]) -> str:
    row = next((one for one in result["rows"] if _get(one, "name") == "after"), {})
    note = "Everybody meets the same users with the same questions; 95\u202f% bootstrap intervals."
    closed = _interval(_get(row, "gap_closed"))
    if closed is not None:
        note += (
            f" Training closed {percent(closed.mean)} of the way from the warm start to the exact "
            f"optimum ({percent(closed.low)} to {percent(closed.high)})."
        )
    return note


def _exact_headline(result: Mapping[str, Any]) -> Welfares:
    rows = _get(result, "by_regime")
    if not isinstance(rows, Mapping) or not rows:
        return {}
    every = [_welfares(row) for row in rows.values()]
    keys = [key for key, _ in _FIELDS if all(key in one for one in every)]
    means = {key: sum(one[key].mean for one in every) / len(every) for key in keys}
    return {key: Interval(mean, mean, mean) for key, mean in means.items()}


def _exact_parts(result: Mapping[str, Any]) -> list[Part]:
    """Return what a policy without text is worth exactly, by regime."""
    rows = _get(result, "by_regime")
    if not isinstance(rows, Mapping):
        return []
    cells = []
    for regime, row in rows.items():
        share = _number(_get(row, "share"))
        plan = _get(row, "best_plan")
        cells.append(
            (
                str(regime),
                *(number(_number(_get(row, field))) for _, field in _FIELDS),
                number(_number(_get(row, "optimum"))),
                "–" if share is None else percent(share),
                f"{_get(plan, 'plan')}: {number(_number(_get(plan, 'welfare')))}",
            )
        )
    columns = ("price", "user’s U", "assistant’s L", "joint W", "optimum of W", "share of it")
    return [
        Table(
            "What the learnt policy is worth, exactly",
            (*columns, "best single plan: W"),
            tuple(cells),
            note="Points a conversation, by following the policy through the tree; no sampling.",
        )
    ]


def _curve_parts(metrics: Sequence[Mapping[str, Any]], optimum: float | None) -> list[Part]:
    parts: list[Part] = []
    for stage, label in STAGES.items():
        rows = [row for row in metrics if row.get("stage") == stage]
        curves = _curves(rows, WELFARES)
        if curves:
            levels = (("exact optimum of W", optimum),) if optimum is not None else ()
            parts.append(
                Curves(
                    f"How it learnt ({stage.upper()})",
                    label,
                    "mean of a batch (points a conversation)",
                    curves,
                    levels,
                    note="Thin: as measured, thick: moving mean.",
                )
            )
        for key, title, unit in OTHERS:
            if found := _curves(rows, ((key, title, "p0"),)):
                parts.append(Curves(f"{title} ({stage.upper()})", label, unit, found))
    return parts


def _curves(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[tuple[str, str, str]]
) -> tuple[Curve, ...]:
    out = []
    for key, name, look in keys:
        points = [
            (step, value)
            for row in rows
            if (step := _number(row.get("step"))) is not None
            and (value := _number(row.get(key))) is not None
        ]
        if points:
            xs, ys = zip(*sorted(points), strict=True)
            out.append(Curve(name, look, xs, ys))
    return tuple(out)


def _context_parts(result: Mapping[str, Any]) -> list[Part]:
    """Return the first moves before and after, with the optimal one."""
    rows = result.get("contexts")
    shown: list[tuple[str, str, Mapping[str, float], str]] = []
    for row in rows if isinstance(rows, list) else ():
        where = f"{_get(row, 'regime')}, {_get(row, 'style')} user, {_get(row, 'opening')}"
        best, margin = str(_get(row, "oracle")), _number(_get(row, "margin"))
        for key, word in (("before", "before"), ("after", "after")):
            mix = _get(row, key)
            if isinstance(mix, Mapping) and mix:
                shares = {str(k): v for k, v in mix.items() if (_number(v) or 0) > 0}
                share = percent(shares.get(best, 0.0), 0)
                remark = f"{best} in {share}" + (
                    "" if margin is None else f"; leads by {number(margin, 2)}"
                )
                shown.append((f"{where}: {word}", f"optimal {remark}", shares, best))
    if not shown:
        return []
    return [
        ShareRows(
            "First moves by price, user and question",
            "move",
            tuple(shown),
            note="Outlined: the move of the exact optimum, with the points of W by which it leads.",
        )
    ]


def _with_played(part: Game, result: Mapping[str, Any], regime: str) -> Game:
    """Return the game with what was played under its regime."""
    from dataclasses import replace

    found: list[tuple[str, Welfares]] = []
    rows = result.get("rows")
    for row in rows if isinstance(rows, list) else ():
        name = ROW_NAMES.get(str(_get(row, "name")))
        welfares = _welfares(_get(row, "by_regime", regime) or {})
        if name is not None and len(welfares) == len(_FIELDS):
            found.append((name, welfares))
    exact = _welfares(_get(result, "by_regime", regime) or {})
    if not found and len(exact) == len(_FIELDS):
        found.append(("learnt policy, exact", exact))
    return replace(part, played=tuple(found))


def _talks(
    path: Path,
    name: str,
    cells: Mapping[str, Mapping[str, tuple[float, float]]],
    version: str,
    problems: list[str],
) -> tuple[list[Talks], list[Outcomes]]:
    talks, outcomes = [], []
    for file in sorted(
        path.glob("transcripts*.jsonl"), key=lambda one: one.name != "transcripts-before.jsonl"
    ):
        rows = [row for row in read_rows(file, problems) if isinstance(row.get("turns"), list)]
        if not rows:
            continue
        which = file.stem.partition("-")[2] or "transcripts"
        label = f"{name}/{which}"
        talks.append(
            Talks(label, with_unique_keys([transcript_record(row) for row in rows]), cells)
        )
        outcomes.append(_outcomes(f"{name}: {ROW_NAMES.get(which, which)}", rows, version))
    return talks, outcomes


def transcript_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a transcript as the page reads it.

    Args:
        row: A line of a file of transcripts; ``turns`` is a list.
    """
    returns = row.get("returns") or [None, None]
    return talk_record(
        [turn for turn in row["turns"] if isinstance(turn, dict)],
        {key: value for key, value in row.items() if key != "turns"},
        back=None,
        episode=row.get("episode", 0),
        regime=str(row.get("regime")),
        persona=str(row.get("persona")),
        ending=str(row.get("ending")),
        fault=None,
        welfare=[*returns[:2], row.get("welfare")],
        charged=row.get("charged", 0),
        cost=row.get("cost", 0),
    )


def _outcomes(name: str, rows: Sequence[Mapping[str, Any]], version: str) -> Outcomes:
    table: dict[str, tuple[float, float, float, float]] = {}
    for row in rows:
        numbers = [_number(one) for one in (*(row.get("returns") or ()), row.get("welfare"))]
        if len(numbers) == 3 and None not in numbers and isinstance(row.get("charged"), int):
            u, a, w = (one or 0.0 for one in numbers)
            table[f"{row.get('regime')} {row.get('episode')}"] = (u, a, w, to_usd(row["charged"]))
    hashes = sorted({str(row.get("digest")) for row in rows})
    seeds = sorted({str(row.get("seed")) for row in rows})
    conditions = {"scenario hash": ", ".join(hashes), "seed": ", ".join(seeds), "version": version}
    return Outcomes(name, conditions, table)


def _title(recipe: Mapping[str, Any]) -> str:
    if not recipe:
        return "a training run whose recipe is lost"
    game = recipe.get("game")
    return f"{recipe.get('name')}: {recipe.get('algorithm')} on {_get(game, 'scenario')}"


def _about(
    recipe: Mapping[str, Any], told: Mapping[str, Any], result: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    game = recipe.get("game", {})
    facts: list[tuple[str, Any]] = [("recipe", recipe.get("description"))]
    facts += [(key, recipe.get(key)) for key in ("algorithm", "seed", "reward")]
    facts += [("scenario", _get(game, "scenario"))]
    pricing = _get(game, "pricing")
    facts.append(("prices", ", ".join(map(str, pricing)) if isinstance(pricing, list) else None))
    for key in ("model", "sft", "grpo", "ppo", "evaluation"):
        said = recipe.get(key)
        if isinstance(said, Mapping) and (
            key not in STAGES
            or key == recipe.get("algorithm")
            or (key == "sft" and recipe.get("algorithm") == "grpo")
        ):
            facts.append(
                (
                    key,
                    ", ".join(
                        f"{k} {v if k == 'seed' else general(v)}"
                        for k, v in said.items()
                        if v is not None
                    ),
                )
            )
    facts += [("held-out conversations", result.get("conversations"))]
    facts += [("status", told.get("status")), ("began", told.get("began"))]
    digests = told.get("digests")
    facts.append(
        ("scenario hashes", " ".join(map(str, digests)) if isinstance(digests, list) else None)
    )
    versions = told.get("versions")
    if isinstance(versions, Mapping):
        facts.append(("gtalign-env", versions.get("gtalign-env")))
        facts.append(("versions", ", ".join(f"{k} {v}" for k, v in versions.items() if v)))
    facts.append(("Python", told.get("python")))
    facts.append(("report by", f"gtalign-env {__version__}"))
    return tuple((name, general(value)) for name, value in facts if value not in (None, ""))
