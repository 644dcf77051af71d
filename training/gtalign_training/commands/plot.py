"""`gtalign plot`: a study's phase diagram, a game's payoffs or best replies, as a picture or page."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gtalign_env.errors import RunError
from gtalign_env.games.normal_form import NormalFormGame
from gtalign_training.commands.options import Folders, Json, Pricing, check_ending
from gtalign_training.console import out, print_json, safe

EXAMPLES = (
    "gtalign plot runs/prices --kind restriction",
    "gtalign plot runs/prices --kind welfare --at persona.conciseness=0.1",
    "gtalign plot runs/prices --kind move --out moves.html",
    "gtalign plot upsell --kind payoffs --out upsell.svg",
    "gtalign plot gtalign_table1 --kind replies",
    "gtalign plot prisoners_dilemma --kind replicator --out field.html",
)


class PlotKind(StrEnum):
    """What is drawn: the first six of a study, the last four of a game."""

    dilemma = "class"
    restriction = "restriction"
    move = "move"
    welfare = "welfare"
    anarchy = "anarchy"
    patience = "patience"
    payoffs = "payoffs"
    replies = "replies"
    replicator = "replicator"
    learning = "learning"


GAME_KINDS = (PlotKind.payoffs, PlotKind.replies, PlotKind.replicator, PlotKind.learning)
LEARNING_ROUNDS = 100_000


def plot(
    path: Annotated[
        str,
        typer.Argument(help="Folder of a sweep; or a scenario or matrix game, by name or file."),
    ],
    kind: Annotated[
        PlotKind | None,
        typer.Option(
            help="What to draw. Of a sweep: class (the default), restriction, move, welfare, anarchy, "
            "patience. Of a game: payoffs (the default), replies, replicator, learning.",
            metavar="KIND",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--out", help="PNG, SVG or HTML file; by default KIND.png.")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=VALUE: hold an axis at its nearest value; repeatable."),
    ] = None,
    halvings: Annotated[
        int, typer.Option(help="How often a grid step is halved to find a border.", min=0, max=8)
    ] = 4,
    pricing: Pricing = None,
    search: Folders = None,
    json: Json = False,
) -> None:
    """Draw a study's phase diagram, or a game's payoffs or best replies.

    Borders of regions are found by halving, on the game itself. HTML is interactive, complete in one
    file, and needs no network. Of evolution and learning more is in `gtalign dynamics --plot`.
    """
    folder = Path(path)
    is_sweep = (folder / "study.json").exists()
    if folder.is_dir() and not is_sweep:
        raise RunError(
            f"{path} must be a folder that gtalign sweep has left, with study.json in it, or the name or "
            "file of a game; this folder is none"
        )
    chosen = kind or (PlotKind.dilemma if is_sweep else PlotKind.payoffs)
    target = file or (folder if is_sweep else Path()) / f"{chosen.value}.png"
    check_ending(target, "--out")
    if is_sweep:
        if chosen in GAME_KINDS:
            raise RunError(f"--kind {chosen.value} draws a game; {path} is a sweep")
        if pricing is not None:
            raise RunError("--pricing is for a scenario; a sweep has its own")
        _draw_study(folder, chosen.value, _pairs(at or ()), halvings, target)
    else:
        if chosen not in GAME_KINDS:
            raise RunError(
                f"--kind {chosen.value} draws a sweep, and {path} is none: it must be a folder that "
                "gtalign sweep STUDY --out DIR left behind"
            )
        if at:
            raise RunError("--at holds an axis of a sweep; a game has none")
        _draw_game(path, chosen, pricing, list(search or ()), target)
    if json:
        print_json({"kind": chosen.value, "file": str(target)})
    else:
        out().print(safe(f"wrote {target}"), soft_wrap=True)


def _pairs(texts: list[str] | tuple[str, ...]) -> Mapping[str, str]:
    """Return the fields and values of ``--at``."""
    pairs = {}
    for text in texts:
        field, sign, value = text.partition("=")
        if not sign:
            raise RunError(f"--at must be FIELD=VALUE; got {text!r}")
        pairs[field.strip()] = value.strip()
    return pairs


def _draw_study(
    folder: Path, kind: str, at: Mapping[str, str], halvings: int, target: Path
) -> None:
    from gtalign_training.plots.studies.interactive import page_of_study
    from gtalign_training.plots.studies.phase import draw_phase
    from gtalign_training.studies.folder import StudyFolder
    from gtalign_training.studies.maps import picture_of

    shown = picture_of(StudyFolder(folder), kind, at, halvings)
    (page_of_study if target.suffix.lower() == ".html" else draw_phase)(shown, target)


def _draw_game(
    name: str, kind: PlotKind, pricing: str | None, path: list[Path], target: Path
) -> None:
    from gtalign_training.commands.solve import read_target
    from gtalign_training.plots.studies.game_pages import page_of_payoffs, page_of_replies
    from gtalign_training.plots.studies.payoffs import draw_payoffs
    from gtalign_training.plots.studies.portrait import portrait
    from gtalign_training.plots.studies.replies import draw_replies

    found = read_target(name, pricing, path=path)
    if kind in (PlotKind.replicator, PlotKind.learning):
        _draw_motion(found.game, kind, target)
        return
    shown = portrait(found.game, found.title, found.welfares["nash"].disagreement)
    draw = {
        (PlotKind.payoffs, False): draw_payoffs,
        (PlotKind.payoffs, True): page_of_payoffs,
        (PlotKind.replies, False): draw_replies,
        (PlotKind.replies, True): page_of_replies,
    }[kind, target.suffix.lower() == ".html"]
    draw(shown, target)


def _draw_motion(game: NormalFormGame, kind: PlotKind, target: Path) -> None:
    """Draw the replicator's field, or two Q-learners, both from seed 0."""
    import numpy as np

    from gtalign_env.games.dynamics import Dynamic
    from gtalign_env.games.dynamics_rest import rest_points
    from gtalign_training.plots.dynamics import dynamic_picture, learning_picture
    from gtalign_training.plots.flow import title_of
    from gtalign_training.repeated.cooperation import cooperation_or_none
    from gtalign_training.repeated.learning import STEP_SIZES, LearnerSettings, learn_together

    if kind is PlotKind.replicator:
        dynamic = Dynamic(game, "replicator")
        points = rest_points(dynamic)
        dynamic_picture(dynamic, target, np.random.default_rng(0), points=points)
        return
    settings = LearnerSettings("q_learning", LEARNING_ROUNDS, 0.95, STEP_SIZES["q_learning"])
    run = learn_together(game, settings, 0, cooperation_or_none(game))
    learning_picture(run, target, title_of("q_learning", game.name))
