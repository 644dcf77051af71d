"""`gtalign rescore`: judge the answers of an evaluation again; the assistant is not asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gtalign_training.commands.options import Json
from gtalign_training.commands.options_evaluation import (
    SEATS,
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
    Tries,
    budget,
    one_of,
    prices,
)
from gtalign_training.commands.sitting import FAULT_LIMIT, FAULTS, FaultLimit, sitting
from gtalign_training.console import err, out, print_json, safe

EXAMPLES = (
    "gtalign rescore runs/evaluation",
    "gtalign rescore runs/evaluation --judge openai:http://127.0.0.1:8001/v1#JUDGE",
    "gtalign rescore runs/evaluation --all --no-rules --judge openai:URL#JUDGE --json",
)


def rescore(
    folder: Annotated[Path, typer.Argument(help="Folder of gtalign data evaluate.", metavar="RUN")],
    judge: Annotated[
        str | None,
        typer.Option(help="rules, or a model (openai:URL#MODEL, local:PATH). [default: as before]"),
    ] = None,
    rules: RulesFirst = True,
    every: Annotated[
        bool,
        typer.Option("--all/--faulted", help="All answers, or those whose judge failed."),
    ] = False,
    judge_max_tokens: Annotated[
        int | None, typer.Option(help="Longest verdict. [default: as before]", min=1)
    ] = None,
    at_once: AtOnce = 32,
    deadline: Deadline = 120.0,
    tries: Tries = 4,
    cassette: CassetteFile = None,
    cassette_mode: CassetteMode = "cache",
    budget_cap: Budget = None,
    model_price: JudgePrices = None,
    fault_limit: FaultLimit = FAULT_LIMIT,
    json: Json = False,
) -> None:
    """Judge answers again whose judge failed, or all; nothing is asked of the assistant.

    Old verdicts stay in the log, the old summary beside the new one. Crash-safe: the same command
    goes on. Exit code 3 if a judge failed again.
    """
    from gtalign_agents.backends.cassette import Mode
    from gtalign_agents.backends.named import is_model
    from gtalign_training.data.evaluation.plan import from_run
    from gtalign_training.data.evaluation.render import render_evaluation
    from gtalign_training.data.evaluation.rescoring import rescore as run_again
    from gtalign_training.runs.words import Service

    before = from_run(folder)
    name = before.judge if judge is None else known_judge(judge)
    rates = prices(model_price, SEATS).get("judge") or before.judge_rates
    plan = from_run(
        folder,
        judge=name,
        rules_first=rules,
        judge_rates=rates if is_model(name) else None,
        judge_max_tokens=judge_max_tokens or before.judge_max_tokens,
        at_once=at_once,
    )
    mode = one_of("--cassette-mode", cassette_mode, Mode)
    service = Service(deadline, tries, cassette, mode, budget(budget_cap))
    console = err()
    tally = Tally()
    with sitting(folder, "the same command goes on") as progress:
        summary = run_again(
            plan,
            folder,
            every=every,
            say=lambda line: console.print(safe(f"note: {line}"), soft_wrap=True),
            report=lambda done, every, *found: progress("data", done, every, tally.add(*found)),
            service=service,
            fault_limit=fault_limit,
        )
    if json:
        print_json(summary)
    else:
        render_evaluation(out(), summary)
    if summary["faults"]["judge"]:
        raise typer.Exit(FAULTS)
