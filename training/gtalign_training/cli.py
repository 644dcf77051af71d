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
    "demo": (
        f"{_COMMANDS}.demo:demo",
        "Solve a priced game, train a tiny assistant on it, show what changed.",
    ),
    "list": (f"{_COMMANDS}.list:list_command", "List scenarios, personas, prices, tasks, games."),
    "oracle": (
        f"{_COMMANDS}.oracle:oracle",
        "Solve for the assistant that maximises joint welfare, not knowing who asks.",
    ),
    "show": (f"{_COMMANDS}.show:show", "Show one entry with its units, all names resolved."),
    "solve": (
        f"{_COMMANDS}.solve:solve",
        "Solve a scenario or matrix game: equilibria, welfare optima, dilemmas.",
    ),
    "train": (
        f"{_COMMANDS}.train:train",
        "Train an assistant from a recipe; checkpoints, resume, evaluation, plots.",
    ),
    "validate": (f"{_COMMANDS}.validate:validate", "Check files; every problem with its line."),
}
"""Subcommands: where the function is, and its line in the overview (its docstring's first)."""


class LazyCommand(TyperCommand):
    """A line in the overview that turns into the real command when it is called."""

    def __init__(self, name: str, target: str, line: str) -> None:
        super().__init__(name, help=line, short_help=line)
        self.target = target

    def load(self) -> Any:
        """Return the real command; examples of its module stand below its help."""
        module_name, _, attribute = self.target.partition(":")
        module = importlib.import_module(module_name)
        function = getattr(module, attribute)
        summary = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0]
        # \b keeps the line breaks of a paragraph
        examples = "\n".join(["\b\nExamples:", *(f"  {one}" for one in module.EXAMPLES)])
        app = typer.Typer(add_completion=False)
        app.command(self.name, help=summary, epilog=examples)(function)
        return typer.main.get_command(app)

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        """Return the context of the real command, which is then invoked in place of this one."""
        return self.load().make_context(info_name, args, *more, **extra)


class LazyGroup(TyperGroup):
    """The group of `TABLE`; errors made on purpose become one message and exit code 2."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (target, line) in TABLE.items():
            self.add_command(LazyCommand(name, target, line))

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
