"""Options of the commands that put language models into seats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from gtalign_env.errors import ScenarioError, suggest
from gtalign_env.money import parse_money, rate_per_token
from gtalign_env.pricing import Rates

InWords = Annotated[
    bool, typer.Option("--words", help="Play in words, not by moves; so do all models.")
]
Tasks = Annotated[
    str, typer.Option(help="In words: the questions, by name or file.", metavar="TASKS")
]
UserMode = Annotated[
    str | None,
    typer.Option(help="A model as user: phrased (a policy decides, the default) or decided."),
]
UserPolicy = Annotated[str, typer.Option(help="Who decides for a user in the mode phrased.")]
Format = Annotated[
    str | None,
    typer.Option(help="A model as assistant writes: plain (the default) or four_block."),
]
Steer = Annotated[
    float | None,
    typer.Option(
        help="Edit the model's matrix by the price; a USD is worth so many points to the user.",
        metavar="POINTS",
        min=0.0,
    ),
]
Structured = Annotated[
    str | None,
    typer.Option(
        help="Hold four-block turns to their form: schema (the matrix, by JSON schema) or grammar "
        "(all of it); else free.",
    ),
]
MoveJudge = Annotated[
    str | None,
    typer.Option(
        help="A model that says what a message of the assistant's model does, where rules cannot "
        "tell.",
        metavar="MODEL",
    ),
]
Temperature = Annotated[float, typer.Option(help="Of models; 0 always takes the likeliest token.", min=0.0)]  # fmt: skip
MaxTokens = Annotated[int, typer.Option(help="Longest turn of an assistant's model.", min=1)]
Deadline = Annotated[
    float, typer.Option(help="Longest time of one call, all tries together, seconds.", min=0.001)
]
Tries = Annotated[int, typer.Option(help="Most tries of one call.", min=1)]
AtOnce = Annotated[int, typer.Option(help="In words: conversations side by side.", min=1)]
CassetteFile = Annotated[
    Path | None, typer.Option(help="File with recorded calls.", metavar="FILE")
]
CassetteMode = Annotated[
    str, typer.Option(help="record all calls, replay with no server, or cache: ask what is new.")
]
Budget = Annotated[
    str | None,
    typer.Option(help='Most that all calls of the run may cost, as "0.50 USD".', metavar="MONEY"),
]
Prices = Annotated[
    list[str] | None,
    typer.Option(
        "--model-price",
        help="INPUT,CACHED,OUTPUT,REASONING in USD per 1M tokens; user: or assistant: before it "
        "for one seat alone.",
        metavar="RATES",
    ),
]


def one_of(option: str, value: str, choices: Any) -> Any:
    """Return a value that must be one of a ``Literal``'s.

    Args:
        option: The option's name, for the message.
        value: What came.
        choices: The ``Literal``.

    Raises:
        ScenarioError: It is none of them.
    """
    known = get_args(choices)
    if value not in known:
        listed = ", ".join(known)
        raise ScenarioError(f"{option} is one of {listed}; got {value!r}.{suggest(value, known)}")
    return value


def budget(text: str | None) -> int | None:
    """Return a cap in pico-USD.

    Args:
        text: As `parse_money` takes it.

    Raises:
        ScenarioError: It is no money.
    """
    try:
        return None if text is None else parse_money(text)
    except ValueError as error:
        raise ScenarioError(f"--budget-cap: {error}") from error


def prices(
    given: list[str] | None, seats: tuple[str, ...] = ("user", "assistant")
) -> dict[str, Rates]:
    """Return what the models of the seats cost, pico-USD per token.

    Args:
        given: Each ``RATES``, or ``SEAT:RATES`` for one seat.
        seats: Who may be named.

    Raises:
        ScenarioError: One is no list of four prices.
    """
    found: dict[str, Rates] = {}
    for one in sorted(given or [], key=lambda text: ":" in text):  # for one seat beats for both
        seat, colon, listed = one.rpartition(":")
        parts = listed.split(",")
        try:
            if len(parts) != 4 or (colon and seat not in seats):
                raise ValueError("four prices are needed, such as 0.25,0.025,2,2")
            rates = Rates(*(rate_per_token(part.strip()) for part in parts))
        except ValueError as error:
            raise ScenarioError(f"--model-price {one!r}: {error}") from error
        found |= dict.fromkeys(seats if not colon else (seat,), rates)
    return found


def words_settings(
    user: str,
    assistant: str,
    *,
    in_words: bool,
    user_mode: str | None,
    format: str | None,
    steer: float | None,
    structured: str | None,
    move_judge: str | None,
    rates: list[str] | None,
    tasks: str,
    path: Sequence[Path] | None = None,
    **more: Any,
) -> Any:
    """Return the `Words` that options ask for; None for a game by moves.

    Args:
        user: Who sits in the user's seat.
        assistant: Who sits in the assistant's seat.
        in_words: Whether words are asked for where no model sits.
        user_mode: As the option.
        format: As the option.
        steer: As the option.
        structured: As the option.
        move_judge: As the option.
        rates: As the option ``--model-price``.
        tasks: As the option.
        path: Folders in which the questions are looked up first.
        more: Further fields of `Words`.

    Raises:
        ScenarioError: An option has no such value, or nobody sits there to whom it applies.
    """
    from gtalign_agents.backends.named import FORMS, is_model, model_of
    from gtalign_agents.dialogue.assistant import Format as Formats
    from gtalign_agents.dialogue.assistant import Structured as Forms
    from gtalign_agents.dialogue.replayed import is_replayed
    from gtalign_agents.dialogue.user import Mode
    from gtalign_training.runs.seats import user_seat
    from gtalign_training.runs.words import Words

    models = {name: is_model(name) for name in (user, assistant)}
    for name in (name for name, is_one in models.items() if is_one):
        model_of(name)
    for option, given, seat, name in (
        ("--user-mode", user_mode, "user", user),
        ("--format", format, "assistant", assistant),
        ("--steer", steer, "assistant", assistant),
        ("--structured", structured, "assistant", assistant),
        ("--move-judge", move_judge, "assistant", assistant),
    ):
        if given is not None and not models[name]:
            raise ScenarioError(f"{option} is for a model in the {seat}'s seat; {name!r} is none")
    if steer is not None and format == "plain":
        raise ScenarioError("--steer edits a written matrix; leave out --format plain")
    if move_judge is not None:
        if not is_model(move_judge):
            raise ScenarioError(f"--move-judge is a model, such as {FORMS}; got {move_judge!r}")
        model_of(move_judge)
    held = one_of("--structured", structured or "free", Forms)
    if held != "free" and format == "plain":
        raise ScenarioError("--structured holds the four blocks; leave out --format plain")
    if rates and not any(models.values()):
        raise ScenarioError("--model-price is for models; none sits in a seat")
    if not (in_words or any(models.values()) or is_replayed(user)):
        return None
    known = prices(rates)
    default = "plain" if steer is None and held == "free" else "four_block"
    settings = Words(
        user_mode=one_of("--user-mode", user_mode or "phrased", Mode),
        format=one_of("--format", format or default, Formats),
        steer=steer,
        structured=held,
        move_judge=move_judge,
        user_rates=known.get("user") if models[user] else None,
        assistant_rates=known.get("assistant") if models[assistant] else None,
        tasks=_tasks_in(path or (), tasks),
        **more,
    )
    user_seat(settings.user_policy)
    return settings


def _tasks_in(path: Sequence[Path], name: str) -> str:
    """Return what questions are called in a plan: their file, where a search folder has them.

    A plan knows no search folders, and is played in other processes too.

    Raises:
        ScenarioError: There are none of that name, or they are invalid.
    """
    from gtalign_env.scenario.library import search_roots
    from gtalign_env.scenario.loader import load_tasks
    from gtalign_env.scenario.reading import locate

    load_tasks(name, path=path)
    file = locate("tasks", name, search_roots(path))[0]
    return str(file) if any(file.is_relative_to(folder) for folder in path) else name
