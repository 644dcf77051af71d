"""What commands that play for long share: progress bars, how they stop, and what that exits with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gtalign_training.console import err, print_error, safe

if TYPE_CHECKING:
    from gtalign_training.callbacks import Progress

FAULTS = 3
"""Exit code of what finished with faults, stopped for them, or could not be written."""
FAULT_LIMIT = 0.05
"""Share of all conversations or answers that may fail before a command stops."""

FaultLimit = Annotated[
    float, typer.Option(help="Stop if more than this share failed.", min=0.0, max=1.0)
]


@contextmanager
def sitting(folder: Path, again: str = "add --resume") -> Iterator[Progress]:
    """Give progress bars; errors and interruptions become lines and exit codes.

    Args:
        folder: What is written to.
        again: How one goes on, for the message.
    """
    from gtalign_training.progress import progress_bars
    from gtalign_training.runs.hold import DiskFullError
    from gtalign_training.runs.signals import SIGNALS
    from gtalign_training.runs.stop import FaultsError

    console = err()
    try:
        with progress_bars(console) as progress:
            yield progress
    except (DiskFullError, FaultsError) as error:
        print_error(str(error))
        raise typer.Exit(FAULTS) from error
    except KeyboardInterrupt as interrupt:
        for number in SIGNALS:  # the end is under way; nobody gains by hearing it twice
            signal.signal(number, signal.SIG_IGN)
        line = f"stopped; what has finished is kept in {folder}: {again}"
        console.print(safe(line), soft_wrap=True)
        raise typer.Exit(_code_of(interrupt)) from interrupt


def _code_of(interrupt: KeyboardInterrupt) -> int:
    """Return the exit code that shells expect after an interruption: 128 and the signal's number."""
    from gtalign_training.runs.signals import Terminated

    return 143 if isinstance(interrupt, Terminated) else 130
