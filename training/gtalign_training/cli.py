"""The `gtalign` command. Each subcommand is one module, imported only when it is called."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

_COMMANDS = "gtalign_training.commands"

TABLE: dict[str, tuple[str, str]] = {
    "ablation": (
        f"{_COMMANDS}.ablation:ablation",
        "Train a recipe with every reward, format, setting and seed, and tell the results together.",
    ),
    "agents": (
        f"{_COMMANDS}.agents:agents",
        "List agents: who can sit in a seat, with what they know and need.",
    ),
    "bill": (
        f"{_COMMANDS}.bill:bill_command",
        "Bill recorded conversations again, under any regime; exact to the pico-USD.",
    ),
    "check": (
        f"{_COMMANDS}.check:check",
        "Play an environment and tell which rules of the contract it breaks.",
    ),
    "compare": (
        f"{_COMMANDS}.compare:compare",
        "Compare runs that are there on the episodes that they share, with intervals and tests.",
    ),
    "data": (
        f"{_COMMANDS}.data:data",
        "Check and split data files, and evaluate assistants on their rows.",
    ),
    "demo": (
        f"{_COMMANDS}.demo:demo",
        "Solve a priced game, train a tiny assistant on it, show what changed.",
    ),
    "design": (
        f"{_COMMANDS}.design:design",
        "Find the price that maximises welfare in equilibrium.",
    ),
    "dilemma": (
        f"{_COMMANDS}.dilemma:dilemma",
        "Measure a game's dilemmas: class, greed, fear, distance to the next class.",
    ),
    "doctor": (
        f"{_COMMANDS}.doctor:doctor",
        "Check the installation: versions, extras, library, a known result; tell what to do.",
    ),
    "dynamics": (
        f"{_COMMANDS}.dynamics:dynamics",
        "Follow evolution or learning in a game: rest points, basins, shares.",
    ),
    "egta": (
        f"{_COMMANDS}.egta:egta",
        "Estimate the game that policies play, with intervals and how sure its equilibria are.",
    ),
    "evaluate": (
        f"{_COMMANDS}.evaluate:evaluate",
        "Compare assistants over personas, regimes and users, on the same draws, with the exact optimum.",
    ),
    "exploit": (
        f"{_COMMANDS}.exploit:exploit",
        "Tell how much either seat could gain by its best response, exactly.",
    ),
    "export": (
        f"{_COMMANDS}.export:export",
        "Write a game or a run for other programs: Gambit, OpenSpiel, Inspect, tables, trackers.",
    ),
    "list": (
        f"{_COMMANDS}.list:list_command",
        "List scenarios, personas, prices, games, studies, recipes and more.",
    ),
    "new": (f"{_COMMANDS}.new:new", "Write a commented file of your own to fill in."),
    "oracle": (
        f"{_COMMANDS}.oracle:oracle",
        "Solve for the assistant that maximises joint welfare, not knowing who asks.",
    ),
    "play": (
        f"{_COMMANDS}.play:play",
        "Take a seat at the terminal against a named policy, and learn what the best move was.",
    ),
    "plot": (
        f"{_COMMANDS}.plot:plot",
        "Draw a study's phase diagram, or a game's payoffs or best replies.",
    ),
    "repeated": (
        f"{_COMMANDS}.repeated:repeated",
        "Ask what repetition sustains: critical discount factors, minmax, folk theorem.",
    ),
    "report": (
        f"{_COMMANDS}.report:report",
        "Write runs, evaluations, sweeps and training runs as one page without network or server.",
    ),
    "rescore": (
        f"{_COMMANDS}.rescore:rescore",
        "Judge answers again whose judge failed, or all; nothing is asked of the assistant.",
    ),
    "run": (
        f"{_COMMANDS}.run:run",
        "Play many conversations between two named policies; crash-safe, resumable.",
    ),
    "schema": (f"{_COMMANDS}.schema:schema", "Print or write the JSON Schemas of the files."),
    "score": (
        f"{_COMMANDS}.score:score_command",
        "Score four-block completions by the published welfare of texts, or its correction.",
    ),
    "show": (f"{_COMMANDS}.show:show", "Show one entry with its units, all names resolved."),
    "solve": (
        f"{_COMMANDS}.solve:solve",
        "Solve a scenario or matrix game: equilibria, welfare optima, dilemmas.",
    ),
    "sweep": (
        f"{_COMMANDS}.sweep:sweep",
        "Solve a study: equilibria, dilemmas, welfare over any field.",
    ),
    "tournament": (
        f"{_COMMANDS}.tournament:tournament",
        "Play a round robin of agents on a repeated game, in both seats.",
    ),
    "train": (
        f"{_COMMANDS}.train:train",
        "Train an assistant from a recipe; checkpoints, resume, evaluation, plots.",
    ),
    "ui": (
        f"{_COMMANDS}.ui:ui",
        "Open the playground: move prices and watch the game, or take a seat in it.",
    ),
    "validate": (f"{_COMMANDS}.validate:validate", "Check files; every problem with its line."),
}
"""Subcommands: where the function is, and its line in the overview (its docstring's first)."""

PANELS = {
    "Start": ("demo", "ui", "doctor"),
    "Author": ("list", "show", "new", "validate", "schema", "bill"),
    "Solve": ("solve", "dilemma", "oracle", "exploit", "repeated", "dynamics", "export"),
    "Study": ("sweep", "plot", "design"),
    "Play": ("agents", "run", "play", "tournament", "egta", "check"),
    "Train and judge": ("train", "ablation", "evaluate", "compare", "score", "data", "rescore"),
    "Look": ("report",),
}
"""What the overview puts together: every subcommand once."""


def unfolded(text: str) -> str:
    """Return a docstring with one line a paragraph, as help is folded to the terminal's width."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(p if p.startswith("\b") else " ".join(p.split()) for p in paragraphs)


class LazyCommand(TyperCommand):
    """A line in the overview that turns into the real command when it is called."""

    def __init__(self, name: str, target: str, line: str, panel: str) -> None:
        super().__init__(name, help=line, short_help=line, rich_help_panel=panel)
        self.target = target

    def load(self) -> Any:
        """Return the real command; examples of its module stand below its help."""
        module_name, _, attribute = self.target.partition(":")
        module = importlib.import_module(module_name)
        function = getattr(module, attribute)
        # \b keeps the line breaks of a paragraph
        examples = "\n".join(["\b\nExamples:", *(f"  {one}" for one in module.EXAMPLES)])
        if isinstance(function, typer.Typer):  # it has subcommands of its own
            group = typer.main.get_command(function)
            group.name, group.epilog = self.name, examples
            return group
        summary = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0]
        app = typer.Typer(add_completion=False)
        app.command(self.name, help=unfolded(summary), epilog=examples)(function)
        return typer.main.get_command(app)

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        """Return the context of the real command, which is then invoked in place of this one."""
        return self.load().make_context(info_name, args, *more, **extra)


class LazyGroup(TyperGroup):
    """The group of `TABLE`; errors made on purpose become one message and exit code 2."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for panel, names in PANELS.items():
            for name in names:
                self.add_command(LazyCommand(name, *TABLE[name], panel))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the subcommands in the order of the panels, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise typer.Exit(130) from interrupt
        except Exception as error:
            from gtalign_env.errors import GTAlignError

            if not isinstance(error, GTAlignError):
                raise
            from gtalign_training.console import print_error

            print_error(str(error))
            raise typer.Exit(2) from error


main = typer.Typer(
    cls=LazyGroup,
    name="gtalign",
    no_args_is_help=True,
    # Local variables in a traceback may hold keys and latent preferences.
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"gtalign {importlib.metadata.version('gtalign-env')}")
        raise typer.Exit


@main.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Games between priced, budgeted users and an assistant: author, solve, play, train."""


if __name__ == "__main__":
    main()
