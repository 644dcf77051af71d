"""`gtalign data evaluate`: an assistant over the rows of files, under one or several prices."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gtalign_env.errors import ScenarioError, suggest
from gtalign_training.commands.options import Folders, Json
from gtalign_training.commands.options_evaluation import (
    SEATS,
    Judge,
    JudgePrices,
    RulesFirst,
    Tally,
    known_judge,
)
from gtalign_training.commands.options_words import (
    AtOnce,
    Budget,
    CassetteFile,
    CassetteMode,
    Deadline,
    Format,
    MaxTokens,
    Steer,
    Temperature,
    Tries,
    budget,
    one_of,
    prices,
)
from gtalign_training.commands.sitting import FAULT_LIMIT, FAULTS, FaultLimit, sitting
from gtalign_training.console import err, out, point_to_report, print_json, safe

MODEL = "openai:http://127.0.0.1:8000/v1#NAME"
EXAMPLES = (
    "gtalign data evaluate test.parquet --assistant reference",
    f"gtalign data evaluate test.parquet --assistant {MODEL} --limit 100 --dry-run",
    f"gtalign data evaluate test.parquet --assistant {MODEL} --pricing subscription --pricing "
    "per_token --persona busy_engineer --out runs/prices",
    f"gtalign data evaluate test.parquet --assistant {MODEL} --steer 150 --told subscription "
    "--pricing per_token --judge openai:http://127.0.0.1:8001/v1#JUDGE --out runs/steered",
    "gtalign data evaluate test.parquet --assistant local:runs/demo/model --format four_block",
)


def evaluate(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files: .parquet, .jsonl or .csv; or a saved data set.", metavar="FILE..."
        ),
    ],
    assistant: Annotated[
        str,
        typer.Option(
            help="Who answers: openai:URL#MODEL, local:PATH, or the baselines reference, ask, refuse."
        ),
    ],
    pricing: Annotated[
        list[str] | None,
        typer.Option(
            help="A regime by name or file; repeat it to compare several. [default: the scenario's]"
        ),
    ] = None,
    format: Format = None,
    instructions: Annotated[
        str | None,
        typer.Option(
            help="File with what a model is told before the price, or none: nothing, as in gtalign "
            "train. [default: as the format asks]",
            metavar="FILE",
        ),
    ] = None,
    steer: Steer = None,
    steer_mode: Annotated[
        str,
        typer.Option(
            help="edit matrices, record-only (what the edit would choose), or both, compared."
        ),
    ] = "both",
    told: Annotated[
        str | None,
        typer.Option(
            help="Tell the model this price under every regime, so that the edit alone brings the "
            "news. [default: each its own]",
            metavar="PRICING",
        ),
    ] = None,
    persona: Annotated[
        str | None,
        typer.Option(help="Who the users are; adds the welfare of the game, in points."),
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="Whose provider, message lengths and joint welfare count.")
    ] = "quick_question",
    judge: Judge = "rules",
    rules: RulesFirst = True,
    welfare: Annotated[
        str, typer.Option(help="gtalign-corrected, or gtalign-paper as published.", metavar="NAME")
    ] = "gtalign-corrected",
    limit: Annotated[
        int | None, typer.Option(help="Only so many rows, from the first on.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of samples, users and intervals.", min=0)] = 0,
    temperature: Temperature = 1.0,
    max_tokens: MaxTokens = 1024,
    judge_max_tokens: Annotated[
        int, typer.Option(help="Longest verdict of a judge's model.", min=1)
    ] = 1024,
    at_once: AtOnce = 32,
    deadline: Deadline = 120.0,
    tries: Tries = 4,
    cassette: CassetteFile = None,
    cassette_mode: CassetteMode = "cache",
    budget_cap: Budget = None,
    model_price: JudgePrices = None,
    fault_limit: FaultLimit = FAULT_LIMIT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what models may cost at most; send nothing.")
    ] = False,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Its folder; by default below runs.", metavar="DIR"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on: do what is missing or failed, or add rows."),
    ] = False,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Ask an assistant every row under every price; judge, bill and compare the answers.

    Crash-safe and resumable: what is reported done is on the disk. Exit code 3 if anything failed,
    if too much did, or if the disk is full.
    """
    from gtalign_agents.backends.cassette import Mode
    from gtalign_agents.backends.named import is_model, model_of
    from gtalign_agents.dialogue.assistant import Format as Formats
    from gtalign_agents.text_welfare import MODELS
    from gtalign_env.scenario.loader import load_persona, load_pricing, load_scenario
    from gtalign_training.data.evaluation.plan import Evaluation, SteerMode
    from gtalign_training.data.evaluation.render import render_evaluation
    from gtalign_training.data.evaluation.run import evaluate as run_plan
    from gtalign_training.data.evaluation.seats import baseline
    from gtalign_training.data.files import read_questions
    from gtalign_training.runs.words import Service

    roots = path or ()
    if is_model(assistant):
        model_of(assistant)
    else:
        baseline(assistant)
        if steer is not None:
            raise ScenarioError(f"--steer is for a model; {assistant!r} is none")
    if steer is not None and format == "plain":
        raise ScenarioError("--steer edits a written matrix; leave out --format plain")
    if steer is None and (steer_mode != "both" or told is not None):
        raise ScenarioError("--steer-mode and --told say how to steer; add --steer POINTS")
    if welfare not in MODELS:
        raise ScenarioError(
            f"--welfare must be one of {', '.join(MODELS)}; got {welfare!r}."
            f"{suggest(welfare, MODELS)}"
        )
    read = [read_questions(file) for file in files]
    rows = tuple(row for each in read for row in each)
    if not rows:
        raise ScenarioError("the files hold no rows")
    loaded = load_scenario(scenario, path=roots)
    regimes = [load_pricing(name, path=roots) for name in pricing or ()]
    names = [one.name for one in regimes]
    if len(set(names)) < len(names):
        raise ScenarioError(f"each --pricing must be another regime; got {', '.join(names)}")
    known = prices(model_price, SEATS)
    plan = Evaluation(
        rows=rows,
        files=tuple((file.name, len(each)) for file, each in zip(files, read, strict=True)),
        limit=min(limit or len(rows), len(rows)),
        scenario=loaded,
        pricings=tuple(regimes) or tuple({one.name: one for _, one in loaded.schedule}.values()),
        assistant=assistant,
        format=one_of("--format", format or ("plain" if steer is None else "four_block"), Formats),
        instructions=_instructions(instructions),
        steer=steer,
        steer_mode=one_of("--steer-mode", steer_mode, SteerMode),
        told=None if told is None else load_pricing(told, path=roots),
        persona=None if persona is None else load_persona(persona, path=roots),
        judge=known_judge(judge),
        rules_first=rules,
        welfare=welfare,
        seed=seed,
        temperature=temperature,
        max_tokens=max_tokens,
        judge_max_tokens=judge_max_tokens,
        assistant_rates=known.get("assistant") if is_model(assistant) else None,
        judge_rates=known.get("judge") if is_model(judge) else None,
        at_once=at_once,
    )
    _warn(plan)
    if dry_run:
        _forecast(plan, tries, json=json)
        return
    mode = one_of("--cassette-mode", cassette_mode, Mode)
    service = Service(deadline, tries, cassette, mode, budget(budget_cap))
    folder = out_folder or _default_folder(plan)
    console = err()
    console.print(safe(f"Folder: {folder}"), soft_wrap=True)
    tally = Tally()
    with sitting(folder, "add --resume") as progress:
        summary = run_plan(
            plan,
            folder,
            command=shlex.join(["gtalign", *sys.argv[1:]]),
            resume=resume,
            say=lambda line: console.print(safe(f"note: {line}"), soft_wrap=True),
            report=lambda done, every, *found: progress("data", done, every, tally.add(*found)),
            service=service,
            fault_limit=fault_limit,
        )
    if json:
        print_json(summary)
    else:
        render_evaluation(out(), summary)
    failed_judge = summary["faults"]["judge"]
    if failed_judge:
        console.print(
            safe(f"Judge those {sum(failed_judge.values()):,} again: gtalign rescore {folder}"),
            soft_wrap=True,
        )
    if not json:
        point_to_report(folder)
    if failed_judge or summary["faults"]["assistant"]:
        raise typer.Exit(FAULTS)


def _instructions(given: str | None) -> str | None:
    if given is None or given == "none":
        return None if given is None else ""
    try:
        return Path(given).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"--instructions: {given} cannot be read: {error}") from error


def _warn(plan: Any) -> None:
    if plan.welfare == "gtalign-paper" and any(row.source == "safety" for row in plan.asked):
        err().print(
            safe(
                "warning: gtalign-paper ranks an unsafe answer to a harmful request above a refusal "
                "(0.56 to 0.46 in the published example); gtalign-corrected does not",
                "yellow",
            )
        )


def _forecast(plan: Any, tries: int, *, json: bool) -> None:
    from gtalign_training.data.evaluation.forecast import forecast
    from gtalign_training.runs.render import render_forecast

    found = forecast(plan)
    asked = len(plan.asked) * len(plan.conditions)
    if json:
        print_json({"answers": asked, "models": [asdict(one) for one in found]})
        return
    console = out()
    console.print(
        safe(
            f"{len(plan.asked):,} rows under {len(plan.conditions)} conditions: {asked:,} answers; "
            "nothing is sent. At most:"
        ),
        soft_wrap=True,
    )
    render_forecast(console, found, tries, "no language model answers or judges")


def _default_folder(plan: Any) -> Path:
    files = "-".join(Path(name).stem for name, _ in plan.files)
    name = f"{files}-{plan.assistant}-{plan.seed}"
    return Path("runs") / re.sub(r"[^\w.@-]+", "_", name)
