"""`gtalign export`: a game or a run as a file for another program."""

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
from gtalign_training.console import err, out, print_json, safe

EXAMPLES = (
    "gtalign export help_desk --out help_desk.nfg",
    "gtalign export quick_question --format efg --exchanges 2 --out quick.efg",
    "gtalign export help_desk --format openspiel-efg --exchanges 2 --moves DA:concise,CQ --out d.efg",
    "gtalign export runs/words --format inspect --out logs",
    "gtalign export runs/oracle --out oracle.csv",
    "gtalign export runs/first --format trackio",
)


class Format(StrEnum):
    """What to write: a game's tree or matrix, a run's conversations or series; for which program."""

    efg = "efg"
    nfg = "nfg"
    openspiel_efg = "openspiel-efg"
    openspiel_nfg = "openspiel-nfg"
    inspect = "inspect"
    csv = "csv"
    parquet = "parquet"
    tensorboard = "tensorboard"
    trackio = "trackio"
    wandb = "wandb"


OF_GAMES = (Format.efg, Format.nfg, Format.openspiel_efg, Format.openspiel_nfg)


def export(
    target: Annotated[
        str,
        typer.Argument(
            help="A scenario or, for nfg, a matrix game, by name or file; or a run's folder, or a "
            "file of transcripts."
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write; of inspect and tensorboard, a folder."),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Of a game: efg, nfg for Gambit, openspiel-efg, openspiel-nfg. Of a run: inspect, "
            "csv, parquet, or series for tensorboard, trackio, wandb. By default by --out's ending.",
            show_choices=False,
            metavar="FORMAT",
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
    """Write a game or a run for other programs: Gambit, OpenSpiel, Inspect, tables, trackers.

    A game's tree is the whole Bayesian game, in which the assistant does not know the type; its size
    grows about thirteenfold with each exchange. The matrix has the plans of `gtalign solve`.

    A run's conversations become a log that Inspect's viewer opens, or two tables: conversations, and
    exchanges beside it. Series of a training run go to a tracker.
    """
    if is_run(target):
        if (pricing, exchanges, moves, types, nodes, path) != (None,) * 6:
            raise typer.BadParameter(
                "--pricing, --exchanges, --moves, --types, --nodes and --path are for games"
            )
        _export_run(Path(target), file, form, force=force, json=json)
        return
    file, form = _wanted(target, file, form)
    if form not in OF_GAMES:
        raise RunError(
            f"{target!r} is neither a run's folder nor a file of transcripts (.jsonl), which "
            f"--format {form.value} is for; a game is written as {', '.join(OF_GAMES)}"
        )
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


def is_run(target: str) -> bool:
    """Return whether a target is a folder or a file of transcripts, rather than a game.

    Args:
        target: What was named.
    """
    return Path(target).is_dir() or target.endswith(".jsonl")


def _export_run(
    target: Path, file: Path | None, form: Format | None, *, force: bool, json: bool
) -> None:
    from gtalign_training.exports.told import read_story
    from gtalign_training.exports.write import (
        ENDINGS,
        FORMATS,
        WITHOUT_FILE,
        files_of,
        write_story,
    )
    from gtalign_training.trackers import hand_over

    ending = None if file is None else file.suffix.lower()
    if form is None:
        form = next((Format(name) for name, one in ENDINGS.items() if one == ending), None)
    if form is None or form.value not in FORMATS:
        raise RunError(
            f"{target} is a run: say --format, one of {', '.join(FORMATS)}, or --out with the ending "
            f"{', '.join(ENDINGS.values())}"
        )
    if file is None and form.value not in WITHOUT_FILE:
        folders = {"inspect": "logs", "tensorboard": "board"}
        example = folders.get(form.value, f"{target.stem}{ENDINGS.get(form.value, '')}")
        raise RunError(f"say where to: --out {example}")
    if form.value in ENDINGS:
        assert file is not None, "asked for above"
        story = read_story(target)
        files = files_of(story, form.value, file)
        for one in files:
            check_new(one, force)
        done = write_story(story, form.value, files[0])
    else:
        done = {"format": form.value, **hand_over(target, form.value, file or target)}
    if json:
        print_json(done)
        return
    console = out()
    for note in done.get("notes", ()):
        err().print(safe(f"note: {note}"))
    for path, rows in done.get("files", {}).items():
        console.print(
            safe(f"{path}: {rows:,} {'samples' if form is Format.inspect else 'rows'}"),
            soft_wrap=True,
        )
    if form is Format.inspect and file is not None and ending != ENDINGS["inspect"]:
        console.print(
            safe(
                f"look at it with: inspect view --log-dir {file} (comes with: pip install "
                "inspect-ai)"
            ),
            soft_wrap=True,
        )
    if "steps" in done:
        console.print(safe(f"{form.value}: {done['numbers']:,} numbers of {done['steps']:,} steps"))
    if done.get("faults"):
        console.print(safe(f"{done['faults']:,} of them failed, and have no welfare"))
    if done.get("repaired_characters"):
        console.print(
            safe(f"{done['repaired_characters']:,} characters were no valid Unicode: now U+FFFD")
        )


def _wanted(target: str, file: Path | None, form: Format | None) -> tuple[Path, Format]:
    """Return where to write and what; what is missing is asked for at once."""
    ending = None if file is None else file.suffix.lower().removeprefix(".")
    if form is None and ending in (Format.efg, Format.nfg):
        form = Format(ending)
    if file is not None and form is not None:
        return file, form
    missing = [
        *(["--out FILE"] if file is None else []),
        *([f"--format, one of {', '.join(OF_GAMES)}"] if form is None and file is not None else []),
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
