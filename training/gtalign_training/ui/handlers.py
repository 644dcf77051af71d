"""What stands between a control and the screen: no failure leaves on it what is no longer true."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from html import escape
from inspect import isgeneratorfunction
from pathlib import Path
from typing import Any

from gtalign_env.errors import GTAlignError
from gtalign_training.console import err, safe


def handler(
    act: Callable[..., Any],
    instead: Callable[[str], Any],
    doing: str,
    *,
    secret: bool = False,
) -> Callable[..., Any]:
    """Return a function of the page that shows what went wrong, in place of what it would have shown.

    What cannot be played says why. What nobody foresaw is told in plain words, with its traceback in
    the terminal.

    Args:
        act: Takes what the browser sends; a plain function, or one that yields several answers.
        instead: Makes an answer of a notice: the notice in one place, nothing in all others.
        doing: What `act` does, for the notice: ``drawing the map``.
        secret: Whether to leave out what an unforeseen error says, as it may name what a seat must
            not know.
    """

    def told(error: Exception) -> Any:
        if isinstance(error, GTAlignError):
            return instead(draw_problem(str(error)))
        err().print(safe(f"error: {doing} failed:\n{traceback.format_exc()}"), soft_wrap=True)
        return instead(draw_failure(doing, error, secret=secret))

    if isgeneratorfunction(act):

        def answers(*sent: Any) -> Iterator[Any]:
            try:
                yield from act(*sent)
            except Exception as error:
                yield told(error)

        return answers

    def answer(*sent: Any) -> Any:
        try:
            return act(*sent)
        except Exception as error:
            return told(error)

    return answer


def draw_problem(message: str) -> str:
    """Return why something cannot be played, in place of a picture.

    Args:
        message: Any text.
    """
    return _notice("This cannot be played.", escape(message))


def draw_failure(doing: str, error: Exception, *, secret: bool = False) -> str:
    """Return what failed, where, and what to do, in place of a picture.

    Args:
        doing: What was being done.
        error: What nobody foresaw; raised.
        secret: Whether to leave out what it says.
    """
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = type(error).__name__ if secret else f"{type(error).__name__}: {error}"
    return _notice(
        "Something went wrong in the playground itself.",
        f"{escape(doing[0].upper() + doing[1:])} failed, so nothing is shown here: "
        f"<code>{escape(what)}</code> ({escape(Path(last.filename).name)}, line {last.lineno}). "
        "Move the control back, or choose another scenario. This is a bug: the terminal in which "
        "<code>gtalign ui</code> runs has the whole traceback for a report.",
    )


def _notice(head: str, words: str) -> str:
    return f'<section class="gt-problem" role="alert"><strong>{escape(head)}</strong> {words}</section>'
