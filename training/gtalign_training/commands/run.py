"""`gtalign run`: many conversations between two seats, by moves or in words, kept as they finish."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gtalign_env.errors import ScenarioError
from gtalign_env.scenario.loader import Scenario, load_pricing, load_scenario
from gtalign_training.commands.options import Folders, Json, Pricing
from gtalign_training.commands.options_words import (
    AtOnce,
    Budget,
    CassetteFile,
    CassetteMode,
    Deadline,
    Format,
    InWords,
    MaxTokens,
    MoveJudge,
    Prices,
    Steer,
    Structured,
    Tasks,
    Temperature,
    Tries,
    UserMode,
    UserPolicy,
    budget,
    one_of,
    words_settings,
)
from gtalign_training.commands.sitting import FAULT_LIMIT, FAULTS, FaultLimit, sitting
from gtalign_training.console import err, out, point_to_report, print_json, safe

EXAMPLES = (
    "gtalign run quick_question --user default --assistant oracle",
    "gtalign run upsell --assistant greedy_revenue --episodes 10000 --workers 4",
    "gtalign run help_desk --pricing subscription --user flat_fee_exploiter --out runs/flat",
    "gtalign run help_desk --pricing subscription --user flat_fee_exploiter --out runs/flat --resume",
    "gtalign run help_desk --assistant openai:http://127.0.0.1:8000/v1#NAME --episodes 100",
    "gtalign run help_desk --user replay@runs/words --assistant clarify_once --out runs/replayed",
    "gtalign run help_desk --assistant vllm:MODEL --format four_block --structured grammar",
    "gtalign run help_desk --assistant openai:URL#NAME --model-price 0.25,0.025,2,2 --dry-run",
)


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario, by name or file.")],
    user: Annotated[
        str,
        typer.Option(
            help="Who asks: an agent (gtalign agents), openai:URL#MODEL, local:PATH, vllm:PATH, or "
            "replay@FOLDER, the users of a run in words."
        ),
    ] = "default",
    assistant: Annotated[str, typer.Option(help="Who answers, likewise.")] = "DA:standard",
    pricing: Pricing = None,
    episodes: Annotated[int, typer.Option(help="Number of conversations.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Fixes all of them.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Number of processes.", min=1, max=256)] = 1,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Run folder; by default below runs.", metavar="DIR"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on: play what is missing or failed, or add episodes."),
    ] = False,
    fault_limit: FaultLimit = FAULT_LIMIT,
    words: InWords = False,
    tasks: Tasks = "general_knowledge",
    user_mode: UserMode = None,
    user_policy: UserPolicy = "default",
    format: Format = None,
    steer: Steer = None,
    structured: Structured = None,
    move_judge: MoveJudge = None,
    temperature: Temperature = 1.0,
    max_tokens: MaxTokens = 1024,
    at_once: AtOnce = 32,
    deadline: Deadline = 120.0,
    tries: Tries = 4,
    cassette: CassetteFile = None,
    cassette_mode: CassetteMode = "cache",
    budget_cap: Budget = None,
    model_price: Prices = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what models may cost at most; send nothing.")
    ] = False,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Play many conversations between two named policies; crash-safe, resumable.

    By moves; in words as soon as a language model sits in a seat. Same seed, same conversations,
    with any number of processes. Exit code 3 if a conversation ended in a fault, if too many did,
    or if the disk is full.
    """
    from gtalign_agents.backends.cassette import Mode
    from gtalign_agents.backends.named import is_model
    from gtalign_training.runs.folder import Plan
    from gtalign_training.runs.render import render_summary
    from gtalign_training.runs.run import run as run_plan
    from gtalign_training.runs.seats import assistant_seat, require_user, seat_name
    from gtalign_training.runs.words import Service

    loaded = scenario_under(scenario, pricing, path)
    user, assistant = seat_name(user), seat_name(assistant)
    settings = words_settings(  # a wrong name is told before anything is written
        user,
        assistant,
        in_words=words,
        user_mode=user_mode,
        format=format,
        steer=steer,
        structured=structured,
        move_judge=move_judge,
        rates=model_price,
        tasks=tasks,
        path=path,
        user_policy=user_policy,
        temperature=temperature,
        max_tokens=max_tokens,
        at_once=at_once,
    )
    for name, require in ((user, require_user), (assistant, assistant_seat)):
        if not is_model(name):
            require(name)
    plan = Plan(loaded, user, assistant, seed, episodes, settings)
    mode = one_of("--cassette-mode", cassette_mode, Mode)
    service = Service(deadline, tries, cassette, mode, budget(budget_cap))
    if settings is not None and workers > 1:
        raise ScenarioError("conversations in words share one process; use --at-once for --workers")
    if dry_run:
        _forecast(plan, service, json=json)
        return
    folder = out_folder or default_folder(plan)
    console = err()
    console.print(safe(f"Run folder: {folder}"), soft_wrap=True)
    tally = Tally()
    with sitting(folder) as progress:
        summary = run_plan(
            plan,
            folder,
            command=shlex.join(["gtalign", *sys.argv[1:]]),
            workers=workers,
            resume=resume,
            say=lambda line: console.print(safe(f"note: {line}"), soft_wrap=True),
            report=lambda done, every, finished: progress("run", done, every, tally.add(finished)),
            service=service,
            fault_limit=fault_limit,
        )
    if json:
        print_json(summary)
    else:
        render_summary(out(), summary)
        point_to_report(folder)
    if summary["faults"]:
        raise typer.Exit(FAULTS)


def _forecast(plan: Any, service: Any, *, json: bool) -> None:
    from gtalign_training.runs.forecast import forecast
    from gtalign_training.runs.render import render_forecast

    found = forecast(plan, service) if plan.words is not None else []
    if json:
        print_json({"episodes": plan.episodes, "models": [asdict(one) for one in found]})
        return
    console = out()
    console.print(safe(f"{plan.episodes:,} conversations; nothing is sent. At most:"))
    render_forecast(console, found, service.tries, "no language model sits in a seat")


def scenario_under(name: str, pricing: str | None, path: Any) -> Scenario:
    """Return a scenario, under another regime where one is named.

    Args:
        name: The scenario, by name or file.
        pricing: The regime, by name or file.
        path: Folders to search first.

    Raises:
        ScenarioError: One of them is unknown or invalid.
    """
    loaded = load_scenario(name, path=path or ())
    if pricing is not None:
        loaded = loaded.with_pricing(load_pricing(pricing, path=path or ()))
    return loaded


def default_folder(plan: Any) -> Path:
    """Return where a run goes that is not told where to go.

    Args:
        plan: The plan.
    """
    name = f"{plan.scenario.name}-{plan.user}-{plan.assistant}-{plan.seed}"
    return Path("runs") / re.sub(r"[^\w.@-]+", "_", name)


class Tally:
    """Running means of the episodes of this sitting, for the progress bar."""

    def __init__(self) -> None:
        self._count = self._faults = 0
        self._sums = [0.0, 0.0, 0.0]

    def add(self, finished: list[Any]) -> dict[str, float]:
        """Return the means after some more episodes.

        Args:
            finished: The episodes.
        """
        for one in finished:
            if one.fault is not None:
                self._faults += 1
                continue
            self._count += 1
            for index, value in enumerate((one.user, one.assistant, one.welfare)):
                self._sums[index] += value
        if not self._count:
            return {"faults": self._faults} if self._faults else {}
        names = ("user_welfare", "assistant_welfare", "joint_welfare")
        means = {name: total / self._count for name, total in zip(names, self._sums, strict=True)}
        return means | ({"faults": self._faults} if self._faults else {})
