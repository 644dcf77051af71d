"""`gtalign evaluate`: assistants by personas, regimes and users, on the same draws, against the optimum."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gtalign_env.errors import RunError, ScenarioError, suggest
from gtalign_training.commands.options import Folders, Json
from gtalign_training.commands.options_words import (
    AtOnce,
    Budget,
    CassetteFile,
    CassetteMode,
    Deadline,
    Format,
    MaxTokens,
    MoveJudge,
    Prices,
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
    "gtalign evaluate quick_question --assistant oracle --assistant CQ --out runs/quick",
    "gtalign evaluate help_desk --assistant trained@runs/ppo --pricing reasoning_api --pricing subscription",
    "gtalign evaluate upsell --user default --user budget_watcher --user impatient --workers 2",
    "gtalign evaluate help_desk --assistant trained@runs/first --assistant oracle --reference oracle",
    "gtalign evaluate quick_question --out runs/quick --assistant oracle --assistant CQ --resume",
    "gtalign evaluate upsell --assistant CQ --assistant DA:concise --format latex > table.tex",
)

DEFAULT_ASSISTANTS = ("DA:standard", "CQ", "oracle")
Repeated = list[str] | None
Shown = Annotated[
    str, typer.Option("--format", help="What to print: terminal, markdown, latex or csv.")
]


def evaluate(
    scenario: Annotated[list[str], typer.Argument(help="Scenarios, by name or file.")],
    assistant: Annotated[
        Repeated,
        typer.Option(
            help="Who answers: an agent, trained@FOLDER of a training, openai:URL#MODEL, "
            "local:PATH; repeatable; by default DA:standard, CQ and oracle."
        ),
    ] = None,
    user: Annotated[
        Repeated,
        typer.Option(
            help="Who asks: an agent or a model; repeatable; by default the default user."
        ),
    ] = None,
    persona: Annotated[
        Repeated,
        typer.Option(
            help="Ask as this persona, or own for the scenario's; repeatable; by default own."
        ),
    ] = None,
    pricing: Annotated[
        Repeated,
        typer.Option(
            help="Play under this regime, or own for the scenario's; repeatable; by default own."
        ),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Conversations a cell and assistant.", min=2)] = 500,
    seed: Annotated[int, typer.Option(help="Fixes all of them.", min=0)] = 1_000_003,
    workers: Annotated[int, typer.Option(help="Number of processes.", min=1, max=256)] = 1,
    reference: Annotated[
        str | None,
        typer.Option(help="Assistant that the others are compared with; by default the first."),
    ] = None,
    epsilon: Annotated[
        float, typer.Option(help="Difference of a welfare that counts as none, points.", min=0)
    ] = 0.05,
    optimum: Annotated[
        str, typer.Option(help="Solve for the exact optimum: auto, always or never.")
    ] = "auto",
    types: Annotated[
        int, typer.Option(help="Types that stand in for a persona that varies.", min=1)
    ] = 8,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder of the evaluation; by default below runs.", metavar="DIR"
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on; assistants, cells and episodes may be added to what is there."
        ),
    ] = False,
    shown: Shown = "terminal",
    fault_limit: FaultLimit = FAULT_LIMIT,
    tasks: Tasks = "general_knowledge",
    user_mode: UserMode = None,
    user_policy: UserPolicy = "default",
    message_format: Format = None,
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
    path: Folders = None,
    json: Json = False,
) -> None:
    """Compare assistants over personas, regimes and users, on the same draws, with the exact optimum.

    Every assistant plays every cell; episode n has the same luck in all of them. Means, shares of
    the optimum and differences come with intervals and tests, the worst case beside the mean.
    Crash-safe, resumable, the same for any number of processes. Exit code 3 with faults.
    """
    from gtalign_agents.backends.cassette import Mode
    from gtalign_agents.backends.named import is_model
    from gtalign_agents.dialogue.replayed import is_replayed
    from gtalign_env.scenario.loader import load_scenario
    from gtalign_training.grid.cells import OWN, Grid, cells_of, unplayed
    from gtalign_training.grid.contenders import contender
    from gtalign_training.grid.evaluation import evaluate as run_evaluation
    from gtalign_training.grid.optimum import When
    from gtalign_training.grid.spoken import unread
    from gtalign_training.runs.seats import require_user
    from gtalign_training.runs.words import Service

    known_format(shown)
    names = assistant or list(DEFAULT_ASSISTANTS)
    users = user or ["default"]
    if len(set(names)) < len(names):
        raise RunError(f"every assistant is named once; got {', '.join(names)}")
    if reference is not None and reference not in names:
        raise RunError(
            f"--reference is one of the assistants, {', '.join(names)}; got {reference!r}."
            f"{suggest(reference, names)}"
        )
    for name in users:
        if not is_model(name):
            require_user(name)
    contenders = tuple(contender(name) for name in names)
    scenarios = [load_scenario(name, path=path or ()) for name in scenario]
    spoken = [one.agent for one in contenders if one.speaks]
    spoken_users = [name for name in users if is_model(name) or is_replayed(name)]
    words = None
    if spoken or spoken_users:
        words = words_settings(
            (spoken_users or ["default"])[0],
            (spoken or ["DA:standard"])[0],
            in_words=True,
            user_mode=user_mode,
            format=message_format,
            steer=None,
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
    if spoken_users and any(one.folder is not None for one in contenders):
        raise ScenarioError("a training run's language model plays with users of `gtalign agents`")
    cells = cells_of(scenarios, users, persona or [OWN], pricing or [OWN], path or ())
    grid = Grid(cells, contenders, episodes, seed, words)
    where = folder or Path("runs") / f"evaluate-{'-'.join(one.name for one in scenarios)}-{seed}"
    mode = one_of("--cassette-mode", cassette_mode, Mode)
    console = err()
    console.print(safe(f"Evaluation: {where}"), soft_wrap=True)
    console.print(
        safe(
            f"{len(contenders)} assistants x {len(cells)} cells x {episodes:,} conversations, "
            f"seed {seed}"
        )
    )
    lines = [unplayed(cell, episodes) for cell in cells]
    for one in contenders:
        if one.folder is not None:
            lines += unread(one.name, one.folder, [cell.game for cell in cells])
    for line in dict.fromkeys(lines):
        if line:
            console.print(safe(line, "yellow"), soft_wrap=True)
    with sitting(where) as progress:
        data = run_evaluation(
            grid,
            where,
            command=shlex.join(["gtalign", *sys.argv[1:]]),
            workers=workers,
            resume=resume,
            reference=reference or names[0],
            epsilon=epsilon,
            optimum=one_of("--optimum", optimum, When),
            types=types,
            report=lambda done, every: progress("evaluate", done, every, {}),
            say=lambda line: console.print(safe(line), soft_wrap=True),
            service=Service(deadline, tries, cassette, mode, budget(budget_cap)),
            fault_limit=fault_limit,
        )
    print_data(data, shown, json=json)
    if not json:
        point_to_report(where)
    if any(data["faults"].values()):
        raise typer.Exit(FAULTS)


def known_format(shown: str) -> None:
    """Refuse a format that there is not, before any work is done.

    Raises:
        RunError: There is no such format.
    """
    from gtalign_training.tables import FORMATS

    if shown not in FORMATS:
        raise RunError(
            f"--format is one of {', '.join(FORMATS)}; got {shown!r}.{suggest(shown, FORMATS)}"
        )


def print_data(data: dict[str, Any], shown: str, *, json: bool) -> None:
    """Print what an evaluation or a comparison says.

    Args:
        data: The content of ``evaluation.json``.
        shown: One of the formats.
        json: Whether to print the data itself.
    """
    from rich.text import Text

    from gtalign_training.grid.tables import tables_of
    from gtalign_training.tables import ENDINGS, print_table

    if json:
        print_json(data)
        return
    console = out()
    write = {"markdown": ENDINGS[".md"], "latex": ENDINGS[".tex"], "csv": ENDINGS[".csv"]}
    for table in tables_of(data):
        if shown == "terminal":
            print_table(console, table)
        else:
            console.print(Text(write[shown](table)), soft_wrap=True)
