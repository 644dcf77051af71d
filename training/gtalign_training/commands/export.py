"""`gtalign export`: a game as a file for Gambit or OpenSpiel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gtalign_env.core.extensive import MOST_NODES, extensive_form
from gtalign_env.core.extensive_files import efg, nfg
from gtalign_env.core.moves import ASSISTANT_LABELS, AssistantMove, assistant_move
from gtalign_env.errors import RunError, ScenarioError, suggest
from gtalign_env.scenario.compile import compile_scenario
from gtalign_env.scenario.loader import load_pricing, load_scenario
from gtalign_training.commands.options import Folders, Force, Json, Pricing, check_new
from gtalign_training.commands.solve import read_target
from gtalign_training.console import out, print_json, safe

EXAMPLES = (
    "gtalign export help_desk --out help_desk.nfg",
    "gtalign export quick_question --format efg --exchanges 2 --out quick.efg",
    "gtalign export help_desk --format openspiel-efg --exchanges 2 --moves DA:concise,CQ --out d.efg",
)


class Format(StrEnum):
    """What to write: the tree or the matrix, for which program."""

    efg = "efg"
    nfg = "nfg"
    openspiel_efg = "openspiel-efg"
    openspiel_nfg = "openspiel-nfg"


def export(
    target: Annotated[
        str, typer.Argument(help="A scenario, or for nfg a matrix game too, by name or file.")
    ],
    file: Annotated[
        Path | None, typer.Option("--out", help="The file to write; required.", dir_okay=False)
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="efg and nfg for Gambit, or the same for OpenSpiel; by default by --out's ending.",
        ),
    ] = None,
    pricing: Pricing = None,
    exchanges: Annotated[
        int | None, typer.Option(help="Exchanges at most, fewer than the scenario's; efg.", min=1)
    ] = None,
    moves: Annotated[
        str | None, typer.Option(help="What the assistant may do, such as DA:concise,CQ; efg.")
    ] = None,
    types: Annotated[
        int | None, typer.Option(help="Types that stand in for a persona that varies; efg.", min=1)
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(help=f"Nodes of a tree at most [{MOST_NODES:,}]; efg.", min=1)
    ] = None,
    force: Force = False,
    path: Folders = None,
    json: Json = False,
) -> None:
    """Write a game as a file for Gambit or OpenSpiel: a tree (efg) or a matrix (nfg).

    The tree is the whole Bayesian game, in which the assistant does not know the type; its size
    grows about thirteenfold with each exchange. The matrix has the plans of `gtalign solve`.
    """
    file, form = _wanted(target, file, form)
    check_new(file, force)
    openspiel = form in (Format.openspiel_efg, Format.openspiel_nfg)
    if form in (Format.nfg, Format.openspiel_nfg):
        if (exchanges, moves, types, nodes) != (None,) * 4:
            raise typer.BadParameter("--exchanges, --moves, --types and --nodes are for trees: efg")
        game = read_target(target, pricing, path=path or ()).game
        _write(file, nfg(game, openspiel=openspiel))
        told: dict[str, Any] = {"plans": list(game.shape)}
        words = f"{game.shape[0]} x {game.shape[1]} plans"
    else:
        loaded = load_scenario(target, path=path or ())
        if pricing is not None:
            loaded = loaded.with_pricing(load_pricing(pricing, path=path or ()))
        spec = compile_scenario(loaded)
        if exchanges is not None:
            if exchanges > spec.max_exchanges:
                raise ScenarioError(
                    f"--exchanges is at most the scenario's {spec.max_exchanges}; got {exchanges}"
                )
            spec = replace(spec, max_exchanges=exchanges)
        tree = extensive_form(spec, moves_of(moves), types or 1, nodes or MOST_NODES)
        _write(file, efg(tree, openspiel=openspiel))
        sets = {"user": len(tree.user), "assistant": len(tree.assistant)}
        told = {
            "exchanges": spec.max_exchanges,
            "nodes": tree.nodes,
            "leaves": tree.leaves,
            "information_sets": sets,
            "exact": tree.exact,
        }
        words = (
            f"{tree.nodes:,} nodes, {tree.leaves:,} of them leaves; information sets: "
            f"user {sets['user']:,}, assistant {sets['assistant']:,}"
        )
    if json:
        print_json({"file": str(file), "format": form.value, **told})
        return
    out().print(safe(f"{file}: {words}"))


def _wanted(target: str, file: Path | None, form: Format | None) -> tuple[Path, Format]:
    """Return where to write and what; what is missing is asked for at once."""
    ending = None if file is None else file.suffix.lower().removeprefix(".")
    if form is None and ending in (Format.efg, Format.nfg):
        form = Format(ending)
    if file is not None and form is not None:
        return file, form
    missing = [
        *(["--out FILE"] if file is None else []),
        *([f"--format, one of {', '.join(Format)}"] if form is None and file is not None else []),
    ]
    stem = Path(target).stem
    raise typer.BadParameter(
        f"give {' and '.join(missing)}: --out {stem}.efg writes the tree, --out {stem}.nfg the "
        "matrix, for Gambit; --format openspiel-efg or openspiel-nfg writes them for OpenSpiel"
    )


def moves_of(names: str | None) -> Sequence[AssistantMove]:
    """Return the moves that a list names, in the order of the game; None names all.

    Args:
        names: Labels with commas between them.

    Raises:
        ScenarioError: No move has one of these labels.
    """
    if names is None:
        return tuple(AssistantMove)
    labels = [name.strip() for name in names.split(",") if name.strip()]
    for label in labels:
        if label not in ASSISTANT_LABELS:
            raise ScenarioError(
                f"--moves names moves of the assistant: {', '.join(ASSISTANT_LABELS)}; "
                f"got {label!r}.{suggest(label, ASSISTANT_LABELS)}"
            )
    if not labels:
        raise ScenarioError("--moves names at least one move of the assistant; got none")
    return sorted({assistant_move(label) for label in labels})


def _write(file: Path, lines: Iterable[str]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="ascii", newline="\n") as opened:
            opened.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise RunError(f"{file}: cannot be written: {error}") from error
