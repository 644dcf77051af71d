"""`gtalign design`: the price that is best in equilibrium, and what keeps it from being better."""

from __future__ import annotations

import json as json_text
import math
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from gtalign_env.errors import RunError, ScenarioError, suggest
from gtalign_env.scenario.fields import NAME_PATTERN, authored, read_money
from gtalign_env.scenario.library import list_entries, search_roots
from gtalign_env.scenario.sweep_design import Design, build_design, load_design
from gtalign_env.scenario.yaml_reader import read_text
from gtalign_training.commands.options import Folders, Force, Json, check_new
from gtalign_training.console import err, out, print_json, safe
from gtalign_training.progress import progress_bars

EXAMPLES = (
    "gtalign design upsell_prices",
    "gtalign design upsell_prices --equilibrium best --profit '0.002 USD' --out my_price.yaml",
    "gtalign design upsell --vary pricing.components.per_token.rates.output=0..60 --maximise nash",
)


OPTIONS = "<options>"
"""What messages call a design that stands on the command line."""

_PLACE = re.compile(
    rf"{OPTIONS}:\d+:\d+: (?:(?P<where>[a-z]+(?:\[(?P<index>\d+)\])?[\w.\[\]]*): )?(?P<message>.*)"
)


class Which(StrEnum):
    """Which equilibrium counts."""

    worst = "worst"
    best = "best"


class Goal(StrEnum):
    """A joint welfare without further numbers."""

    utilitarian = "utilitarian"
    nash = "nash"
    egalitarian = "egalitarian"
    user_only = "user_only"
    assistant_only = "assistant_only"


def design(
    target: Annotated[
        str, typer.Argument(help="A design, by name or file; or a scenario, with --vary.")
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=LOW..HIGH: a number of the price to choose; repeatable."),
    ] = None,
    pricing: Annotated[
        str | None,
        typer.Option(help="The price to start from, by name; by default the scenario's first."),
    ] = None,
    maximise: Annotated[
        Goal | None, typer.Option(help="Welfare of the equilibrium; by default the scenario's.")
    ] = None,
    equilibrium: Annotated[
        Which | None,
        typer.Option(help="Which equilibrium counts, by that welfare; by default the worst."),
    ] = None,
    profit: Annotated[
        str | None, typer.Option(help="Least profit of a conversation, such as '0.001 USD'.")
    ] = None,
    participation: Annotated[
        bool | None,
        typer.Option(
            "--participation/--no-participation",
            help="Whether every type must get its outside option; by default it must.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the search.", min=0)] = None,
    file: Annotated[
        Path | None, typer.Option("--out", help="Write the price here, as a pricing file.")
    ] = None,
    force: Force = False,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Find the price that maximises welfare in equilibrium.

    Subject to everybody's taking part, and to a least profit. Every candidate is solved exactly.
    """
    from gtalign_training.studies.design import price_of, search

    given: dict[str, Any] = {}
    if maximise is not None:
        given["maximise"] = {"kind": maximise.value}
    if equilibrium is not None:
        given["equilibrium"] = equilibrium.value
    if profit is not None:
        try:
            read_money(profit)
        except ValueError as error:
            raise ScenarioError(f"--profit: {error}") from error
        given["profit"] = profit
    if participation is not None:
        given["participation"] = participation
    if seed is not None:
        given["seed"] = seed
    if file is not None:
        _check_file(file)
        check_new(file, force)
    loaded = _loaded(target, vary or [], pricing, given, list(path or ()))
    with progress_bars(err()) as report:
        found = search(loaded, lambda done, all_: report("design", done, all_, {}))
    price = price_of(loaded, found)
    if file is not None:
        _write(price, loaded, file)
    result = {
        "scenario": loaded.family.base.name,
        "pricing": loaded.family.base.schedule[0][1].name,
        "maximise": (loaded.file.maximise or loaded.family.base.welfare).kind,
        "equilibrium": loaded.file.equilibrium,
        "parameters": {
            axis.field.path: value
            for axis, value in zip(loaded.family.axes, found.values, strict=True)
        },
        "before": vars(found.before),
        "after": vars(found.after),
        "binding": list(found.binding),
        "exact": loaded.family.base_spec.is_exact,
        "evaluations": found.evaluations,
        "file": None if file is None else str(file),
        "price": authored(price),
    }
    if json:
        print_json(result)
    else:
        _print(result)


def _loaded(
    target: str, vary: list[str], pricing: str | None, given: dict[str, Any], path: list[Path]
) -> Design:
    """Return the design of a file with options in place of its fields, or one of a scenario."""
    if not vary:
        known = {entry.name for entry in list_entries("scenario", path=path)}
        if target in known:
            raise RunError(
                f"{target!r} is a scenario: say what may be chosen by --vary FIELD=LOW..HIGH, such "
                "as --vary pricing.components.per_token.rates.output=0..60, or give a design"
            )
        loaded = load_design(target, path=path)
        if pricing is not None:
            given["pricing"] = pricing
        data = authored(loaded.file) | given
        roots = search_roots([Path(target).parent, *path] if "/" in target else path)
    else:
        parameters = [_range(text) for text in vary]
        data = {
            "schema": "gtalign/design/1",
            "name": "command_line",
            "description": "Written on the command line.",
            "scenario": target,
            "parameters": parameters,
            **({} if pricing is None else {"pricing": pricing}),
            **given,
        }
        roots = search_roots(path)
    text = json_text.dumps(data, indent=1, ensure_ascii=False)
    try:
        return build_design(read_text(text, OPTIONS), None, roots)
    except ScenarioError as error:
        lines = dict.fromkeys(_by_option(line, vary) for line in str(error).splitlines())
        raise ScenarioError("\n".join(lines)) from error


def _by_option(line: str, vary: list[str]) -> str:
    """Return a problem of the design that the options make, in terms of the option."""
    found = _PLACE.fullmatch(line)
    if found is None:
        return line
    message = found["message"]
    if not vary or found["index"] is None:
        return f"{found['where']}: {message}" if found["where"] else message
    text = vary[int(found["index"])]
    if message.startswith("must be an amount with its unit"):
        low, _, high = text.partition("=")[2].partition("..")
        ends = "..".join(f"{end.removesuffix('USD').strip()} USD" for end in (low, high))
        message = f"must be amounts with their unit: write {ends}, in quotation marks"
    return f"--vary {text}: {message}"


def _range(text: str) -> dict[str, Any]:
    """Return a parameter as a file has it, from FIELD=LOW..HIGH."""
    field, sign, ends = text.partition("=")
    low, dots, high = ends.partition("..")
    if not sign or not dots:
        raise RunError(
            f"--vary must be FIELD=LOW..HIGH, such as ...rates.output=0..60; got {text!r}"
        )
    start, stop = _end(low), _end(high)
    if _size(start) > _size(stop):
        raise RunError(f"--vary: LOW must not be above HIGH; got {text!r}")
    return {"field": field.strip(), "from": start, "to": stop}


def _size(end: float | str) -> float:
    """Return what orders the ends of a range; what is neither number nor money is for the schema."""
    if not isinstance(end, str):
        return end
    try:
        return float(read_money(end))
    except ValueError:
        return math.nan


def _end(text: str) -> float | str:
    """Return a number, or money as text."""
    try:
        return float(text)
    except ValueError:
        return text.strip()


def _check_file(file: Path) -> None:
    """Refuse a file that cannot be a pricing file of its own name."""
    if file.suffix not in (".yaml", ".yml"):
        raise RunError(
            f"--out must end in .yaml; got {file.name!r}{suggest(file.suffix, ['.yaml'])}"
        )
    if not re.fullmatch(NAME_PATTERN, file.stem):
        raise RunError(
            f"--out names the price too: lower-case letters, digits, _ and -; got {file.stem!r}"
        )


def _write(price: Any, loaded: Design, file: Path) -> None:
    """Write the price as a pricing file that is named as its file."""
    import yaml

    goal = (loaded.file.maximise or loaded.family.base.welfare).kind
    data = authored(price) | {
        "name": file.stem,
        "description": (
            f"Found by gtalign design: the {price.name} price that maximises {goal} welfare at the "
            f"{loaded.file.equilibrium} equilibrium of {loaded.family.base.name}."
        ),
        "version": 1,
        "tags": ["designed"],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    file.write_text(text, encoding="utf-8")


def _print(result: dict[str, Any]) -> None:
    console = out()
    console.print(
        safe(
            f"{result['scenario']} under {result['pricing']}: {result['maximise']} welfare at the "
            f"{result['equilibrium']} equilibrium\n"
        )
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("", "before", "after"):
        table.add_column(name, justify="left" if not name else "right")
    before, after = result["before"], result["after"]
    for label, key, unit in (
        ("equilibrium", "move", ""),
        ("dilemma", "dilemma", ""),
        ("welfare", "welfare", "points"),
        ("user U", "user", "points"),
        ("assistant L", "assistant", "points"),
        ("profit a conversation", "profit", "USD"),
    ):
        numbers = [one[key] if not unit else f"{one[key]:.5g}" for one in (before, after)]
        table.add_row(f"{label} ({unit})" if unit else label, *numbers)
    console.print(table)
    for path, value in result["parameters"].items():
        console.print(safe(f"  {path}: {value}", "bold"), soft_wrap=True)
    for name in result["binding"] or ["nothing"]:
        console.print(safe(f"  binds: {name}"), soft_wrap=True)
    exactly = "exact" if result["exact"] else "approximate"
    console.print(safe(f"\n{result['evaluations']:,} prices solved ({exactly})"))
    if result["file"]:
        console.print(safe(f"wrote {result['file']}"), soft_wrap=True)
