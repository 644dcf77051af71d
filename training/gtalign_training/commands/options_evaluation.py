"""Options and reporting that the commands of evaluations share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from gtalign_env.errors import ScenarioError

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
