"""Options and reporting that the commands of evaluations share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from gtalign_env.errors import ScenarioError
from gtalign_training.commands.run import FAULT_LIMIT, FAULTS, code_of
from gtalign_training.console import err, print_error, safe

Judge = Annotated[
    str,
    typer.Option(
        help="Who judges: rules, none, or a model (openai:URL#MODEL, local:PATH), asked where rules "
        "cannot tell."
    ),
]
RulesFirst = Annotated[
    bool,
    typer.Option("--rules/--no-rules", help="Whether a model judges only what rules cannot tell."),
]
FaultLimit = Annotated[
    float, typer.Option(help="Stop if more than this share failed.", min=0.0, max=1.0)
]
JudgePrices = Annotated[
    list[str] | None,
    typer.Option(
        "--model-price",
        help="INPUT,CACHED,OUTPUT,REASONING in USD per 1M tokens; assistant: or judge: before it "
        "for one alone.",
        metavar="RATES",
    ),
]
SEATS = ("assistant", "judge")

__all__ = ["FAULT_LIMIT", "FaultLimit", "Judge", "JudgePrices", "RulesFirst", "sitting"]


def known_judge(name: str) -> str:
    """Return the name of a judge.

    Args:
        name: As given.

    Raises:
        ScenarioError: There is no such judge.
    """
    from gtalign_agents.backends.named import FORMS, is_model, model_of
    from gtalign_training.data.evaluation.plan import NO_JUDGE, RULES

    if name not in (RULES, NO_JUDGE):
        if not is_model(name):
            raise ScenarioError(f"--judge is {RULES}, {NO_JUDGE}, or {FORMS}; got {name!r}")
        model_of(name)
    return name


@contextmanager
def sitting(folder: Path, again: str) -> Iterator[Callable[..., None]]:
    """Give the report of a sitting's progress; errors and interruptions become lines and exit codes.

    Args:
        folder: What is written to.
        again: How one goes on, for the message.
    """
    from gtalign_training.play_run import DiskFullError
    from gtalign_training.play_run_signals import SIGNALS
    from gtalign_training.play_run_stop import FaultsError
    from gtalign_training.progress import progress_bars

    console = err()
    tally = Tally()
    try:
        with progress_bars(console) as progress:

            def report(
                done: int, every: int, answers: Sequence[Any], verdicts: Sequence[Any]
            ) -> None:
                progress("data", done, every, tally.add(answers, verdicts))

            yield report
    except (DiskFullError, FaultsError) as error:
        print_error(str(error))
        raise typer.Exit(FAULTS) from error
    except KeyboardInterrupt as interrupt:
        for number in SIGNALS:  # the end is under way; nobody gains by hearing it twice
            signal.signal(number, signal.SIG_IGN)
        console.print(
            safe(f"stopped; what has finished is kept in {folder}: {again}"), soft_wrap=True
        )
        raise typer.Exit(code_of(interrupt)) from interrupt


class Tally:
    """Running counts of a sitting, for the progress bar."""

    def __init__(self) -> None:
        self._scored = self._faults = self._abstained = 0

    def add(self, answers: Sequence[Any], verdicts: Sequence[Any]) -> dict[str, int]:
        """Return the counts after some more answers and verdicts.

        Args:
            answers: Answers just made.
            verdicts: Judgements just made.
        """
        self._faults += sum(one.fault is not None for one in (*answers, *verdicts))
        self._scored += sum(one.score is not None for one in verdicts)
        self._abstained += sum(one.abstains for one in verdicts)
        counts = {"scored": self._scored, "abstained": self._abstained, "faults": self._faults}
        return {name: count for name, count in counts.items() if count}
