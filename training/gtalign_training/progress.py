"""The progress of long work on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gtalign_training.callbacks import Progress as Report

SHOWN = {
    "sft": (("loss", "loss"), ("mean_token_accuracy", "token accuracy")),
    **dict.fromkeys(("grpo", "rloo", "lm-ppo", "tries"), (("joint_welfare", "W"), ("user_welfare", "U"), ("assistant_welfare", "L"), ("well_formed", "well-formed"))),
    **dict.fromkeys(("ppo", "recurrent-ppo", "a2c", "dqn"), (("joint_welfare", "W"), ("user_welfare", "U"), ("assistant_welfare", "L"))),
    **dict.fromkeys(("best-of-k", "dpo"), (("loss", "loss"), ("rewards/accuracies", "preferred"), ("mean_token_accuracy", "token accuracy"))),
    "data": (("scored", "scored"), ("abstained", "abstained"), ("faults", "faults")),
    "selfplay": (("user_welfare", "U"), ("assistant_welfare", "L"), ("nash_conv", "NashConv")),
    "run": (("joint_welfare", "W"), ("user_welfare", "U"), ("assistant_welfare", "L"), ("faults", "faults")),
}  # fmt: skip
"""Which metrics stand beside a stage's bar, and what they are called there."""


def working(console: Console, what: str, *, quiet: bool = False) -> AbstractContextManager[Any]:
    """Return a context that shows a spinner beside words while work of unknown length is done.

    Args:
        console: Where to; what is no terminal gets nothing.
        what: What is being done.
        quiet: Whether to show nothing, as for output that programs read.
    """
    if quiet or not console.is_terminal:
        return nullcontext()
    return console.status(what)


@contextmanager
def progress_bars(console: Console) -> Iterator[Report]:
    """Yield a function that shows a bar per stage.

    Args:
        console: Where to; progress belongs on standard error.
    """
    columns = (
        TextColumn("{task.description:>4}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[metrics]}"),
    )
    if not console.is_terminal:
        yield _lines(console)
        return
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage.upper(), total=steps, metrics="")
            bars.update(tasks[stage], completed=step, metrics=_brief(stage, metrics))

        yield report


def _lines(console: Console) -> Report:
    """Return a function that prints a line per tenth of a stage, for logs and pipes."""
    shown: set[tuple[str, int]] = set()

    def report(stage: str, step: int, steps: int, metrics: dict[str, Any]) -> None:
        tenth = (stage, 10 * step // max(1, steps))
        if tenth not in shown:
            shown.add(tenth)
            console.print(f"  {stage} {step}/{steps}  {_brief(stage, metrics)}", soft_wrap=True)

    return report


def _brief(stage: str, metrics: dict[str, Any]) -> str:
    shown = [
        f"{name} {_shown(metrics[key])}" for key, name in SHOWN.get(stage, ()) if key in metrics
    ]
    return "  ".join(shown)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{float(value):.3g}"
