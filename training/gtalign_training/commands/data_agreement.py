"""`gtalign data agreement`: how much a judge agrees with itself on the answers of an evaluation."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.errors import ScenarioError
from gtalign_training.commands.options import Json
from gtalign_training.commands.options_evaluation import JudgePrices, known_judge
from gtalign_training.commands.options_words import (
    AtOnce,
    Budget,
    CassetteFile,
    CassetteMode,
    Deadline,
    Temperature,
    Tries,
    budget,
    one_of,
    prices,
)
from gtalign_training.console import err, out, print_json, safe

EXAMPLES = (
    "gtalign data agreement runs/evaluation --judge openai:http://127.0.0.1:8001/v1#JUDGE",
    "gtalign data agreement runs/evaluation --judge local:PATH --rounds 5 --limit 100 --json",
)


def agreement(
    folder: Annotated[Path, typer.Argument(help="Folder of gtalign data evaluate.", metavar="RUN")],
    judge: Annotated[str, typer.Option(help="A model: openai:URL#MODEL or local:PATH.")],
    rounds: Annotated[int, typer.Option(help="How often each answer is judged.", min=2)] = 3,
    limit: Annotated[int | None, typer.Option(help="Only so many answers.", min=1)] = None,
    temperature: Temperature = 1.0,
    judge_max_tokens: Annotated[int, typer.Option(help="Longest verdict.", min=1)] = 1024,
    at_once: AtOnce = 32,
    deadline: Deadline = 120.0,
    tries: Tries = 4,
    cassette: CassetteFile = None,
    cassette_mode: CassetteMode = "cache",
    budget_cap: Budget = None,
    model_price: JudgePrices = None,
    json: Json = False,
) -> None:
    """Judge the same answers several times and tell how often the verdicts differ.

    By kind of task. Nothing is written but the cassette, if one is given; with it a report that was
    broken off asks nothing twice. Exit code 3 if judging failed.
    """
    from gtalign_agents.backends.cassette import Mode
    from gtalign_agents.backends.chat import Sampling
    from gtalign_agents.backends.named import is_model
    from gtalign_agents.backends.purse import Account
    from gtalign_agents.judging.agreement import agreement as measured
    from gtalign_agents.judging.language import LanguageJudge
    from gtalign_training.commands.sitting import FAULTS
    from gtalign_training.data.evaluation.judges import is_judged, item_of
    from gtalign_training.data.evaluation.plan import from_run
    from gtalign_training.data.evaluation.records import read_kept
    from gtalign_training.progress import working
    from gtalign_training.runs.talk import needs_price, open_model
    from gtalign_training.runs.words import Service

    if not is_model(known_judge(judge)):
        raise ScenarioError(
            f"rules always agree with themselves; --judge is a model here, got {judge!r}"
        )
    plan = from_run(folder)
    answers = [one for one in read_kept(folder).answers.values() if is_judged(one)][:limit]
    if not answers:
        raise ScenarioError(f"{folder} holds no answer that could be judged")
    mode = one_of("--cassette-mode", cassette_mode, Mode)
    service = Service(deadline, tries, cassette, mode, budget(budget_cap))
    rates = prices(model_price, ("judge",)).get("judge")
    if service.cap is not None and rates is None and needs_price(judge):
        raise ScenarioError("to keep to a budget, say what the judge costs: --model-price RATES")
    account = None if service.cap is None else Account(service.cap)
    found = {}
    with open_model(judge, service, account, rates=rates, at_once=at_once) as model:
        sampling = Sampling(judge_max_tokens, temperature, seed=plan.seed)
        judges = [LanguageJudge(model, sampling, plan.seed, number) for number in range(rounds)]
        items = [item_of(plan.rows[one.row], one) for one in answers]
        with working(err(), f"judging {len(items):,} answers {rounds} times", quiet=json):
            for source in dict.fromkeys(item.source for item in items):
                own = [item for item in items if item.source == source]
                found[source] = measured(judges, own)
    if json:
        print_json({source: asdict(one) for source, one in found.items()})
    else:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in ("source", "answers", "rounds", "disputed", "spread", "abstained", "failed"):
            table.add_column(name, justify="left" if name == "source" else "right")
        for source, one in found.items():
            shares = (one.disputed, one.abstained, one.faulted)
            disputed, abstained, failed = (f"{share:.1%}" for share in shares)
            numbers = (f"{one.items:,}", f"{one.rounds}", disputed, f"{one.spread:.3f}")
            table.add_row(safe(source), *numbers, abstained, failed)
        out().print(table)
    if any(one.faulted for one in found.values()):
        raise typer.Exit(FAULTS)
